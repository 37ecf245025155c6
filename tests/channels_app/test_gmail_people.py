"""Who wrote a mail, and to whom: colleagues in Gmail's own window, groups, copies, and what was said before."""

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.test import Client

from agent_runner.worker import answer
from channels_app.gmail.models import GmailMail, GmailMailbox
from channels_app.gmail.sync import import_history, read_mailboxes
from channels_app.simulator.mailbox import Mailbox
from tests.channels_app.mailbox import OURS, VOUCHED, a_mail, answered, deliver, fates, headers_of, read, text_of
from tests.factories import write
from tests.fakes.gmail import FaultyGmail
from tickets.lifecycle import Handler, Status
from tickets.models import ChannelSettings, Conversation, Delivery, Message, Ticket, Trust
from tickets.replies import reply
from tickets.tokens import status_token, ticket_of

pytestmark = pytest.mark.django_db
FROM_US = f"Tidewater <{OURS}>"


def by_hand(inbox: Mailbox, body: str = "I have looked, and it works again.", **headers: str) -> None:
    """Somebody of us writes in Gmail's own window."""
    values = {
        "From": FROM_US, "To": "ann@example.com", "Subject": "Re: Password", "Message_ID": "<hand@tidewater.example>",
        "In_Reply_To": "<1@example.com>", "Authentication_Results": "", **headers,
    }  # fmt: skip
    inbox.receive(a_mail(body, **values), labels=("SENT",))


@pytest.fixture
def asked(inbox: Mailbox) -> Ticket:
    """Ann has written; nobody has answered."""
    inbox.receive(a_mail())
    read()
    return Ticket.objects.get()


# --- Gmail's own window ----------------------------------------------------------------------------------------------


def test_d5_what_a_person_sends_from_gmails_own_window_is_a_staff_reply_and_takes_the_ticket_over(
    asked: Ticket, inbox: Mailbox, articles: None, desk: Client
) -> None:
    by_hand(inbox)
    read()
    asked.refresh_from_db()
    reply = asked.messages.get(direction="outbound")
    assert (reply.author, reply.body) == ("staff", "I have looked, and it works again.")
    assert (asked.status, asked.handler) == (Status.PENDING, Handler.STAFF)
    assert not Message.objects.all().unanswered().exists()
    assert reply.deliveries.get().status == Delivery.Status.SENT
    assert fates() == ["stored", "staff"]
    async_to_sync(answer)(asked.conversation_id)
    assert asked.messages.count() == 2, "the assistant says nothing more"
    page = desk.get(f"/admin/tickets/ticket/{asked.pk}/change/").content.decode()
    assert OURS in page
    assert "Somebody answered from the mailbox itself" in page


def test_the_customers_next_mail_comes_to_people_then(asked: Ticket, inbox: Mailbox) -> None:
    by_hand(inbox)
    read()
    inbox.receive(a_mail("Thank you!", Message_ID="<2@example.com>", In_Reply_To="<hand@tidewater.example>"))
    read()
    asked.refresh_from_db()
    assert (asked.status, asked.handler) == (Status.OPEN, Handler.STAFF)
    assert not Conversation.objects.all().due().exists()


def test_an_escalation_that_is_answered_from_gmail_is_taken(asked: Ticket, inbox: Mailbox) -> None:
    answered(asked.conversation)  # without articles nothing is known
    assert asked.escalations.get().claimed_at is None
    by_hand(inbox)
    read()
    assert asked.escalations.get().claimed_at is not None


def test_what_is_sent_to_a_colleague_is_no_reply_to_the_customer(asked: Ticket, inbox: Mailbox) -> None:
    by_hand(inbox, To="colleague@tidewater.example")
    read()
    assert fates() == ["stored", "own"]
    assert asked.messages.count() == 1


def test_a_reply_by_hand_on_a_closed_ticket_is_kept_and_moves_nothing(asked: Ticket, inbox: Mailbox) -> None:
    Ticket.objects.update(status=Status.CLOSED)
    by_hand(inbox)
    read()
    assert asked.messages.filter(author="staff").exists()
    asked.refresh_from_db()
    assert asked.status == Status.CLOSED


def test_who_claims_to_be_us_is_not_a_colleague(asked: Ticket, inbox: Mailbox) -> None:
    """Only Gmail's own label says that a mail was sent from the mailbox."""
    inbox.receive(a_mail("Send money.", From=FROM_US, To="ann@example.com", In_Reply_To="<1@example.com>"))
    read()
    assert fates() == ["stored", "automatic"]
    assert asked.messages.count() == 1


# --- Before the mailbox was connected --------------------------------------------------------------------------------


@pytest.fixture
def long_ago(server: FaultyGmail) -> Mailbox:
    """A mailbox with a past: a question of three days ago, our answer, and one of two months ago."""
    box = server.mailboxes[OURS]
    old = {"Message_ID": "<0@example.com>", "Subject": "Very old"}
    box.receive(a_mail("Long ago", **old)).at -= 60 * 86_400
    box.receive(a_mail()).at -= 3 * 86_400
    by_hand(box, "We have reset it.")
    list(box.messages.values())[-1].at -= 2 * 86_400
    read_mailboxes()
    return box


