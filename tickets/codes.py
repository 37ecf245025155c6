"""One-time codes: who can read what is sent to an address has it. The code itself is never stored, shown or logged."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parseaddr

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from customers.identifiers import ascii_digits, normal_email, normal_phone
from customers.models import Identifier
from fte_project import limits
from fte_project.events import Channel, DeliveryQueued, publish
from tickets.intake import believe
from tickets.merging import by_rank, hold_customers, merge
from tickets.models import AddressCode, Conversation, CustomerMerge, Delivery, Message, Ticket, Trust
from tickets.record import CUSTOMER, record

DIGITS = 6
VALID_FOR = timedelta(minutes=10)


class CodeRefused(ValueError):
    """No code can be sent, or this one proves nothing; the text is for the customer."""


@dataclass(frozen=True, kw_only=True)
class Proven:
    """The right code was entered: for the conversation's own address, or for another one of the same person."""

    is_own: bool
    address: str


def send_code(ticket: Ticket, address: str = "", *, network: str) -> AddressCode:
    """Send a code to `address`, by default the one that the conversation claims; earlier codes of it end.

    Whether anybody knows the address changes nothing that can be seen. Raises CodeRefused, limits.TooMany.
    """
    conversation = ticket.conversation
    value = _checked(ticket, address)
    limits.count({"ip": network, "code_ticket": str(conversation.pk), "code_address": limits.destination(value)})
    with transaction.atomic():
        Conversation.objects.lock(conversation.pk)
        live(conversation).update(expires_at=Now())
        message = Message.objects.create(
            conversation=conversation,
            ticket=ticket,
            direction=Message.Direction.OUTBOUND,
            author=Message.Author.SYSTEM,
            kind=Message.Kind.CODE,
            channel=ticket.channel,
            body=f"A code was sent to {masked(value)}. It is valid for {VALID_FOR.seconds // 60} minutes.",
        )
        code = AddressCode.objects.create(
            conversation=conversation,
            message=message,
            kind=Identifier.Kind.EMAIL,
            value=value,
            raw=(address or value)[:320],
            salt=secrets.token_hex(16),
            expires_at=Now() + VALID_FOR,
        )
        delivery = Delivery.objects.create(reply=message, channel=Channel.EMAIL, address=value)
        record(ticket, "code_sent", CUSTOMER, address_code=code.pk)
        publish(DeliveryQueued(conversation_id=conversation.pk, channel=Channel.EMAIL.value, delivery_id=delivery.pk))
    return code


def _checked(ticket: Ticket, address: str) -> str:
    """The normal form of the address that a code may go to. Raises CodeRefused."""
    conversation = ticket.conversation
    written = address.strip() or conversation.address
    if "@" not in written:
        _refuse_phone(written)
    try:
        value = normal_email(written)
    except ValueError as error:
        raise CodeRefused(str(error)) from error
    if value in {settings.GMAIL_ADDRESS, parseaddr(settings.EMAIL_FROM)[1].lower()}:
        raise CodeRefused("This is our own address.")
    is_claimed = conversation.trust == Trust.CLAIMED
    if value == conversation.address and not is_claimed:
        raise CodeRefused("This address is confirmed already.")
    if value != conversation.address and is_claimed:
        # Else whoever types somebody's address could tie an address of their own to that customer.
        raise CodeRefused("Please confirm the address of this request first.")
    return value


def _refuse_phone(written: str) -> None:
    try:
        normal_phone(written, region=settings.PHONE_REGION)
    except ValueError:
        raise CodeRefused("This is not a valid e-mail address.") from None
    raise CodeRefused("Codes by WhatsApp are not possible yet. Please give an e-mail address.")


def live(conversation: Conversation) -> QuerySet[AddressCode]:
    """The code that may be entered now, if there is one."""
    return conversation.codes.filter(used_at=None, expires_at__gt=Now(), tries__lt=AddressCode.MAX_TRIES)


