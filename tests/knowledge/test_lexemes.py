"""How many chunks hold each word: kept with every change, and exact."""

import pytest

from knowledge.embeddings import LOCAL_MODEL_ID
from knowledge.indexing import index_waiting
from knowledge.lexemes import count_words
from knowledge.models import Article, Chunk, Lexeme

pytestmark = pytest.mark.django_db


def counts() -> dict[str, int]:
    return dict(Lexeme.objects.filter(chunks__gt=0).values_list("word", "chunks"))


def truth() -> dict[str, int]:
    found: dict[str, int] = {}
    for article in Article.objects.all():
        for word, number in count_words(article.pk, LOCAL_MODEL_ID).items():
            found[word] = found.get(word, 0) + number
    return found


def article(slug: str, body: str) -> Article:
    row = Article.objects.create(slug=slug, title=slug.title(), body_md=body, status="published")
    index_waiting()
    return row


def test_words_are_counted_by_chunk_as_the_text_search_writes_them() -> None:
    article("a", "## One\n\nPasswords, passwords and codes.\n\n## Two\n\nA password.")
    assert counts()["password"] == 2
    assert counts()["code"] == 1
    assert "and" not in counts()
    assert counts() == truth()


def test_an_edit_moves_the_counts() -> None:
    row = article("a", "## One\n\nPassword.\n\n## Two\n\nPassword and code.")
    article("b", "A code.")
    row.body_md, row.revision = "## One\n\nPassword and token.", row.revision + 1
    row.save()
    index_waiting()
    assert (counts()["password"], counts()["code"], counts()["token"]) == (1, 1, 1)
    assert counts() == truth()


def test_what_looks_like_markup_is_no_word() -> None:
    article("a", "See [the page](https://docs.example.com/secret-path) or <https://example.org>.")
    assert not {word for word in counts() if "example" in word or "secret" in word}
    assert Chunk.objects.get().passage.startswith("See [the page](https://docs.example.com")