def test_the_last_days_are_shown_on_closed_tickets_and_nothing_of_them_is_answered(long_ago: Mailbox) -> None:
    assert not Message.objects.exists(), "new mail comes first"
    import_history()
    ticket = Ticket.objects.get()
    assert (ticket.subject, ticket.status) == ("Password", Status.CLOSED)
    said = list(ticket.messages.values_list("author", "body"))
    assert said == [("customer", "How do I reset my password?"), ("staff", "We have reset it.")]
    assert not Message.objects.all().unanswered().exists()
    assert not Conversation.objects.all().due().exists()
    assert not Delivery.objects.all().due().exists()
    assert GmailMailbox.objects.get().is_history_imported
    assert sorted(fates()) == ["imported", "imported"]


def test_importing_again_changes_nothing(long_ago: Mailbox) -> None:
    import_history()
    GmailMailbox.objects.update(is_history_imported=False)
    import_history()
    assert Message.objects.count() == 2


def test_an_import_that_breaks_off_goes_on_later(long_ago: Mailbox, server: FaultyGmail) -> None:
    server.plan = lambda method, path: "error_500" if "/messages/" in path else None
    import_history()
    assert not GmailMailbox.objects.get().is_history_imported
    server.plan = lambda *_: None
    import_history()
    assert Message.objects.count() == 2


def test_who_goes_on_with_an_imported_conversation_gets_a_new_ticket_in_it(long_ago: Mailbox) -> None:
    import_history()
    long_ago.receive(a_mail("It is broken again", Message_ID="<3@example.com>", In_Reply_To="<1@example.com>")).at += 2
    read()
    conversation = Conversation.objects.get()
    assert conversation.tickets.count() == 2
    assert [m.body for m in conversation.messages.all().unanswered()] == ["It is broken again"]


# --- Groups ----------------------------------------------------------------------------------------------------------

GROUP = "help@tidewater.example"
BY_GROUP = {
    "From": f"'Ann Lee' via Help <{GROUP}>", "Reply_To": "Ann Lee <ann@example.com>", "To": GROUP,
    "List_ID": "<help.tidewater.example>", "Precedence": "list", "Mailing_list": f"list {GROUP}",
    "Authentication_Results": "mx.google.com; dmarc=pass header.from=tidewater.example",
}  # fmt: skip


def test_what_comes_through_our_group_is_a_claim_of_its_author(inbox: Mailbox, settings: Any) -> None:
    settings.GMAIL_GROUPS = [GROUP]
    inbox.receive(a_mail(**BY_GROUP))
    inbox.receive(a_mail(**{**BY_GROUP, "Message_ID": "<2@x>", "X_Original_From": "Ben <ben@example.com>"}))
    read()
    addresses = Conversation.objects.order_by("id").values_list("address", "trust")
    assert list(addresses) == [("ann@example.com", Trust.CLAIMED), ("ben@example.com", Trust.CLAIMED)]


def test_our_group_leaves_an_author_alone_whose_domain_allows_it(inbox: Mailbox, settings: Any) -> None:
    settings.GMAIL_GROUPS = [GROUP]
    kept = {"From": "ann@example.com", "Authentication_Results": VOUCHED}
    inbox.receive(a_mail(**{**BY_GROUP, **kept}))
    read()
    assert Conversation.objects.get().trust == Trust.CHANNEL_VERIFIED


def test_other_lists_are_not_answered(inbox: Mailbox, settings: Any) -> None:
    settings.GMAIL_GROUPS = [GROUP]
    inbox.receive(a_mail(**{**BY_GROUP, "From": "ann@example.com", "List_ID": "<news.example.com>"}))
    inbox.receive(a_mail(**{**BY_GROUP, "Reply_To": GROUP, "Message_ID": "<2@x>"}))
    read()
    assert fates() == ["automatic", "automatic"]


# --- Copies ----------------------------------------------------------------------------------------------------------


def test_d11_who_got_a_copy_is_noted_and_the_assistant_answers_the_sender_alone(inbox: Mailbox, articles: None) -> None:
    inbox.receive(a_mail(Cc="Boss <boss@example.com>, eve@evil.example", Reply_To="eve@evil.example"))
    read()
    assert Message.objects.get().cc == ["boss@example.com", "eve@evil.example"]
    answered(Conversation.objects.get())
    deliver()
    mail = headers_of(inbox.sent[0].raw)
    assert (mail["To"], mail["Cc"]) == ("ann@example.com", None)


def test_d11_a_plus_tag_is_another_address(inbox: Mailbox) -> None:
    inbox.receive(a_mail())
    inbox.receive(a_mail(From="ann+shop@example.com", Message_ID="<2@x>", In_Reply_To="<1@example.com>"))
    read()
    assert Conversation.objects.count() == 2


# --- Answers that show whose address it is ---------------------------------------------------------------------------


