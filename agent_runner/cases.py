"""Evaluation cases: made from a ticket, and given out as `manage.py evaluate` reads them."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from agent_runner.learning import cited, last_answer
from agent_runner.models import EvaluationCase
from knowledge.models import Article
from tickets.models import Message, Ticket


def make_case(ticket: Ticket, staff: User) -> tuple[EvaluationCase, bool]:
    """The ticket's case, and whether it is new: each ticket has at most one.

    It asks what the ticket's first message asked, since an evaluation asks everything in a mail of its own, with
    nothing said before. The articles that the last answer quotes stand as those that answer it, until a person says
    better.
    """
    with transaction.atomic():
        first = ticket.messages.filter(direction=Message.Direction.INBOUND).first()
        asked = {"title": ticket.subject, "body": first.body if first else "", "made_by": staff}
        case, is_new = EvaluationCase.objects.get_or_create(ticket=ticket, defaults=asked)
        answer = last_answer(ticket) if is_new else None
        if answer is not None:
            case.gold.set(Article.objects.filter(slug__in=cited(ticket, answer)))
    return case, is_new


def case_rows(cases: Iterable[EvaluationCase]) -> Iterator[dict[str, Any]]:
    """Rows for `--questions`, of the cases that have an article."""
    for case in cases:
        gold = sorted(article.slug for article in case.gold.all())
        if gold:
            asked_at = case.ticket.opened_at.isoformat()
            yield {
                "id": case.ticket.reference,
                "title": case.title,
                "body": case.body,
                "gold": gold,
                "asked_at": asked_at,
            }
