"""What is not published reaches neither the search nor the model, however it came to be so."""

import json
from collections.abc import Callable

import pytest
from agents.testing import ScriptedModel, function_call
from asgiref.sync import async_to_sync

from agent_runner.assistant import asking, assist
from agent_runner.context import RunContext
from agent_runner.worker import open_run
from knowledge.embeddings import EmbeddingFailed
from knowledge.models import Article, Chunk
from knowledge.publishing import archive, back_to_draft
from knowledge.search import search
from tests.factories import write
from tickets import work

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("articles")]
SLUG = "reset-your-password"
QUESTION = "I forgot my password and cannot sign in any more. How do I reset it?"


def internal(article: Article) -> None:
    """Written for colleagues: it never was anything but a draft, whatever an index made of it."""
    Article.objects.filter(pk=article.pk).update(status=Article.Status.DRAFT)


GONE: dict[str, Callable[[Article], None]] = {"unpublished": back_to_draft, "expired": archive, "internal": internal}


@pytest.fixture(params=GONE)
def gone(request: pytest.FixtureRequest) -> Article:
    """The article that answers the question; its passages are still in the index."""
    article = Article.objects.get(slug=SLUG)
    assert search(QUESTION).hits[0].slug == SLUG
    GONE[request.param](article)
    assert Chunk.objects.filter(article=article).exists()
    return article


async def passed(context: RunContext, model: ScriptedModel) -> None:
    await assist(context, asking(model))


def as_shown(passage: str) -> str:
    """A passage as it stands in the input of a model: JSON within JSON."""
    return json.dumps(json.dumps(passage, ensure_ascii=False)[1:-1])[1:-1]


@pytest.mark.parametrize("is_by_words", [False, True])
def test_f9_an_unpublished_expired_or_internal_article_is_never_found(
    gone: Article, is_by_words: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: str) -> None:
        raise EmbeddingFailed("away")

    if is_by_words:
        monkeypatch.setattr("knowledge.search.embedder", away)
    found = search(QUESTION, limit=50)
    assert found.words_only is is_by_words
    assert found.hits
    assert gone.slug not in [hit.slug for hit in found.hits]


def test_f9_the_assistants_search_never_returns_an_unpublished_expired_or_internal_article(gone: Article) -> None:
    claimed = work.claim(write().ticket.conversation_id)
    assert claimed is not None
    run = open_run(claimed)
    assert run is not None
    query = {"query": QUESTION, "max_results": 10, "category": None}
    end = {"message": "x", "citations": ["h1"], "sentiment": 0.5, "confidence": 0.9, "language": "en"}
    model = ScriptedModel(
        [
            [function_call("search_knowledge_base", query, call_id="c1")],
            [function_call("send_response", end, call_id="c2")],
        ]
    )
    async_to_sync(passed)(run.context, model)
    assert len(model.calls) == 2
    assert run.context.hits
    assert gone.slug not in {hit.slug for hit in run.context.hits.values()}
    shown = json.dumps([seen.input for seen in model.calls])
    assert as_shown(next(iter(run.context.hits.values())).passage) in shown
    for chunk in Chunk.objects.filter(article=gone, is_summary=False):
        assert as_shown(chunk.passage) not in shown