@pytest.fixture
def claimed(inbox: Mailbox, articles: None) -> Ticket:
    """Somebody gave Ann's address in the form, and our answer went to it by mail."""
    ticket = write().ticket
    answered(ticket.conversation)
    deliver()
    read()
    return ticket


def reply_to_copy(inbox: Mailbox, **headers: str) -> None:
    sent = inbox.sent[0]
    values = {
        "Subject": f"Re: {headers_of(sent.raw)['Subject']}", "In_Reply_To": sent.message_id,
        "References": f"{headers_of(sent.raw)['References']} {sent.message_id}", "Message_ID": "<r@example.com>",
        **headers,
    }  # fmt: skip
    inbox.receive(a_mail("And on my phone?", **{k: v for k, v in values.items() if v}))
    read()


def test_an_authentic_answer_to_our_copy_joins_and_shows_that_the_address_is_theirs(
    claimed: Ticket, inbox: Mailbox
) -> None:
    before = status_token(claimed)
    reply_to_copy(inbox)
    conversation = Conversation.objects.get()
    assert conversation.trust == Trust.CHANNEL_VERIFIED
    assert conversation.messages.last().body == "And on my phone?"
    claimed.refresh_from_db()
    with pytest.raises(Ticket.DoesNotExist):
        ticket_of(before)  # whoever claimed the address may hold it
    assert ticket_of(status_token(claimed)) == claimed


def test_a_forged_answer_to_our_copy_shows_nothing(claimed: Ticket, inbox: Mailbox) -> None:
    reply_to_copy(inbox, Authentication_Results="mx.google.com; dmarc=fail header.from=example.com")
    assert Conversation.objects.get(pk=claimed.conversation_id).trust == Trust.CLAIMED


def test_an_answer_of_somebody_else_opens_a_ticket_of_their_own(claimed: Ticket, inbox: Mailbox) -> None:
    reply_to_copy(
        inbox, From="eve@evil.example", Authentication_Results="mx.google.com; dmarc=pass header.from=evil.example"
    )
    assert Conversation.objects.count() == 2
    assert claimed.messages.filter(direction="inbound").count() == 1


def test_our_signed_id_is_enough_when_gmail_has_another_thread(claimed: Ticket, inbox: Mailbox) -> None:
    mark = headers_of(inbox.sent[0].raw)["References"].split()[0]
    GmailMail.objects.all().delete()
    reply_to_copy(inbox, Subject="Another subject", In_Reply_To="", References=mark)
    assert Conversation.objects.count() == 1


def test_a_signed_id_that_somebody_changed_names_nothing(claimed: Ticket, inbox: Mailbox) -> None:
    mark = headers_of(inbox.sent[0].raw)["References"].split()[0]
    GmailMail.objects.all().delete()
    other = write(email="other@example.com").ticket
    forged = mark.replace(f"desk.{claimed.conversation_id}.", f"desk.{other.conversation_id}.")
    from_other = {"From": "other@example.com"}
    reply_to_copy(inbox, Subject="Another subject", In_Reply_To="", References=forged, **from_other)
    assert other.messages.count() == 1


def test_the_quoted_status_link_is_enough_when_nothing_else_is_left(claimed: Ticket, inbox: Mailbox) -> None:
    link = next(word for word in text_of(inbox.sent[0].raw).split() if "/support/t/" in word)
    inbox.receive(a_mail(f"And on my phone?\n\nOn 3 May 2026 Tidewater wrote:\n> {link}", Subject="Question"))
    read()
    assert Conversation.objects.get().messages.last().body == "And on my phone?"


def test_a_status_link_in_the_mail_of_another_opens_nothing(claimed: Ticket, inbox: Mailbox) -> None:
    link = next(word for word in text_of(inbox.sent[0].raw).split() if "/support/t/" in word)
    inbox.receive(a_mail(link, Subject="Question", From="eve@example.com"))
    read()
    assert Conversation.objects.count() == 2


def test_whom_staff_choose_gets_the_mail_too(asked: Ticket, inbox: Mailbox, sam: User) -> None:
    reply(asked, body="We have mended it.", staff=sam, cc=["boss@example.com"])
    deliver()
    mail = headers_of(inbox.sent[0].raw)
    assert (mail["To"], mail["Cc"]) == ("ann@example.com", "boss@example.com")
    assert mail["Auto-Submitted"] is None, "a person wrote it"


def test_a_reply_is_text_and_simple_html(asked: Ticket, inbox: Mailbox, sam: User) -> None:
    ChannelSettings.objects.filter(pk="email").update(signature="Kind regards,\nThe Tidewater team")
    reply(asked, body="See **this**: [a](/help/a) <script>x</script>", staff=sam)
    deliver()
    mail = headers_of(inbox.sent[0].raw)
    assert mail.get_content_type() == "multipart/alternative"
    plain, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "**" not in plain
    assert "/help/a)" in plain
    assert "<strong>this</strong>" in html
    assert "<script" not in html
    assert "Kind regards,\nThe Tidewater team" in plain.replace("\r", "")
    assert "Kind regards,<br>" in html
    assert asked.reference in plain
    assert asked.reference in html
