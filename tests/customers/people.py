"""People who write, over every channel: through intake, with the normal forms and the mail parser of the product."""

import itertools
from dataclasses import dataclass
from email.message import EmailMessage

from agent_runner.history import earlier_messages
from channels_app.gmail.parsing import parse
from channels_app.web_form.parsing import SubmitIn, submission
from customers.identifiers import normal_email, normal_phone
from customers.models import Identifier
from fte_project.events import Channel
from tickets.intake import Address, InboundMessage, receive
from tickets.models import Conversation, MergeProposal, Ticket, Trust
from tickets.proposals import open_for

_number = itertools.count(1)
PASS = "mx.google.com; dmarc=pass header.from={domain}"
FAIL = "mx.google.com; dmarc=fail header.from={domain}"
MATTER = "I have a question about my account, please."


@dataclass(frozen=True, kw_only=True)
class Contact:
    """One message of somebody. `via`: form, mail (parsed from raw bytes), idn (an address in Unicode), whatsapp."""

    via: str
    address: str
    name: str = ""
    text: str = MATTER
    signature: str = ""
    results: str = PASS

    def send(self) -> Ticket:
        return receive(getattr(self, f"_{self.via}")()).ticket

    def _form(self) -> InboundMessage:
        return submission(
            SubmitIn(name=self.name or "Somebody", email=self.address, subject="A question", message=self.text),
            key=f"form-{next(_number)}",
        )

    def _whatsapp(self) -> InboundMessage:
        value = normal_phone(self.address)
        return self._inbound(Channel.WHATSAPP, Address(kind=Identifier.Kind.PHONE, value=value, raw=self.address))

    def _mail(self) -> InboundMessage:
        """A mail as our server hands it over: who wrote it and who vouches for them is read from its raw bytes."""
        mail = EmailMessage()
        domain = self.address.rpartition("@")[2].rstrip(">")
        mail["From"] = self.address if "<" in self.address else f"{self.name} <{self.address}>"
        mail["Authentication-Results"] = self.results.format(domain=domain)
        mail.set_content(self.text)
        read = parse(bytes(mail))
        assert read.sender
        sender = Address(kind=Identifier.Kind.EMAIL, value=normal_email(read.sender), raw=read.sender)
        trust = Trust.CHANNEL_VERIFIED if read.is_verified else Trust.CLAIMED
        return self._inbound(Channel.EMAIL, sender, trust=trust)

    def _idn(self) -> InboundMessage:
        """As the mail channel hands over an address in Unicode, which a raw header cannot hold without SMTPUTF8."""
        sender = Address(kind=Identifier.Kind.EMAIL, value=normal_email(self.address), raw=self.address)
        return self._inbound(Channel.EMAIL, sender)

    def _inbound(self, channel: Channel, sender: Address, trust: Trust = Trust.CHANNEL_VERIFIED) -> InboundMessage:
        key = f"{channel}-{next(_number)}"
        return InboundMessage(
            channel=channel, mailbox="ours", external_id=key, sender=sender, name=self.name, subject="A question",
            body=self.text, raw=key.encode(), trust=trust, signature=self.signature,
        )  # fmt: skip


def form(address: str, name: str = "Ann Lee", text: str = MATTER) -> Contact:
    return Contact(via="form", address=address, name=name, text=text)


def mail(address: str, name: str = "Ann Lee", text: str = MATTER, signature: str = "", results: str = PASS) -> Contact:
    return Contact(via="mail", address=address, name=name, text=text, signature=signature, results=results)


def idn(address: str, name: str = "Ann Lee", text: str = MATTER) -> Contact:
    return Contact(via="idn", address=address, name=name, text=text)


def whatsapp(address: str, name: str = "Ann", text: str = MATTER) -> Contact:
    return Contact(via="whatsapp", address=address, name=name, text=text)


def owner(ticket: Ticket) -> int:
    return Conversation.objects.get(pk=ticket.conversation_id).customer_id


def knows(ticket: Ticket, other: Ticket) -> bool:
    """Whether a run over one conversation could read a word of the other."""
    seen = earlier_messages(ticket.conversation_id, before=2**60)
    return any(m.conversation_id == other.conversation_id for m in seen)


def is_proposed(one: Ticket, other: Ticket) -> bool:
    return owner(other) in open_for(owner(one))


def the_proposal() -> MergeProposal:
    return MergeProposal.objects.get()
