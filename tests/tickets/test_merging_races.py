"""A message and a merge at the same moment, stopped where it hurts: the order of locks, shown step by step."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from customers.models import Customer, Identifier
from tests.concurrency import at_once, real_commits
from tests.customers.people import mail, owner
from tests.factories import make_staff
from tickets import intake, merging
from tickets.intake import receive
from tickets.merging import merge, unmerge
from tickets.models import CustomerMerge, Ticket

PATIENCE = 0.7  # seconds that one gives the other; where the locks are right, it cannot finish in them


class Stop:
    """Both threads meet at `at`; then whoever is stopped there goes on when the other has finished, or cannot."""

    def __init__(self) -> None:
        self.reached, self.other_done = threading.Event(), threading.Event()

    def before(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def stopped(*args: Any, **kwargs: Any) -> Any:
            if not self.reached.is_set():
                self.reached.set()
                self.other_done.wait(PATIENCE)
            return real(*args, **kwargs)

        return stopped

    def run(self, first: Callable[[], Any], second: Callable[[], Any]) -> list[Any]:
        """`first` runs into the stop, `second` begins when it is there."""

        def turn(number: int) -> Any:
            if number == 0:
                return first()
            assert self.reached.wait(20)
            try:
                return second()
            finally:
                self.other_done.set()

        return at_once(2, turn)


def two() -> tuple[Customer, Customer, Ticket]:
    kept, gone = mail("kept@example.com", "Ann").send(), mail("gone@example.com", "Ann").send()
    return Customer.objects.get(pk=owner(kept)), Customer.objects.get(pk=owner(gone)), gone


def staff_merge(kept: Customer, gone: Customer, by: Any) -> CustomerMerge:
    return merge(kept, gone, by=by, why=CustomerMerge.Why.STAFF)


@real_commits
def test_e3_a_merge_waits_for_a_first_message_that_is_being_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    sam, (kept, gone, _), stop = make_staff("sam", "agent"), two(), Stop()
    monkeypatch.setattr(intake, "crash", stop.before(lambda _: None))
    ticket, done = stop.run(mail("gone@example.com", "Ann").send, lambda: staff_merge(kept, gone, sam))
    assert isinstance(done, CustomerMerge), done
    assert owner(ticket) == kept.pk, "a conversation was left at a customer whom nobody sees any more"
    assert ticket.conversation_id in CustomerMerge.objects.get().conversation_ids


@real_commits
def test_e3_a_first_message_waits_for_a_merge_that_is_being_done(monkeypatch: pytest.MonkeyPatch) -> None:
    sam, (kept, gone, _), stop = make_staff("sam", "agent"), two(), Stop()
    monkeypatch.setattr(merging, "_record", stop.before(merging._record))
    done, ticket = stop.run(lambda: staff_merge(kept, gone, sam), mail("gone@example.com", "Ann").send)
    assert isinstance(ticket, Ticket), ticket
    assert owner(ticket) == kept.pk
    unmerge(done, by=sam)
    assert owner(ticket) == gone.pk


@real_commits
def test_e3_a_further_message_and_a_merge_do_not_wait_in_a_circle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sam, (kept, gone, ticket), stop = make_staff("sam", "agent"), two(), Stop()
    Identifier.objects.update(verified_at=None)
    monkeypatch.setattr(intake, "_note_trust", stop.before(intake._note_trust))
    further = mail("gone@example.com", "Ann", "And one more thing.")._mail()
    results = stop.run(lambda: receive(further, about=ticket), lambda: staff_merge(kept, gone, sam))
    assert not [r for r in results if isinstance(r, Exception)], results
    assert owner(ticket) == kept.pk
    assert ticket.messages.count() == 2
    assert Identifier.objects.get(value="gone@example.com").verified_at is not None


@real_commits
def test_e3_two_merges_over_crossed_pairs_do_not_wait_in_a_circle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sam, (kept, gone, _), stop = make_staff("sam", "agent"), two(), Stop()
    third = Customer.objects.get(pk=owner(mail("third@example.com", "Ann").send()))
    monkeypatch.setattr(merging, "_hold_conversations", stop.before(merging._hold_conversations))
    results = stop.run(lambda: staff_merge(third, kept, sam), lambda: staff_merge(gone, third, sam))
    done = [r for r in results if isinstance(r, CustomerMerge)]
    refused = [r for r in results if isinstance(r, merging.NotMergeable)]
    assert len(done) + len(refused) == 2, results
    assert done
