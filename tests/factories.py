"""Things tests begin with, made through the product's own functions."""

import uuid
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db.models.functions import Now
from django.test import Client

from channels_app.web_form.parsing import SubmitIn, submission
from fte_project.events import Channel
from fte_project.models import DeadLetter
from knowledge.indexing import active_model_id, index_waiting
from knowledge.lexemes import count_words, note_words
from knowledge.loading import load, read_articles
from knowledge.models import Article, Chunk
from tickets.intake import Received, receive
from tickets.models import Conversation, Message, Ticket
from tickets.work import claim

SAMPLE = Path(__file__).parent.parent / "knowledge" / "sample"
ANN = {"name": "Ann Lee", "email": "ann@example.com"}
BEN = {"name": "Ben Okoro", "email": "ben@example.com"}
ANSWERABLE = {
    "subject": "How do I reset my password?",
    "message": "I forgot my password and cannot sign in any more. How do I reset it?",
}
PRICES = {"subject": "Prices for a team", "message": "What are your prices for a team of ten people?"}


def fields(**changes: Any) -> dict[str, Any]:
    """Valid fields of the form: Ann's question about her password."""
    return {**ANN, **ANSWERABLE, **changes}


def write(key: str = "", **changes: Any) -> Received:
    """Ann submits the form; the message is stored and due."""
    return receive(submission(SubmitIn(**fields(**changes)), key=key or str(uuid.uuid4())))


def make_staff(name: str, group: str) -> User:
    user = User.objects.create_user(name, password="pw", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    return user


def browser(group: str) -> Client:
    """The browser of somebody of this group."""
    client = Client()
    client.force_login(make_staff(f"some-{group}", group))
    return client


@cache
def _embedded_sample() -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """The sample articles with their chunks, embedded once per process."""
    load(read_articles(SAMPLE))
    index_waiting()
    found = []
    for article in Article.objects.all():
        values = {f.name: getattr(article, f.name) for f in Article._meta.concrete_fields if f.name != "id"}
        chunks = [
            {f.name: getattr(c, f.name) for f in Chunk._meta.concrete_fields if f.name not in {"id", "article"}}
            for c in article.chunks.all()
        ]
        found.append((values, chunks))
    return found


def sample_articles() -> None:
    """Put the sample knowledge base into this test's database."""
    sample = _embedded_sample()
    if Article.objects.exists():
        return
    model_id = active_model_id()
    for values, chunks in sample:
        article = Article.objects.create(**values)
        Chunk.objects.bulk_create(Chunk(article=article, **chunk) for chunk in chunks)
        note_words(Counter(), count_words(article.pk, model_id))


def fresh(ticket: Ticket) -> Ticket:
    """The ticket as the database has it now."""
    return Ticket.objects.get(pk=ticket.pk)


def write_by_mail(**changes: Any) -> Ticket:
    """Ann's ticket as if she had written by mail: its replies are delivered by mail, and none of them is a copy."""
    ticket = write(**changes).ticket
    Conversation.objects.filter(pk=ticket.conversation_id).update(first_channel=Channel.EMAIL)
    Ticket.objects.filter(pk=ticket.pk).update(channel=Channel.EMAIL)
    Message.objects.filter(ticket=ticket).update(channel=Channel.EMAIL)
    return fresh(ticket)


def give_up(ticket: Ticket) -> DeadLetter:
    """The assistant has tried for the last time: the dead letter."""
    Conversation.objects.filter(pk=ticket.conversation_id).update(attempts=settings.MAX_ATTEMPTS, work_due_at=Now())
    assert claim(ticket.conversation_id) is None
    letter = DeadLetter.objects.filter(conversation_id=ticket.conversation_id).first()
    assert letter is not None
    return letter
