"""The search: near in meaning, only what is published, and harmless whatever a customer writes."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st
from pgvector import Vector

from knowledge.calibration import SHIPPED
from knowledge.embeddings import LOCAL_MODEL_ID, EmbeddingFailed, embedder
from knowledge.evidence import embed_questions, learn
from knowledge.indexing import index_waiting
from knowledge.models import Article, Chunk, Lexeme, ResolvedQuestion
from knowledge.search import Found, Hit, find, judged, search

QUESTION = "I forgot my password, how do I reset it?"


def slugs(found: Found) -> list[str]:
    return [hit.slug for hit in found.hits]


def away(*_: Any) -> Any:
    raise EmbeddingFailed("away")


def article(slug: str, body: str, **changes: Any) -> Article:
    row = Article.objects.create(
        **{"slug": slug, "title": slug.title(), "body_md": body, "status": "published", **changes}
    )
    index_waiting()
    return row


@pytest.mark.usefixtures("articles")
@pytest.mark.parametrize(
    ("question", "slug"),
    [
        (QUESTION, "reset-your-password"),
        ("Where can I turn on dark mode?", "appearance-and-dark-mode"),
        ("import tasks from a CSV file", "import-from-csv"),
        ("I lost my authenticator and have no backup codes", "lost-authenticator"),
        ("SAML", "saml-single-sign-on"),
    ],
)
def test_the_article_that_answers_comes_first(question: str, slug: str) -> None:
    found = search(question)
    assert slugs(found)[0] == slug
    assert not found.words_only
    assert len(found.hits) == 5
    assert len(set(slugs(found))) == 5


@pytest.mark.usefixtures("articles")
def test_a_hit_says_where_it_comes_from_in_the_articles_words() -> None:
    (hit,) = search(QUESTION, limit=1).hits
    row = Article.objects.get(slug="reset-your-password")
    assert (hit.article_id, hit.title, hit.summary, hit.revision) == (row.pk, row.title, row.summary, row.revision)
    assert hit.url == "/help/reset-your-password"
    assert hit.passage != row.summary
    for paragraph in hit.passage.split("\n\n"):
        assert re.sub(r"^\*\*(.+)\*\*$", r"## \1", paragraph) in row.body_md  # its headings are shown in bold
    assert Chunk.objects.get(pk=hit.chunk_id).article == row


@pytest.mark.usefixtures("articles")
@pytest.mark.parametrize("question", [QUESTION, "xyzzy", "", "?", "quantum chromodynamics of soup", "a " * 5000])
def test_similarities_are_between_zero_and_one_and_best_comes_first(question: str) -> None:
    found = search(question, limit=10)
    for hit in found.hits:
        assert 0 <= hit.nearness <= hit.similarity <= 1
        assert all(0 <= share <= 1 for share in (hit.words, hit.evidence, hit.confidence))
    assert [hit.score for hit in found.hits] == sorted((hit.score for hit in found.hits), reverse=True)
    assert 0 <= found.nearness <= 1
    assert len(found.hits) == 10, "vectors always have nearest neighbours; the floor is the model's business"


@pytest.mark.django_db
def test_an_empty_knowledge_base_has_no_hits() -> None:
    found = search(QUESTION)
    assert (found.hits, found.is_near, found.confidence, found.confidence_top3) == ((), False, 0, 0)


@pytest.mark.django_db
def test_one_article_is_found() -> None:
    article("password", "Choose **Forgot password** to reset it.")
    (hit,) = search(QUESTION).hits
    assert hit.passage == "Choose **Forgot password** to reset it."
    assert hit.similarity == hit.nearness > 0.4
    assert hit.words > 0


@pytest.mark.django_db
def test_without_others_to_compare_with_an_article_must_be_near_to_be_sure() -> None:
    known = SHIPPED[LOCAL_MODEL_ID]
    (near,) = find_password()
    for score, is_sure in ((known.floor + 0.02, False), (known.floor + 0.3, True)):
        only = replace(near, score=score, nearness=score, similarity=score)
        assert (judged((only,), known).confidence > 0.5) == is_sure


def find_password() -> tuple[Hit, ...]:
    article("password", "Choose **Forgot password** to reset it.")
    return search(QUESTION).hits


@pytest.mark.django_db
def test_an_article_that_is_only_a_title_is_found_by_it() -> None:
    article("password", "", title="Reset your password")
    assert slugs(search(QUESTION)) == ["password"]


@pytest.mark.usefixtures("articles")
@pytest.mark.parametrize("status", ["draft", "archived"])
def test_f9_what_is_not_published_is_never_found(status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Article.objects.filter(slug="reset-your-password").update(status=status)
    assert Chunk.objects.filter(article__slug="reset-your-password").exists()
    for words_only in (False, True):
        if words_only:
            monkeypatch.setattr("knowledge.search.embedder", away)
        assert "reset-your-password" not in slugs(search(QUESTION, limit=50))
    Article.objects.all().update(status=status)
    assert search(QUESTION).hits == ()


@pytest.mark.usefixtures("articles")
def test_chunks_of_another_model_are_never_found() -> None:
    Chunk.objects.filter(article__slug="reset-your-password").update(model_id="another-model")
    assert "reset-your-password" not in slugs(search(QUESTION, limit=50))
    Chunk.objects.update(model_id="another-model")
    assert search(QUESTION).hits == ()


@pytest.mark.usefixtures("articles")
@pytest.mark.parametrize("question", ["When does the pool open?", "invite someone to the board", QUESTION])
def test_how_sure_it_is_does_not_depend_on_how_many_are_asked_for(question: str) -> None:
    one, many = search(question, limit=1), search(question, limit=30)
    assert (one.nearness, one.is_near, one.confidence) == (many.nearness, many.is_near, many.confidence)


@pytest.mark.django_db
def test_what_is_not_published_takes_nobodys_place_among_the_words(monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(130):
        Article.objects.create(slug=f"old-{n}", title="Old", body_md=f"zebra zebra zebra {n}", status="published")
    article("new", "A long text about a zebra and many other animals of the savanna, among them lions and gnus.")
    Article.objects.filter(slug__startswith="old").update(status="archived")
    monkeypatch.setattr("knowledge.search.embedder", away)
    assert slugs(search("zebra")) == ["new"]


@pytest.mark.usefixtures("articles")
def test_without_an_embedder_the_words_find_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("knowledge.search.embedder", away)
    found = search("reset password")
    assert found.words_only
    assert slugs(found)[0] == "reset-your-password"
    assert {(hit.similarity, hit.confidence) for hit in found.hits} == {(0.0, 0.0)}
    assert all(hit.words > 0 for hit in found.hits)
    assert not found.is_near
    assert found.hits[0].passage != found.hits[0].summary
    assert search("xyzzy").hits == ()


@pytest.mark.usefixtures("articles")
def test_a_category_keeps_the_others_out() -> None:
    categories = dict(Article.objects.values_list("slug", "category"))
    category = categories["reset-your-password"]
    assert category
    found = search(QUESTION, limit=50, category=category)
    assert found.hits
    assert {categories[slug] for slug in slugs(found)} == {category}
    assert search(QUESTION, category="no such category").hits == ()
    assert len(search(QUESTION, limit=50, category="").hits) == len(categories)


@pytest.mark.django_db
def test_a_published_address_wins_over_our_own_page() -> None:
    article("password", "Reset it.", url="https://docs.example.com/reset")
    assert search(QUESTION).hits[0].url == "https://docs.example.com/reset"


@pytest.mark.usefixtures("articles")
@pytest.mark.parametrize("limit", [1, 2, 7])
def test_a_limit_is_kept_and_the_order_does_not_depend_on_it(limit: int) -> None:
    assert slugs(search(QUESTION, limit=limit)) == slugs(search(QUESTION, limit=20))[:limit]


@pytest.mark.usefixtures("articles")
def test_a_search_is_one_statement_with_parameters() -> None:
    with CaptureQueriesContext(connection) as queries:
        search("'; DROP TABLE knowledge_chunk; --")
    assert len([q for q in queries if "knowledge_chunk" in q["sql"]]) == 1
    assert Chunk.objects.exists()


@pytest.mark.usefixtures("articles")
@hypothesis(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=200)
    | st.lists(
        st.sampled_from(["&", "|", "!", "<->", ":*", "(", ")", "'", '"', "\\", "%s", "%(words)s", "{}", "a", "é"])
    ).map("".join)
    | st.text("&|!:*()'\"\\%<->", max_size=40)
)
def test_whatever_a_customer_writes_is_only_text(text: str) -> None:
    found = search(text, limit=3)
    assert len(found.hits) == 3


@pytest.mark.usefixtures("articles")
@hypothesis(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=100))
def test_whatever_a_customer_writes_is_only_text_for_the_words_alone(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("knowledge.search.embedder", away)
        assert search(text).words_only


# --- Rare words and resolved questions --------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_rare_word_tells_between_articles_that_sound_alike() -> None:
    article("first", "Restart the printer when it shows an error, for example E-17.")
    article("second", "Restart the printer when it shows an error, for example ZK9931.")
    for code, slug in (("E-17", "first"), ("ZK9931", "second")):
        found = search(f"The printer shows error {code}")
        assert slugs(found)[0] == slug
        assert found.hits[0].words > found.hits[1].words


@pytest.mark.django_db
def test_only_the_rarest_words_are_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    common = [f"common{n}" for n in range(12)]
    article("a", " ".join(common))
    article("b", " ".join([*common, "unheard"]))
    article("c", "Nothing of it.")
    monkeypatch.setattr("knowledge.search.embedder", away)
    assert slugs(search(" ".join([*common, "unheard"]))) == ["b", "a"]
    Lexeme.objects.filter(word="unheard").update(chunks=1_000_000)
    assert search("unheard").hits[0].slug == "b", "the first one counts, however common it is"
    assert search(" ".join([*common, "unheard"])).hits[0].words == search(" ".join(common)).hits[0].words


def resolved(slug: str, text: str, asked_at: datetime, source: str = "t:1") -> None:
    learn(source=source, text=text, slugs=[slug], approved_by="staff", asked_at=asked_at)
    embed_questions(LOCAL_MODEL_ID)


@pytest.mark.usefixtures("articles")
def test_a_resolved_question_leads_later_ones_like_it_to_its_article() -> None:
    question, slug, moment = "What about the end of the year?", "export-your-data", timezone.now()
    before = search(question, limit=50)
    place = slugs(before).index(slug)
    assert place > 3
    resolved(slug, "And what about the year's end?", moment)
    found = search(question, limit=50, asked_at=moment + timedelta(seconds=1))
    assert slugs(found).index(slug) < place - 2
    assert found.hits[slugs(found).index(slug)].evidence > 0.5
    earlier = search(question, limit=50, asked_at=moment)
    assert [(h.slug, h.score) for h in earlier.hits] == [(h.slug, h.score) for h in before.hits], "it came after"
    assert not search("How do I invite a guest?").hits[0].evidence
    ResolvedQuestion.objects.all().delete()
    assert slugs(search(question, limit=50)) == slugs(before)


@pytest.mark.usefixtures("articles")
def test_evidence_does_not_bring_back_what_is_not_published_or_of_another_category() -> None:
    question = "My screen hurts my eyes in the evening"
    resolved("export-your-data", question, timezone.now() - timedelta(days=1))
    other = Article.objects.exclude(category=Article.objects.get(slug="export-your-data").category)[0].category
    assert "export-your-data" not in slugs(search(question, limit=50, category=other))
    Article.objects.filter(slug="export-your-data").update(status="archived")
    assert "export-your-data" not in slugs(search(question, limit=50))


@pytest.mark.usefixtures("articles")
def test_by_words_alone_there_is_no_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    resolved("export-your-data", QUESTION, timezone.now() - timedelta(days=1))
    monkeypatch.setattr("knowledge.search.embedder", away)
    assert {hit.evidence for hit in search(QUESTION).hits} == {0.0}


@pytest.mark.usefixtures("articles")
def test_the_lists_can_be_asked_alone() -> None:
    vector = Vector(embedder(LOCAL_MODEL_ID).embed([QUESTION])[0]).to_text()
    by_vector = find(vector, "", model_id=LOCAL_MODEL_ID)
    by_words = find(None, QUESTION, model_id=LOCAL_MODEL_ID)
    assert by_vector[0].slug == by_words[0].slug == "reset-your-password"
    assert {hit.words for hit in by_vector} == {0.0}
    assert {hit.similarity for hit in by_words} == {0.0}
