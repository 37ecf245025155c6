"""Two customers may be one person: found in what their messages mention, proposed to people, never done by itself."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.db.models import Max
from django.utils.crypto import salted_hmac

from customers.models import Customer, Identifier
from fte_project.limits import destination
from tickets.evidence import may_be_one_name, mentions
from tickets.models import Conversation, Mention, MergeProposal, Message

SHARED_BY_AT_MOST = 3  # what more customers have in common (a switchboard) says nothing
Kind = Mention.Kind


@dataclass(frozen=True, kw_only=True)
class Side:
    """A customer, and the newest message in which they mention the value."""

    customer_id: int
    message_id: int


def note(message: Message, sender: tuple[str, str], signature: str = "") -> None:
    """Keep what the message tells of its writer, and propose what follows (in intake's transaction)."""
    kind, value = sender
    found = [(Kind(kind), value), *mentions(message.body, signature)]
    if kind == Identifier.Kind.EMAIL:
        found.append((Kind.MAILBOX, destination(value)))
    # Once per conversation: the first message that says it.
    known = set(Mention.objects.filter(message__conversation=message.conversation_id).values_list("kind", "value"))
    fresh = [one for one in dict.fromkeys(found) if one not in known]
    Mention.objects.bulk_create([Mention(message=message, kind=k, value=v) for k, v in fresh], ignore_conflicts=True)
    for one in sorted(fresh):
        propose(*one)


def propose(kind: str, value: str) -> None:
    """Propose every two customers who share this, unless too many do: then it says nothing about anybody."""
    owner = "message__conversation__customer"
    newest = Mention.objects.filter(kind=kind, value=value).order_by().values(owner).annotate(newest=Max("message"))
    rows = newest.values_list(owner, "newest").order_by(owner)[: SHARED_BY_AT_MOST + 1]
    sides = [Side(customer_id=customer, message_id=message) for customer, message in rows]
    if len(sides) > SHARED_BY_AT_MOST:
        _withdraw(kind, value)
        return
    for number, one in enumerate(sides):
        for other in sides[number + 1 :]:
            _propose_pair(kind, value, one, other)


def _propose_pair(kind: str, value: str, one: Side, other: Side) -> None:
    key, group, others = evidence_key(kind, value), members(one.customer_id), members(other.customer_id)
    earlier = MergeProposal.objects.all().between(group, others)
    if any(e["key"] == key and e["dismissed"] for p in earlier for e in p.evidence):
        return
    owner = Identifier.objects.filter(kind=kind, value=value, customer__in=[one.customer_id, other.customer_id]).first()
    is_own_email = kind == Kind.EMAIL and owner is not None  # somebody calls the other's address their own
    if not is_own_email and not may_be_one_name(names_of(one.customer_id), names_of(other.customer_id)):
        return
    code = f"other_{kind}" if owner is not None else f"same_{kind}"
    if any(e["key"] == key for p in earlier for e in p.evidence if p.state == MergeProposal.State.OPEN):
        return  # known, also when it was found before one of the two was merged into who they are now
    proposal, _ = MergeProposal.objects.get_or_create(first_id=one.customer_id, second_id=other.customer_id)
    held = MergeProposal.objects.select_for_update().filter(pk=proposal.pk).first()
    if held is not None and not any(e["key"] == key for e in held.evidence):
        held.add_evidence(code, key, [one.message_id, other.message_id])


def _withdraw(kind: str, value: str) -> None:
    key = evidence_key(kind, value)
    proposals = MergeProposal.objects.select_for_update().still_open()
    for proposal in proposals.filter(evidence__contains=[{"key": key}]).order_by("pk"):
        proposal.drop_evidence(lambda e: e["key"] == key)


def renew(conversations: Iterable[int], customer_ids: set[int]) -> None:
    """After conversations went to another customer: what was said in them is looked at again, and stale proposals go.

    In the caller's transaction, which holds the customers.
    """
    proposals = MergeProposal.objects.select_for_update().still_open().touching(customer_ids)
    for proposal in proposals.order_by("pk"):
        proposal.drop_evidence(partial(_is_stale, proposal))
    said = Mention.objects.filter(message__conversation__in=conversations).values_list("kind", "value")
    for kind, value in sorted(set(said)):
        propose(kind, value)


def _is_stale(proposal: MergeProposal, evidence: dict[str, Any]) -> bool:
    """Its two messages are not of these two customers any more."""
    owners = set(Conversation.objects.filter(messages__in=evidence["messages"]).values_list("customer", flat=True))
    return owners != {root(proposal.first_id), root(proposal.second_id)}


def evidence_key(kind: str, value: str) -> str:
    """Stands for the value, and tells nobody without our key what it is."""
    key = settings.STATUS_TOKEN_KEY
    return salted_hmac("tickets.proposals", f"{kind}:{value}", secret=key, algorithm="sha256").hexdigest()[:24]


def root(customer_id: int) -> int:
    """Who has everything of this customer now: themselves, or whom they were merged into."""
    while (into := Customer.objects.filter(pk=customer_id).values_list("merged_into", flat=True).first()) is not None:
        customer_id = into
    return customer_id


def members(customer_id: int) -> set[int]:
    """The customer and all who were merged into them, at any distance."""
    found, fresh = {customer_id}, {customer_id}
    while fresh:
        fresh = set(Customer.objects.filter(merged_into__in=fresh).values_list("pk", flat=True)) - found
        found |= fresh
    return found


def open_for(customer_id: int) -> dict[int, list[MergeProposal]]:
    """Open proposals about this customer or one who was merged into them, by who the other one is today."""
    ours, found = members(customer_id), defaultdict(list)
    proposals = MergeProposal.objects.all().still_open().touching(ours).order_by("pk")
    for proposal in proposals:
        other = root(proposal.second_id if proposal.first_id in ours else proposal.first_id)
        if other not in ours and proposal.current_evidence():
            found[other].append(proposal)
    return dict(found)


def names_of(customer_id: int) -> set[str]:
    """How they call themselves, in any conversation."""
    names = set(Conversation.objects.filter(customer=customer_id).values_list("name", flat=True).distinct()[:20])
    return names | {Customer.objects.values_list("name", flat=True).get(pk=customer_id)} - {""}