def digits_of(code: AddressCode) -> str:
    """The six digits: HMAC(STATUS_TOKEN_KEY, row ‖ salt), which nobody has without the key."""
    said = f"address-code:{code.pk}:{code.salt}:{code.value}".encode()
    number = int.from_bytes(hmac.digest(settings.STATUS_TOKEN_KEY.encode(), said, hashlib.sha256))
    return f"{number % 10**DIGITS:0{DIGITS}}"


def enter_code(ticket: Ticket, entered: str) -> Proven:
    """The customer enters the code that we sent last. Raises CodeRefused; a wrong one costs a try, also at once.

    Once the conversation's own address is proven, earlier status links open nothing: who claimed it may hold them.
    """
    digits = "".join(ascii_digits(entered).split()).replace("-", "")
    if len(digits) != DIGITS or not digits.isdecimal():
        raise CodeRefused(f"A code has {DIGITS} digits.")
    with transaction.atomic():
        outcome = _enter(ticket, digits)
    if isinstance(outcome, str):  # after the commit: the try counts
        raise CodeRefused(outcome)
    return outcome


def _enter(ticket: Ticket, digits: str) -> Proven | str:
    """What entering `digits` proves, or in words why nothing, with the try counted."""
    newest = ticket.conversation.codes.last()
    if newest is None:
        return "No code was sent yet. Please ask for one first."
    conversation, owner = _hold(ticket.conversation, newest)
    code = AddressCode.objects.get(pk=newest.pk)  # as it is now that the conversation is held
    if code.used_at is not None:
        return "This code was used already."
    if code.tries >= AddressCode.MAX_TRIES:
        return "This code was entered wrongly three times and is used up. Please ask for a new one."
    if not live(conversation).filter(pk=code.pk).exists():
        return "This code has expired. Please ask for a new one."
    if not hmac.compare_digest(digits, digits_of(code)):
        code.tries += 1
        code.save(update_fields=["tries"])
        left = AddressCode.MAX_TRIES - code.tries
        record(ticket, "code_wrong" if left else "code_used_up", CUSTOMER, address_code=code.pk)
        if not left:
            return "This code is not right, and it is used up now. Please ask for a new one."
        return f"This code is not right. You can try {'once' if left == 1 else 'twice'} more."
    return _prove(ticket, conversation, code, owner)


def _hold(conversation: Conversation, code: AddressCode) -> tuple[Conversation, Identifier | None]:
    """The conversation and the owner of the code's address, held in the order of merging."""
    for _ in range(5):
        identifier = Identifier.objects.filter(kind=code.kind, value=code.value).first()
        owners = {conversation.customer_id, *([identifier.customer_id] if identifier else [])}
        hold_customers(*owners)
        held = Identifier.objects.all().hold(code.kind, code.value)
        now = Conversation.objects.lock(conversation.pk)
        if now.customer_id in owners and (held.customer_id if held else None) == (
            identifier.customer_id if identifier else None
        ):
            return now, held
        conversation = now
    raise CodeRefused("Something else changed at the same moment. Please try again.")


def _prove(ticket: Ticket, conversation: Conversation, code: AddressCode, owner: Identifier | None) -> Proven:
    is_own = code.value == conversation.address
    if not is_own and conversation.trust == Trust.CLAIMED:
        raise CodeRefused("Please confirm the address of this request first.")
    code.used_at, code.has_added = Now(), owner is None
    code.save(update_fields=["used_at", "has_added"])
    if owner is None:
        Identifier.objects.create(
            customer_id=conversation.customer_id, kind=code.kind, value=code.value, raw=code.raw, verified_at=Now()
        )
    else:
        Identifier.objects.filter(pk=owner.pk, verified_at=None).update(verified_at=Now())
        if owner.customer_id != conversation.customer_id:
            kept, gone = by_rank(conversation.customer, owner.customer)
            merge(kept, gone, by=None, why=CustomerMerge.Why.CODE, conversation=conversation)
    if is_own and conversation.trust == Trust.CLAIMED:
        believe(conversation, Trust.CODE_VERIFIED)
    record(ticket, "address_proven" if is_own else "address_linked", CUSTOMER, address_code=code.pk)
    return Proven(is_own=is_own, address=masked(code.value))


def masked(email: str) -> str:
    """a***@example.com: enough to know one's own address by."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}***@{domain}"
