"""Articles from files: what is one, what is not, and that loading twice changes nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from knowledge.loading import ArticleText, BadArticle, load, read_articles
from knowledge.models import Article
from tests.factories import SAMPLE

GOOD = {"slug": "reset", "title": "Reset", "body_md": "Choose **Reset**."}


def jsonl(folder: Path, *rows: Any) -> Path:
    path = folder / "articles.jsonl"
    path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in rows))
    return path


def markdown(folder: Path, text: str, name: str = "reset.md") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_the_sample_is_thirty_articles_with_everything() -> None:
    found = list(read_articles(SAMPLE))
    assert len(found) == len(list(SAMPLE.glob("*.md"))) >= 30
    assert all(a.slug and a.title and a.summary and a.topics and a.body_md for a in found)
    assert len({a.slug for a in found}) == len(found)


def test_a_markdown_file_is_read_with_its_front_matter(tmp_path: Path) -> None:
    text = '---\ntitle: "Reset: how"\nsummary: It.\ntopics: [a, b]\ncategory: general\nurl: https://x.example/a\n---\nBody\n---\nmore'
    (found,) = read_articles(markdown(tmp_path, text))
    assert found == ArticleText(
        slug="reset", title="Reset: how", summary="It.", topics=("a", "b"), category="general",
        url="https://x.example/a", body_md="Body\n---\nmore",
    )  # fmt: skip


def test_files_in_folders_below_are_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    markdown(tmp_path / "b", "---\ntitle: B\n---\nb", "b.md")
    markdown(tmp_path, "---\ntitle: A\n---\na", "a.md")
    markdown(tmp_path, "not an article", "readme.txt")
    assert [a.slug for a in read_articles(tmp_path)] == ["a", "b"]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("{", "line 2 is not valid JSON"),
        ("[]", "line 2 is not a JSON object"),
        ({**GOOD, "slug": ""}, "no slug"),
        ({**GOOD, "title": " "}, "no title"),
        ({"slug": "x", "title": "y"}, "no body_md"),
        ({**GOOD, "topics": "a, b"}, "topics must be a list"),
        ({**GOOD, "slug": "Reset password"}, "slug"),
        ({**GOOD, "slug": "a\nb"}, "slug"),
        ({**GOOD, "slug": "x" * 201}, "slug"),
        ({**GOOD, "title": "x" * 251}, "title"),
        ({**GOOD, "url": "javascript:alert(1)"}, "url"),
        ({**GOOD, "url": "/relative"}, "url"),
    ],
)
def test_what_is_no_article_says_where_and_why(row: Any, why: str, tmp_path: Path) -> None:
    with pytest.raises(BadArticle, match=why) as refused:
        list(read_articles(jsonl(tmp_path, GOOD, row)))
    assert "line 2" in str(refused.value)


@pytest.mark.parametrize("text", ["no front matter", "---\ntitle: T\nno end", "---\ntitle: T\n---\n", "---\n---\nbody"])
def test_a_markdown_file_that_is_no_article_is_named(text: str, tmp_path: Path) -> None:
    with pytest.raises(BadArticle, match=r"reset\.md"):
        list(read_articles(markdown(tmp_path, text)))


@pytest.mark.parametrize("path", ["empty", "missing", "file.txt"])
def test_a_path_without_articles_is_refused(path: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").write_text("x")
    with pytest.raises(BadArticle):
        list(read_articles(tmp_path / path))


@pytest.mark.django_db
def test_loading_twice_changes_nothing_and_a_change_counts_a_revision(tmp_path: Path) -> None:
    other = {**GOOD, "slug": "other"}
    assert load(read_articles(jsonl(tmp_path, GOOD, other))) == {"new": 2, "changed": 0, "unchanged": 0}
    assert load(read_articles(jsonl(tmp_path, GOOD, other))) == {"new": 0, "changed": 0, "unchanged": 2}
    changed = {**GOOD, "body_md": "Choose **Reset** twice."}
    assert load(read_articles(jsonl(tmp_path, changed, other))) == {"new": 0, "changed": 1, "unchanged": 1}
    assert dict(Article.objects.values_list("slug", "revision")) == {"reset": 2, "other": 1}
    assert set(Article.objects.values_list("status", flat=True)) == {"published"}


@pytest.mark.django_db
def test_a_slug_of_another_system_is_kept_and_has_a_page(tmp_path: Path, client: Client) -> None:
    load(read_articles(jsonl(tmp_path, {**GOOD, "slug": "documents/guide/Reset_1.md"})))
    article = Article.objects.get()
    assert article.get_absolute_url() == "/help/documents/guide/Reset_1.md"
    assert client.get(article.get_absolute_url()).status_code == 200


@pytest.mark.parametrize("name", ["thunderbird", "aws"])
def test_real_articles_can_be_read(name: str) -> None:
    path = Path(__file__).parents[3] / "shared" / "data" / name / "articles.jsonl"
    if not path.is_file():
        pytest.skip("../shared/data is not here")
    assert len(list(read_articles(path))) > 100


@pytest.mark.django_db
def test_text_that_cannot_be_stored_is_cleaned(tmp_path: Path) -> None:
    row = {
        **GOOD,
        "title": "A\u0000B\ud800",
        "body_md": "x\u202ey",
        "category": "c\u0000\ud800",
        "topics": ["t\u0000\ud800"],
    }
    load(read_articles(jsonl(tmp_path, row)))
    article = Article.objects.get()
    assert (article.title, article.body_md, article.category, article.topics) == ("AB", "xy", "c", ["t"])


@pytest.mark.django_db
def test_the_command_loads_indexes_and_says_what_it_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(jsonl(tmp_path, GOOD))
    call_command("load_articles", path)
    assert capsys.readouterr().out.strip() == "1 new, 0 changed, 0 unchanged; 1 indexed."
    assert not Article.objects.all().waiting().exists()
    call_command("load_articles", path)
    assert capsys.readouterr().out.strip() == "0 new, 0 changed, 1 unchanged; 0 indexed."


@pytest.mark.django_db
@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b'{"slug": "x"}'])
def test_the_command_fails_with_a_sentence(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)
    with pytest.raises(CommandError):
        call_command("load_articles", str(path))
    assert not Article.objects.exists()


@pytest.mark.django_db
def test_an_article_that_an_editor_archived_stays_archived_when_its_folder_is_loaded_again(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("---\ntitle: A title\n---\nThe text.\n")
    load(read_articles(tmp_path))
    Article.objects.update(status=Article.Status.ARCHIVED)
    assert load(read_articles(tmp_path)) == {"new": 0, "changed": 0, "unchanged": 1}
    assert Article.objects.get().status == Article.Status.ARCHIVED
