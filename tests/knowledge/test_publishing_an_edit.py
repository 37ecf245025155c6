"""From an editor's save to the customer's answer: the desk's own form, a running schedule role, the search."""

import time

import pytest
from django.test import Client
from django.urls import reverse

from knowledge.keeping_up import index_job
from knowledge.models import Article, Chunk, Lexeme
from knowledge.publishing import archive, publish
from knowledge.search import search
from tests.factories import make_staff
from tests.processes import Processes, processes, wait_for

__all__ = ["processes"]

SECONDS = 5.0
QUESTION = "Where do I find the nightly backup?"


@pytest.fixture
def editor(processes: Processes) -> Client:
    client = Client()
    client.force_login(make_staff("edda", "editor"))
    processes.start("run_schedule")
    return client


def save(editor: Client, body: str, move: str = "publish") -> None:
    """Fill in the form of the desk and press one of its buttons."""
    fields = {"title": "Backups", "slug": "backups", "summary": "", "category": "", "url": "", "topics": ""}
    row = Article.objects.filter(slug="backups").first()
    where = reverse("admin:knowledge_article_change", args=[row.pk]) if row else reverse("admin:knowledge_article_add")
    answer = editor.post(where, {**fields, "body_md": body, "_move": move})
    assert answer.status_code == 302, answer.content.decode()


def passages() -> list[str]:
    return [hit.passage for hit in search(QUESTION).hits]


def test_an_edit_is_found_within_five_seconds_and_the_old_text_never_after_it(editor: Client) -> None:
    old = "Backup number 0 lies in the cellar."
    save(editor, old)
    wait_for(passages)  # the role has started, and has loaded its model
    for number in range(1, 4):
        new = f"Backup number {number} lies in the attic."
        save(editor, new)
        saved_at = time.monotonic()
        seen = [passages()]
        while new not in seen[-1]:
            assert seen[-1] == [old], "until the new text is known, the old one answers"
            assert time.monotonic() - saved_at < SECONDS
            seen.append(passages())
        for _ in range(10):
            assert passages() == [new]
        assert list(Chunk.objects.values_list("passage", flat=True)) == [new]
        old = new


def test_what_is_archived_or_unpublished_is_gone_at_once_and_comes_back_as_it_is_then(editor: Client) -> None:
    body = "The backup lies in the cellar."
    save(editor, body)
    wait_for(passages)
    for move in ("archive", "draft"):
        save(editor, body, move)
        assert passages() == []
        save(editor, body)
        assert passages() == [body], "its text is known already"
    save(editor, "The backup lies in the attic.", "archive")
    save(editor, "The backup lies in the shed.")
    wait_for(lambda: passages() == ["The backup lies in the shed."], SECONDS)


@pytest.mark.django_db
def test_a_withdrawn_text_does_not_come_back_while_its_correction_is_embedded() -> None:
    row = Article.objects.create(slug="backups", title="Backups", body_md="It lies in the cellar.")
    publish(row)
    index_job()
    assert passages() == ["It lies in the cellar."]
    archive(row)
    row.body_md = "It lies in the attic."
    publish(row)
    assert passages() == []
    assert not Lexeme.objects.filter(word="cellar", chunks__gt=0).exists()
    index_job()
    assert passages() == ["It lies in the attic."]
