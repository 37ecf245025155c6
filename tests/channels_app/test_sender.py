"""The mail copy of a reply, through a real SMTP conversation: what it says, and what each answer means."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.core import mail

from channels_app import registry
from channels_app.registry import SendError, Sent, provider
from channels_app.web_form.sender import send_copy
from fte_project.db import LeaseLost
from fte_project.embedded import free_port
from fte_project.events import Channel
from tests.factories import write
from tests.fakes.smtp import DROP, smtp
from tickets.models import Conversation, Delivery, Ticket, Trust
from tickets.replies import reply
from tickets.tokens import status_url

pytestmark = pytest.mark.django_db


def a_delivery(body: str = "Choose **Forgot password**.", **changes: str) -> Delivery:
    return reply(write(**changes).ticket, body=body).deliveries.get(channel="email")


def ours() -> None:
    """The lease holds."""


def parsed(raw: bytes) -> EmailMessage:
    found = message_from_bytes(raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def test_the_copy_says_what_the_reply_says_and_where_to_answer(settings: Any) -> None:
    delivery = a_delivery(name="Jürgen Müller", subject="Schlüssel & Paßwort", body="Grüße 👋")
    ticket = Ticket.objects.get()
    with smtp() as server:
        settings.MAILERS = server.mailers
        sent = send_copy(delivery, ours)
    (raw,) = server.accepted
    copy = parsed(raw)
    assert copy["To"] == "ann@example.com"
    assert copy["Subject"] == f"[{ticket.reference}] Your request to {settings.COMPANY_NAME}"
    assert copy["From"] == settings.EMAIL_FROM
    assert copy["Auto-Submitted"] == "auto-replied"
    assert copy["X-Auto-Response-Suppress"] == "All"
    assert copy["Message-ID"] == sent.external_id
    assert sent.external_id.endswith("@example.com>")
    text = copy.get_content()
    assert "Grüße 👋" in text
    assert status_url(ticket) in text
    assert not copy.is_multipart()


SPAM = "Cheap watches at www.evil.example"


def test_a15_a_stranger_cannot_have_their_words_mailed_to_somebody_else() -> None:
    """Whoever fills in the form may type any address: its owner reads what we say, not what the stranger wrote."""
    send_copy(
        a_delivery(name="Watches", subject=SPAM, message=f"{SPAM}, http://evil.example", body="We read it."), ours
    )
    (copy,) = mail.outbox
    sent = f"{copy.message()} {copy.body}"
    assert not [word for word in ("atches", "evil", "Cheap") if word in sent]
    assert copy.subject == f"[{Ticket.objects.get().reference}] Your request to Tidewater"


@pytest.mark.parametrize("trust", sorted(set(Trust) - {Trust.CLAIMED}))
def test_a_verified_address_gets_its_own_subject_back(trust: str) -> None:
    delivery = a_delivery(subject="Schlüssel & Paßwort")
    Conversation.objects.update(trust=trust)
    send_copy(Delivery.objects.get(pk=delivery.pk), ours)
    assert mail.outbox[0].subject == f"[{Ticket.objects.get().reference}] Schlüssel & Paßwort"


def test_each_copy_has_its_own_message_id() -> None:
    delivery = a_delivery()
    assert send_copy(delivery, ours).external_id != send_copy(delivery, ours).external_id
    assert len(mail.outbox) == 2


def test_links_of_our_help_pages_work_from_a_mail(settings: Any) -> None:
    send_copy(a_delivery(body="See [this](/help/reset) and **that** <b>&amp;</b>."), ours)
    assert f"{settings.PUBLIC_BASE_URL}/help/reset" in mail.outbox[0].body
    assert "and that <b>&amp;</b>." in mail.outbox[0].body, "plain text stays as it is"


# What the server does → definitely not accepted? for ever? how many mails it accepted
FAULTS: list[tuple[dict[str, str], bool, bool, int]] = [
    ({"connect": "421 busy"}, True, False, 0),
    ({"connect": "554 go away"}, True, False, 0),
    ({"connect": DROP}, True, False, 0),
    ({"MAIL": DROP}, False, False, 0),
    ({"MAIL": "451 try later"}, True, False, 0),
    ({"MAIL": "550 you may not send as this"}, True, False, 0),
    ({"RCPT": "450 greylisted"}, True, False, 0),
    ({"RCPT": "421 too many connections"}, True, False, 0),
    ({"RCPT": "550 no such user"}, True, True, 0),
    ({"DATA": "451 try later"}, True, False, 0),
    ({"DATA": "554 no"}, True, True, 0),
    ({"message": "451 try later"}, True, False, 0),
    ({"message": "552 mailbox full"}, True, True, 0),
    ({"message": DROP}, False, False, 1),
    ({"message": "nonsense"}, False, False, 0),
]


@pytest.mark.parametrize(("plan", "refused", "permanent", "accepted"), FAULTS, ids=str)
def test_only_what_was_certainly_not_accepted_counts_as_refused(
    plan: dict[str, str], refused: bool, permanent: bool, accepted: int, settings: Any
) -> None:
    delivery = a_delivery()
    with smtp(**plan) as server:
        settings.MAILERS = server.mailers
        with pytest.raises(SendError) as error:
            send_copy(delivery, ours)
    assert (error.value.refused, error.value.permanent) == (refused, permanent), str(error.value)
    assert len(server.accepted) == accepted
    assert str(error.value).startswith("The ")


def test_a_server_that_says_goodbye_badly_has_accepted_the_mail(settings: Any) -> None:
    with smtp(QUIT=DROP) as server:
        settings.MAILERS = server.mailers
        assert isinstance(send_copy(a_delivery(), ours), Sent)
    assert len(server.accepted) == 1


def mailers_at(host: str, port: int) -> dict[str, Any]:
    options = {"host": host, "port": port, "timeout": 1}
    return {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}}


def test_a_server_that_is_not_there_has_accepted_nothing(settings: Any) -> None:
    settings.MAILERS = mailers_at("127.0.0.1", free_port())
    with pytest.raises(SendError) as error:
        send_copy(a_delivery(), ours)
    assert (error.value.refused, error.value.permanent) == (True, False)


def test_a_server_whose_name_cannot_be_found_has_accepted_nothing(settings: Any) -> None:
    """A minute without DNS must not leave every mail of that minute unknown."""
    settings.MAILERS = mailers_at("127.0.0.1.nothing.invalid", 25)
    with pytest.raises(SendError) as error:
        send_copy(a_delivery(), ours)
    assert (error.value.refused, error.value.permanent) == (True, False)


def test_nothing_leaves_once_the_lease_is_lost(settings: Any) -> None:
    def lost() -> None:
        raise LeaseLost

    with smtp() as server:
        settings.MAILERS = server.mailers
        with pytest.raises(LeaseLost):
            send_copy(a_delivery(), lost)
    assert server.accepted == []


def test_a_channel_without_a_sender_refuses_for_good() -> None:
    assert provider(Channel.EMAIL).send is send_copy
    with pytest.raises(SendError, match="WhatsApp is off") as error:
        provider(Channel.WHATSAPP)
    assert (error.value.refused, error.value.permanent) == (True, True)
    assert set(registry.PROVIDERS) <= set(Channel)
