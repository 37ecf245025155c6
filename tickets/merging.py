"""Two customers who are one person, and back: addresses and conversations move, each in one transaction, recorded."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from customers.models import Customer, Identifier
from tickets.models import AddressCode, Conversation, CustomerMerge, MergeProposal, Ticket
from tickets.proposals import members, renew, root
from tickets.record import CUSTOMER, record, staff_actor

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class NotMergeable(Exception):
    """This cannot be merged or undone; the text is for the person who tried."""


def hold_customers(*customer_ids: int) -> dict[int, Customer]:
    """The customers by id, locked with their identifiers until the transaction ends.

    Always customers, then identifiers, then conversations, each by id: nobody waits in a circle. Intake, which opens a
    conversation for an identifier, holds the identifier first.
    """
    rows = Customer.objects.select_for_update(no_key=True).filter(pk__in=customer_ids).order_by("pk")
    found = {customer.pk: customer for customer in rows}
    list(Identifier.objects.select_for_update(no_key=True).filter(customer__in=customer_ids).order_by("pk"))
    return found


def merge(
    kept: Customer, gone: Customer, *, by: "User | None", why: str, conversation: Conversation | None = None
) -> CustomerMerge:
    """Give all that `gone` has to `kept`. `by` is None, and `conversation` the one it came from, for a code.

    Raises NotMergeable.
    """
    with transaction.atomic():
        held = hold_customers(kept.pk, gone.pk)
        if kept.pk == gone.pk:
            raise NotMergeable("This is one customer already.")
        if len(held) < 2 or any(c.merged_into_id is not None for c in held.values()):
            raise NotMergeable("One of the two was merged or erased meanwhile. Look at the customer again.")
        identifiers = sorted(gone.identifiers.values_list("pk", flat=True))
        conversations = _hold_conversations(Q(customer=gone.pk))
        done = CustomerMerge.objects.create(
            kept=kept,
            gone=gone,
            why=why,
            by=by,
            conversation=conversation,
            identifier_ids=identifiers,
            conversation_ids=conversations,
        )
        _move(identifiers, conversations, kept.pk)
        Customer.objects.filter(pk=gone.pk).update(merged_into=kept)
        _settle_proposals(done, by)
        _record(done, conversations, "customer_merged", by)
    return done


def accept(proposal: MergeProposal, by: "User") -> CustomerMerge:
    """A person says that the two are one; whoever has a name is kept, of two the older one. Raises NotMergeable."""
    two = Customer.objects.filter(pk__in={root(proposal.first_id), root(proposal.second_id)})
    if len(two) < 2:
        raise NotMergeable("This is one customer already.")
    if proposal.state != MergeProposal.State.OPEN:
        raise NotMergeable(f"This was decided before: {proposal.get_state_display().lower()}.")
    return merge(*by_rank(*two), by=by, why=CustomerMerge.Why.STAFF)


def by_rank(one: Customer, other: Customer) -> tuple[Customer, Customer]:
    """Who of two is kept, and who goes: a name is kept, and of two the older row."""
    kept, gone = sorted((one, other), key=lambda c: (not c.name, c.pk))
    return kept, gone


def dismiss(proposal: MergeProposal, by: "User") -> None:
    """A person says that the two are not one: all that is proposed between them now. Raises NotMergeable."""
    with transaction.atomic():
        one, other = members(root(proposal.first_id)), members(root(proposal.second_id))
        between = MergeProposal.objects.select_for_update().still_open().between(one, other).order_by("pk")
        if one == other or not between:
            raise NotMergeable("This was decided before.")
        for each in between:
            each.dismiss(by)


def unmerge(done: CustomerMerge, *, by: "User") -> None:
    """Give back what the merge moved, and what has come since from an address that goes back. Raises NotMergeable."""
    with transaction.atomic():
        path = _hold_path(done)
        done.refresh_from_db()
        if done.undone_at is not None:
            raise NotMergeable("This merge was undone before.")
        holder, gone_id = path[-1], done.gone_id
        identifiers, conversations = _going_back(done, holder)
        _refuse_proven(done, holder, conversations)
        _move(identifiers, conversations, gone_id)
        _forget_in_later(path, identifiers, conversations)
        Customer.objects.filter(pk=gone_id).update(merged_into=None)
        CustomerMerge.objects.filter(pk=done.pk).update(undone_at=Now(), undone_by=by)
        renew(conversations, {holder, gone_id})
        # Whoever undoes it says that they are two: nothing that is known by now proposes it again.
        for proposal in MergeProposal.objects.all().between(members(holder), members(gone_id)):
            proposal.dismiss(by)
        _record(done, conversations, "customer_unmerged", by)


def _hold_conversations(which: Q) -> list[int]:
    rows = Conversation.objects.select_for_update(of=("self",)).filter(which).order_by("pk")
    return [conversation.pk for conversation in rows]


def _move(identifiers: list[int], conversations: list[int], owner: int) -> None:
    Identifier.objects.filter(pk__in=identifiers).update(customer=owner)
    Conversation.objects.filter(pk__in=conversations).update(customer=owner)


def _hold_path(done: CustomerMerge) -> list[int]:
    """From the customer that was kept to the one who has everything now, all held, with the one who was merged."""
    for _ in range(5):
        path = [done.kept_id]
        while (after := Customer.objects.filter(pk=path[-1]).values_list("merged_into", flat=True).first()) is not None:
            path.append(after)
        held = hold_customers(*path, done.gone_id)
        if [held[pk].merged_into_id for pk in path if pk in held] == [*path[1:], None]:
            return path
    raise NotMergeable("These customers are being merged right now. Please try again.")


def _going_back(done: CustomerMerge, holder: int) -> tuple[list[int], list[int]]:
    """The identifiers and the conversations of `holder` that go back, conversations held."""
    identifiers = set(
        Identifier.objects.filter(customer=holder, pk__in=done.identifier_ids).values_list("pk", flat=True)
    )
    while True:
        addresses = list(Identifier.objects.filter(pk__in=identifiers).values_list("value", flat=True))
        here = Q(customer=holder) & (Q(pk__in=done.conversation_ids) | Q(address__in=addresses))
        conversations = _hold_conversations(here)
        # What somebody proved by a code in one of these conversations is theirs, not the other's.
        added = AddressCode.objects.filter(conversation__in=conversations, has_added=True).values("kind", "value")
        more = {
            pk
            for one in added
            for pk in Identifier.objects.filter(customer=holder, **one).values_list("pk", flat=True)
            if pk not in identifiers
        }
        if not more:
            return sorted(identifiers), conversations
        identifiers |= more


def _refuse_proven(done: CustomerMerge, holder: int, conversations: list[int]) -> None:
    """A customer who was joined by a code from one of these conversations belongs to it, not to who stays."""
    later = CustomerMerge.objects.filter(conversation__in=conversations, undone_at=None, gone__in=members(holder))
    later = later.exclude(pk=done.pk).exclude(gone__in=members(done.gone_id)).filter(pk__gt=done.pk)
    first = later.select_related("gone").last()
    if first is not None:
        raise NotMergeable(
            f"Undo the merge with {first.gone} first: it was proven by a code in a conversation that would go back."
        )


def _forget_in_later(path: list[int], identifiers: Iterable[int], conversations: Iterable[int]) -> None:
    """Merges that took these along to the next customer will not give them back a second time."""
    back, talks = set(identifiers), set(conversations)
    for later in CustomerMerge.objects.select_for_update().filter(gone__in=path, undone_at=None).order_by("pk"):
        later.identifier_ids = [pk for pk in later.identifier_ids if pk not in back]
        later.conversation_ids = [pk for pk in later.conversation_ids if pk not in talks]
        later.save(update_fields=["identifier_ids", "conversation_ids"])


def _settle_proposals(done: CustomerMerge, by: "User | None") -> None:
    between = MergeProposal.objects.all().between(members(done.kept_id) - members(done.gone_id), members(done.gone_id))
    between.exclude(state=MergeProposal.State.ACCEPTED).update(
        state=MergeProposal.State.ACCEPTED, merge=done, decided_by=by, decided_at=Now()
    )


def _record(done: CustomerMerge, conversations: list[int], code: str, by: "User | None") -> None:
    actor = staff_actor(by) if by is not None else CUSTOMER
    for ticket in Ticket.objects.filter(conversation__in=conversations).order_by("pk"):
        record(ticket, code, actor, merge=done.pk, kept=done.kept_id, gone=done.gone_id, why=done.why)
    if by is not None:
        both = Customer.objects.filter(pk__in=[done.kept_id, done.gone_id])
        said = f"{code}: merge {done.pk}, customer {done.gone_id} into {done.kept_id}"
        LogEntry.objects.log_actions(by.pk, both, CHANGE, change_message=said)
