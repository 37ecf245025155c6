"""Two customers become one and two again: everything moves, nothing is lost, in whatever order."""

import itertools
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from customers.models import Customer, Identifier
from tests.concurrency import at_once, real_commits
from tests.customers.people import knows, mail, owner, whatsapp
from tests.factories import make_staff
from tickets.merging import NotMergeable, accept, merge, unmerge
from tickets.models import Conversation, CustomerMerge, MergeProposal, Ticket, TicketEvent

STAFF = CustomerMerge.Why.STAFF


def customer(letter: str) -> Customer:
    """The customer of `letter`@example.com, who has written once."""
    ticket = mail(f"{letter}@example.com", letter.title()).send()
    return Customer.objects.get(pk=owner(ticket))


def join(kept: Customer, gone: Customer, sam: User) -> CustomerMerge:
    kept.refresh_from_db()
    gone.refresh_from_db()
    return merge(kept, gone, by=sam, why=STAFF)


def holdings() -> dict[str, Any]:
    """Who has which addresses and conversations."""
    return {
        str(c.pk): (
            sorted(c.identifiers.values_list("value", flat=True)),
            sorted(c.conversations.values_list("pk", flat=True)),
            c.merged_into_id,
        )
        for c in Customer.objects.all()
    }


@pytest.mark.django_db
def test_e4_a_merge_moves_everything_and_undoing_it_brings_both_back(sam: User) -> None:
    a, b = customer("a"), customer("b")
    before = holdings()
    done = join(a, b, sam)
    assert holdings()[str(a.pk)][0] == ["a@example.com", "b@example.com"]
    assert holdings()[str(b.pk)] == ([], [], a.pk)
    unmerge(done, by=sam)
    assert holdings() == before


@pytest.mark.django_db
def test_what_they_write_while_merged_goes_back_with_their_address(sam: User) -> None:
    a, b = customer("a"), customer("b")
    done = join(a, b, sam)
    mine, theirs = mail("a@example.com").send(), mail("b@example.com").send()
    assert owner(mine) == owner(theirs) == a.pk
    assert knows(mine, theirs)
    unmerge(done, by=sam)
    assert (owner(mine), owner(theirs)) == (a.pk, b.pk)
    assert not knows(mine, theirs)
    assert not knows(theirs, mine)


@pytest.mark.django_db
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_e4_merges_of_merges_are_undone_in_any_order(order: tuple[int, ...], sam: User) -> None:
    """a goes into b, b into c, c into d; then each is undone, in every order there is."""
    people = {letter: customer(letter) for letter in "abcd"}
    before = holdings()
    merges = [
        join(people["b"], people["a"], sam),
        join(people["c"], people["b"], sam),
        join(people["d"], people["c"], sam),
    ]
    for letter in "abcd":
        assert owner(mail(f"{letter}@example.com", "Later").send()) == people["d"].pk
    for number in order:
        unmerge(merges[number], by=sam)
    after = holdings()
    for letter, person in people.items():
        addresses, conversations, into = after[str(person.pk)]
        assert (addresses, into) == ([f"{letter}@example.com"], None)
        assert conversations[0] == before[str(person.pk)][1][0]
        assert len(conversations) == 2


@pytest.mark.django_db
def test_an_inner_merge_that_is_undone_first_is_not_given_back_twice(sam: User) -> None:
    a, b, c = customer("a"), customer("b"), customer("c")
    inner, outer = join(b, a, sam), join(c, b, sam)
    unmerge(inner, by=sam)
    assert holdings()[str(a.pk)][0] == ["a@example.com"]
    assert holdings()[str(c.pk)][0] == ["b@example.com", "c@example.com"]
    join(c, a, sam)
    unmerge(outer, by=sam)
    assert holdings()[str(b.pk)][0] == ["b@example.com"]
    assert holdings()[str(c.pk)][0] == ["a@example.com", "c@example.com"]


@pytest.mark.django_db
def test_what_cannot_be_merged_or_undone_is_said(sam: User) -> None:
    a, b, c = customer("a"), customer("b"), customer("c")
    done = join(a, b, sam)
    for kept, gone, why in ((a, a, "one customer already"), (a, b, "meanwhile"), (b, c, "meanwhile")):
        with pytest.raises(NotMergeable, match=why):
            join(kept, gone, sam)
    unmerge(done, by=sam)
    with pytest.raises(NotMergeable, match="undone before"):
        unmerge(done, by=sam)


