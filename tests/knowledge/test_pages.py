"""The public help pages: what is published, as safe HTML."""

import pytest
from django.test import Client

from knowledge.models import Article

pytestmark = pytest.mark.django_db


def article(**changes: str) -> Article:
    return Article.objects.create(
        **{"slug": "reset", "title": "Reset it", "body_md": "Choose **Reset**.", "status": "published", **changes}
    )


def test_a_published_article_is_a_page(client: Client) -> None:
    article(body_md="Choose **Reset**.\n\n1. One\n2. Two\n\n| a | b |\n|---|---|\n| 1 | 2 |")
    page = client.get("/help/reset")
    assert page.status_code == 200
    for part in ("<strong>Reset</strong>", "<li>Two</li>", "<td>1</td>", "Reset it"):
        assert part in page.content.decode()


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_what_is_not_published_does_not_exist(status: str, client: Client) -> None:
    article(status=status)
    missing, hidden = client.get("/help/nothing"), client.get("/help/reset")
    assert (missing.status_code, hidden.status_code) == (404, 404)
    assert missing.content == hidden.content


@pytest.mark.parametrize(
    ("body", "harm"),
    [
        ("<script>alert(1)</script>", "<script>alert"),
        ("<img src=x onerror=alert(1)>", "<img"),
        ("[x](javascript:alert(1))", 'href="javascript:'),
        ("[x](data:text/html,<script>alert(1)</script>)", 'href="data:text'),
        ("![pixel](https://evil.example/p.png)", "<img"),
        ("<a href='https://x.example' onclick='alert(1)'>x</a>", "onclick"),
        ("<style>body{display:none}</style>", "<style>body"),
        ("<iframe src='https://evil.example'></iframe>", "<iframe"),
        ("<svg onload=alert(1)>", "<svg"),
        ("<form action='https://evil.example'><input name=x></form>", "evil.example'><input"),
    ],
)
def test_an_editors_text_cannot_harm_a_reader(body: str, harm: str, client: Client) -> None:
    article(body_md=body)
    page = client.get("/help/reset").content.decode()
    assert harm not in page.split("<main", 1)[-1]


def test_a_title_is_text(client: Client) -> None:
    article(title="<b>Bold</b>")
    assert "<b>Bold</b>" not in client.get("/help/reset").content.decode()


def test_links_open_without_telling_who_refers(client: Client) -> None:
    article(body_md="[x](https://x.example/a) and https://y.example/b")
    page = client.get("/help/reset").content.decode()
    assert page.count('rel="noopener nofollow"') == 2


@pytest.mark.parametrize("slug", ["UPPER", "a b", "x" * 300, "%00", "a/b", "é"])
def test_an_odd_address_is_not_found(slug: str, client: Client) -> None:
    assert client.get(f"/help/{slug}").status_code == 404
