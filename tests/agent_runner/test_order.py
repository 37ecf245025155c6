"""Messages of one conversation, heard by several workers at once."""

from itertools import pairwise

from asgiref.sync import async_to_sync
from django.db import connection

from agent_runner.models import AgentRun
from agent_runner.worker import answer
from channels_app.web_form.parsing import FollowUpIn, follow_up
from tests.concurrency import at_once, real_commits
from tests.factories import sample_articles, write
from tickets.intake import receive
from tickets.models import Message


@real_commits
def test_b13_messages_of_one_conversation_on_several_workers_are_answered_in_order() -> None:
    sample_articles()
    ticket = write().ticket
    questions = ["How do I reset my password? I forgot it.", "I forgot my password. How can I reset it?"]

    def worker_or_customer(number: int) -> None:
        if number < 2:
            follow_up_once = follow_up(FollowUpIn(message=questions[number]), ticket, key=f"k{number}")
            receive(follow_up_once, about=ticket)
        async_to_sync(answer)(ticket.conversation_id)

    errors = [e for e in at_once(4, worker_or_customer) if e is not None]
    async_to_sync(answer)(ticket.conversation_id)  # the ring that the sweeper would give

    assert errors == []
    inbound = list(Message.objects.filter(direction="inbound").order_by("id"))
    assert len(inbound) == 3
    answered = [m.answered_by_id for m in inbound]
    assert None not in answered
    assert answered == sorted(answered), "no later message is answered before an earlier one"
    runs = list(AgentRun.objects.filter(outcome="stored").order_by("id"))
    assert len(runs) == len(set(answered)) == Message.objects.filter(direction="outbound").count()
    for earlier, later in pairwise(runs):
        assert later.started_at >= earlier.finished_at, "two runs of one conversation were under way at once"
    connection.close()