@pytest.mark.django_db
def test_merges_are_recorded_with_ids_and_codes_only(sam: User) -> None:
    a, b = customer("a"), customer("b")
    done = join(a, b, sam)
    unmerge(done, by=sam)
    (ticket,) = Ticket.objects.filter(conversation__customer=b)
    events = TicketEvent.objects.filter(code__startswith="customer_")
    assert [(e.ticket_id, e.code, e.actor) for e in events] == [
        (ticket.pk, "customer_merged", f"staff:{sam.pk}"),
        (ticket.pk, "customer_unmerged", f"staff:{sam.pk}"),
    ]
    assert events[0].data == {"merge": done.pk, "kept": a.pk, "gone": b.pk, "why": "staff"}
    assert LogEntry.objects.filter(user=sam, object_id=str(b.pk)).count() == 2
    assert "@" not in " ".join(LogEntry.objects.values_list("change_message", flat=True))


@pytest.mark.django_db
def test_a_customer_cannot_be_merged_twice_even_past_the_code(sam: User) -> None:
    a, b = customer("a"), customer("b")
    join(a, b, sam)
    with pytest.raises(IntegrityError, match="merged_once_at_a_time"), transaction.atomic():
        CustomerMerge.objects.create(kept=customer("c"), gone=b, why=STAFF)
    with pytest.raises(IntegrityError, match="merged_into_itself"), transaction.atomic():
        Customer.objects.filter(pk=a.pk).update(merged_into=a)


@pytest.mark.django_db
def test_an_undone_merge_is_not_proposed_again_for_what_is_known(sam: User) -> None:
    one, two = mail("ann@example.com").send(), whatsapp("+4915112345678", text="My e-mail is ann@example.com.").send()
    proposal = MergeProposal.objects.get()
    done = accept(proposal, sam)
    proposal.refresh_from_db()
    assert (proposal.state, proposal.merge, owner(one)) == ("accepted", done, owner(two))
    unmerge(done, by=sam)
    whatsapp("+4915112345678", text="Again: my e-mail is ann@example.com.").send()
    assert [p.state for p in MergeProposal.objects.all()] == ["dismissed"]
    whatsapp("+4915112345678", text="My order number 4711-2290 is late.").send()
    mail("ann@example.com", text="Where is order 4711-2290?").send()
    assert MergeProposal.objects.get().state == "open", "something new may propose it again"


# --- At the same time ------------------------------------------------------------------------------------------------


@real_commits
def test_e3_two_hundred_first_messages_at_once_make_one_customer() -> None:
    for round_number in range(25):
        address = f"ann{round_number}@example.com"
        results = at_once(8, lambda _, a=address: mail(a).send())
        assert not [r for r in results if isinstance(r, Exception)]
        assert Identifier.objects.get(value=address).customer.conversations.count() == 8
    assert (Customer.objects.count(), Identifier.objects.count()) == (25, 25)
    assert Conversation.objects.count() == 200


@real_commits
def test_e3_messages_that_come_during_a_merge_and_its_undoing_belong_to_who_has_the_address() -> None:
    sam = make_staff("sam", "agent")
    a, b = customer("a"), customer("b")

    def one(number: int) -> None:
        if number < 2:
            for _ in range(5):
                try:
                    unmerge(
                        merge(Customer.objects.get(pk=a.pk), Customer.objects.get(pk=b.pk), by=sam, why=STAFF), by=sam
                    )
                except NotMergeable:
                    continue
        else:
            for _ in range(6):
                mail("ab"[number % 2] + "@example.com").send()

    results = at_once(8, one)
    assert results == [None] * 8
    for row in CustomerMerge.objects.filter(undone_at=None):
        unmerge(row, by=sam)
    for person, address in ((a, "a@example.com"), (b, "b@example.com")):
        assert {c.address for c in Conversation.objects.filter(customer=person)} == {address}
    assert Conversation.objects.count() == 2 + 36
    assert CustomerMerge.objects.exists()


@real_commits
def test_of_people_who_merge_and_undo_at_once_each_thing_happens_once() -> None:
    sam = make_staff("sam", "agent")
    a, b = customer("a"), customer("b")
    before = holdings()
    results = at_once(6, lambda n: merge(*((a, b) if n % 2 else (b, a)), by=sam, why=STAFF))
    assert [type(r) for r in results].count(CustomerMerge) == 1
    assert sum(isinstance(r, NotMergeable) for r in results) == 5
    done = CustomerMerge.objects.get()
    undone = at_once(6, lambda _: unmerge(done, by=sam))
    assert undone.count(None) == 1
    assert sum(isinstance(r, NotMergeable) for r in undone) == 5
    assert holdings() == before
