"""The desk as Sam sees it: the list, a ticket's page, its doors and its files."""

import html
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from agent_runner.worker import answer
from tests.factories import fresh, make_staff, write
from tickets.escalations import HandOver, claim, escalate, hand_back, resolve
from tickets.intake import InboundFile, receive
from tickets.lifecycle import Handler, Status
from tickets.models import Attachment, Delivery, Escalation, Message, Note, Ticket, TicketEvent
from tickets.notes import add_note
from tickets.reasons import Reason, Urgency
from tickets.replies import reply
from tickets.work import claim as take_work

LIST = "/admin/tickets/ticket/"
DOORS = ["reply", "note", "claim", "hand_back", "resolve"]


def page_of(ticket: Ticket) -> str:
    return reverse("admin:tickets_ticket_change", args=[ticket.pk])


def door(ticket: Ticket, name: str) -> str:
    return reverse(f"admin:tickets_ticket_{name}", args=[ticket.pk])


def newest(ticket: Ticket) -> str:
    last = Message.objects.filter(conversation=ticket.conversation).last()
    return str(last.pk if last else 0)


def said(response: HttpResponse) -> str:
    return " ".join(str(m) for m in get_messages(response.wsgi_request))


def written(name: str = "Ann Lee", **changes: str) -> Ticket:
    local = re.split(r"\W+", name.strip("<>"))[0].lower()
    return write(name=name, email=f"{local}@example.com", **changes).ticket


def escalated(name: str = "Ben Okoro", hours_ago: int = 0, **hand_over: object) -> Ticket:
    ticket = written(name)
    escalate(ticket, HandOver(reason=Reason.LOW_CONFIDENCE, **hand_over))
    Escalation.objects.filter(ticket=ticket).update(opened_at=timezone.now() - timedelta(hours=hours_ago))
    return fresh(ticket)


def order_in(body: str) -> list[str]:
    return re.findall(r"desk-ref\">(T-\d+)<", body)


# --- The list


def test_the_list_puts_escalated_tickets_first_and_the_longest_waiting_before_them_all(desk: Client, sam: User) -> None:
    closed, resolved, pending, assistants, staffs = (written(n) for n in ("Eve", "Dora", "Cai", "Bea", "Abe"))
    resolve(closed, sam)
    Ticket.objects.filter(pk=closed.pk).update(status=Status.CLOSED)
    resolve(resolved, sam)
    reply(pending, body="Done.", staff=sam)
    claim(staffs, sam)
    short, long = escalated("Kim", 1), escalated("Lea", 30)
    expected = [long, short, staffs, assistants, pending, resolved, closed]
    assert order_in(desk.get(LIST).content.decode()) == [t.reference for t in expected]


def test_the_list_says_who_why_and_how_long(desk: Client) -> None:
    escalated("Kim Ito", 5, urgency=Urgency.CRITICAL)
    body = html.unescape(desk.get(LIST).content.decode())
    for words in ("Kim Ito", "kim@example.com", "Web form", "Escalated", "Not sure enough", "Critical", "Nobody yet"):
        assert words in body
    assert "waits 5\xa0hours" in body


def test_the_list_takes_the_same_number_of_queries_however_long_it_is(desk: Client, sam: User) -> None:
    escalated("Kim")
    desk.get(LIST)
    with CaptureQueriesContext(connection) as few:
        desk.get(LIST)
    for n in range(12):
        ticket = escalated(f"Cust{n}") if n % 2 else written(f"Cust{n}")
        if n % 3 == 0:
            claim(ticket, sam)
    with CaptureQueriesContext(connection) as many:
        assert len(order_in(desk.get(LIST).content.decode())) == 13
    assert len(many) == len(few)
    assert len(many) <= 11


@pytest.mark.parametrize(
    "term",
    [
        lambda t: t.reference,
        lambda t: t.reference.lower(),
        lambda _: "kim@example",
        lambda _: "Ito",
        lambda _: "reset my password",
    ],
)
def test_a_ticket_is_found_by_reference_name_address_and_subject(desk: Client, term: Callable[[Ticket], str]) -> None:
    ticket = written("Kim Ito")
    written("Other One", subject="Something else")
    assert order_in(desk.get(LIST, {"q": term(ticket)}).content.decode()) == [ticket.reference]


@pytest.mark.parametrize("term", ["T-999999999999999", "T-1", "9" * 40, "%", "_", "\\"])
def test_odd_search_words_find_nothing(desk: Client, term: str) -> None:
    written()
    assert order_in(desk.get(LIST, {"q": term}).content.decode()) == []


@pytest.mark.parametrize("query", [{"q": "\x00"}, {"q": "'"}, {"assignee": "x"}, {"assignee": "9" * 40}, {"p": "x"}])
def test_odd_queries_break_nothing(desk: Client, query: dict[str, str]) -> None:
    written()
    assert desk.get(LIST, query).status_code == 200


def test_the_filters_narrow_the_list(desk: Client, sam: User) -> None:
    mine, open_one = written("Abe", priority="high"), escalated("Bea")
    claim(mine, sam)
    for query, expected in (
        ({"assignee": "me"}, mine),
        ({"assignee": "nobody"}, open_one),
        ({"status__exact": "escalated"}, open_one),
        ({"priority__exact": "high"}, mine),
        ({"channel__exact": "web_form", "assignee": "me"}, mine),
    ):
        assert order_in(desk.get(LIST, query).content.decode()) == [expected.reference]
    other = make_staff("ola", "agent")
    assert order_in(desk.get(LIST, {"assignee": str(other.pk)}).content.decode()) == []


def test_the_start_page_leads_agents_to_the_queue_and_editors_to_the_articles(desk: Client) -> None:
    assert desk.get("/admin/").headers["Location"] == LIST
    editor = Client()
    editor.force_login(make_staff("edda", "editor"))
    assert editor.get("/admin/").headers["Location"] == "/admin/knowledge/article/"
    sidebar = editor.get("/admin/knowledge/article/").content.decode()
    assert "Articles" in sidebar
    assert LIST not in sidebar


def test_nobody_adds_or_deletes_tickets(admin_client: Client) -> None:
    ticket = written()
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.get(f"{LIST}{ticket.pk}/delete/").status_code == 403


# --- The ticket's page


def test_the_page_tells_the_whole_story_in_time_order(desk: Client, sam: User, articles: None) -> None:
    ticket = written()
    async_to_sync(answer)(ticket.conversation_id)
    claim(fresh(ticket), sam)
    add_note(ticket, sam, "Call them tomorrow.")
    reply(fresh(ticket), body="It is **fixed**.", staff=sam)
    Delivery.objects.filter(channel="email").update(status="failed", error="550 mailbox is full")
    body = html.unescape(desk.get(page_of(ticket)).content.decode())
    places = [
        body.index(words)
        for words in (
            "I forgot my password",
            "Assistant run:",
            "From our help articles:",
            "sam claimed the ticket",
            "Call them tomorrow.",
            "It is <strong>fixed</strong>.",
        )
    ]
    assert places == sorted(places)
    for words in ("search_knowledge_base", "Similarity", "E-mail: failed: 550 mailbox is full", "Status page: shown"):
        assert words in body
    assert "Claimed only" in body


def test_what_customers_write_is_shown_as_plain_text(desk: Client) -> None:
    evil = "<script>alert(1)</script> **not bold** <img src=x onerror=alert(1)>"
    ticket = written("<b>Eve</b>", subject="<script>alert(2)</script>", message=f"{evil}\nsecond line")
    body = desk.get(page_of(ticket)).content.decode()
    assert "<script>alert" not in body
    assert "<img" not in body.split('class="desk-words"')[1].split("</div>")[0]
    assert "<b>Eve" not in body
    assert "&lt;script&gt;alert(1)&lt;/script&gt; **not bold**" in body
    assert "<br>second line" in body
    assert "<script>alert" not in desk.get(LIST).content.decode()


def test_an_unsafe_source_loses_its_link(desk: Client) -> None:
    source = {"title": "Trap", "url": "javascript:alert(1)", "passage": "x", "revision": 1}
    ticket = escalated(draft="Try this.", draft_sources=(source,))
    body = desk.get(page_of(ticket)).content.decode()
    assert "Trap" in body
    assert "javascript:" not in body


def test_the_page_takes_the_same_number_of_queries_however_much_was_said(desk: Client, sam: User) -> None:
    ticket = escalated()
    claim(ticket, sam)
    for n in range(2):
        reply(ticket, body=f"Reply {n}", staff=sam)
        add_note(ticket, sam, f"Note {n}")
    desk.get(page_of(ticket))
    with CaptureQueriesContext(connection) as few:
        desk.get(page_of(ticket))
    for n in range(10):
        reply(ticket, body=f"Reply {n}", staff=sam)
        add_note(ticket, sam, f"Note {n}")
    with CaptureQueriesContext(connection) as many:
        desk.get(page_of(ticket))
    assert len(many) == len(few)


def test_the_hand_off_card_brings_the_draft_into_the_reply_box_without_a_script(desk: Client) -> None:
    source = {"title": "Codes", "url": "https://example.com/codes", "passage": "Use a code.", "revision": 2}
    ticket = escalated(urgency=Urgency.HIGH, detail="confidence 0.4", draft="Use a code.", draft_sources=(source,))
    body = desk.get(page_of(ticket)).content.decode()
    for words in ("Not sure enough", "confidence 0.4", "Use this draft", "https://example.com/codes", "revision 2"):
        assert words in body
    assert "Use a code.</textarea>" not in body
    assert "Use a code.</textarea>" in desk.get(page_of(ticket), {"draft": 1}).content.decode()


def test_a_conversation_with_two_tickets_is_shown_whole_and_says_which_is_which(desk: Client, sam: User) -> None:
    first = written()
    resolve(first, sam)
    Ticket.objects.filter(pk=first.pk).update(status=Status.CLOSED)
    inbound = written("Ann Lee", message="And another thing, please.")
    Message.objects.filter(ticket=inbound).update(conversation=first.conversation)
    Ticket.objects.filter(pk=inbound.pk).update(conversation=first.conversation)
    body = desk.get(page_of(inbound)).content.decode()
    assert f"{inbound.reference}, this ticket" in body
    assert page_of(first) in body
    assert "I forgot my password" in body


def test_only_buttons_that_the_table_allows_are_shown(desk: Client, sam: User) -> None:
    def shown(ticket: Ticket) -> list[str]:
        body = desk.get(page_of(ticket)).content.decode()
        return [name for name in DOORS if door(ticket, name) in body]

    ticket = escalated()
    assert shown(ticket) == DOORS
    claim(ticket, sam)
    assert shown(ticket) == ["reply", "note", "hand_back", "resolve"]
    hand_back(ticket, sam)
    assert shown(ticket) == ["reply", "note", "claim", "resolve"]
    resolve(ticket, sam)
    assert shown(ticket) == ["reply", "note"]
    Ticket.objects.filter(pk=ticket.pk).update(status=Status.CLOSED)
    assert shown(ticket) == ["note"]


@pytest.mark.django_db
def test_an_auditor_reads_and_changes_nothing() -> None:
    ticket = escalated()
    auditor = Client()
    auditor.force_login(make_staff("aud", "auditor"))
    body = auditor.get(page_of(ticket)).content.decode()
    assert "Not sure enough" in body
    for name in DOORS:
        assert door(ticket, name) not in body
        assert auditor.post(door(ticket, name), {"body": "x"}).status_code == 403
    assert auditor.get("/admin/tickets/ticketevent/").status_code == 200


# --- The doors


def test_claim_makes_the_ticket_mine_and_stops_the_assistant(desk: Client, sam: User) -> None:
    ticket = written()
    work = take_work(ticket.conversation_id)
    assert work is not None
    response = desk.post(door(ticket, "claim"))
    assert response.headers["Location"] == page_of(ticket)
    now = fresh(ticket)
    assert (now.status, now.handler, now.assignee) == (Status.OPEN, Handler.STAFF, sam)
    assert now.handler_epoch == ticket.handler_epoch + 1
    assert now.conversation.work_due_at is None


def test_a_colleagues_ticket_cannot_be_claimed_and_the_page_says_why(desk: Client) -> None:
    ticket = escalated()
    claim(ticket, make_staff("ola", "agent"))
    before = fresh(ticket)
    response = desk.post(door(ticket, "claim"), follow=True)
    assert f"{ticket.reference} is held by ola." in html.unescape(response.content.decode())
    assert fresh(ticket).handler_epoch == before.handler_epoch


def test_a_reply_is_stored_queued_and_takes_the_ticket_over(desk: Client, sam: User) -> None:
    ticket = escalated()
    body = "Hello Ben,\r\nit works now.\x00"
    response = desk.post(door(ticket, "reply"), {"body": body, "last_message": newest(ticket)})
    assert response.status_code == 302
    now = fresh(ticket)
    assert (now.status, now.handler, now.assignee) == (Status.PENDING, Handler.STAFF, sam)
    assert now.handler_epoch == ticket.handler_epoch + 1
    sent = Message.objects.get(author="staff")
    assert (sent.body, sent.staff) == ("Hello Ben,\nit works now.", sam)
    assert [(d.channel, d.status) for d in sent.deliveries.order_by("channel")] == [
        ("email", "queued"),
        ("web_form", "sent"),
    ]


def test_hand_back_and_resolve_do_what_the_table_says(desk: Client) -> None:
    ticket = escalated()
    desk.post(door(ticket, "hand_back"))
    now = fresh(ticket)
    assert (now.status, now.handler, now.assignee) == (Status.OPEN, Handler.ASSISTANT, None)
    assert now.handler_epoch == ticket.handler_epoch + 1
    assert not ticket.escalations.filter(closed_at=None).exists()
    desk.post(door(ticket, "resolve"), {"notes": "It was the cable."})
    now = fresh(ticket)
    assert (now.status, now.resolution_notes) == (Status.RESOLVED, "It was the cable.")


def test_what_the_table_forbids_changes_nothing_and_is_said_in_words(desk: Client) -> None:
    ticket = written()
    Ticket.objects.filter(pk=ticket.pk).update(status=Status.CLOSED)
    for name in ("claim", "hand_back", "resolve"):
        response = desk.post(door(ticket, name))
        assert response.status_code == 302
        assert "A ticket that is closed cannot be" in said(response)
    response = desk.post(door(ticket, "reply"), {"body": "Too late?", "last_message": newest(ticket)})
    assert response.status_code == 409
    assert "Too late?</textarea>" in response.content.decode()
    assert fresh(ticket).status == Status.CLOSED


def test_an_empty_reply_is_refused_in_words(desk: Client) -> None:
    ticket = escalated()
    response = desk.post(door(ticket, "reply"), {"body": " \n", "last_message": newest(ticket)})
    assert response.status_code == 409
    assert "A reply needs words." in response.content.decode()
    assert fresh(ticket).status == Status.ESCALATED
    assert not Message.objects.filter(author="staff").exists()


def test_a_reply_to_an_outdated_page_is_refused_and_its_text_kept(desk: Client, sam: User) -> None:
    ticket = escalated()
    seen = newest(ticket)
    reply(ticket, body="I was faster.", staff=make_staff("ola", "agent"))
    before = fresh(ticket)
    for last in (seen, "", "abc"):
        response = desk.post(door(ticket, "reply"), {"body": "My <long> & careful text", "last_message": last})
        assert response.status_code == 409
        body = response.content.decode()
        assert "Somebody wrote in this conversation" in body
        assert "My &lt;long&gt; &amp; careful text</textarea>" in body
        assert "I was faster." in body
        assert f'name="last_message" value="{newest(ticket)}"' in body
    assert not Message.objects.filter(staff=sam).exists()
    assert fresh(ticket).handler_epoch == before.handler_epoch
    desk.post(door(ticket, "reply"), {"body": "Now it fits.", "last_message": newest(ticket)})
    assert Message.objects.filter(staff=sam).count() == 1


def test_a_note_is_kept_for_staff_and_never_sent(desk: Client, sam: User) -> None:
    ticket = escalated()
    deliveries = Delivery.objects.count()
    desk.post(door(ticket, "note"), {"body": "Be <kind>."})
    note = Note.objects.get()
    assert (note.body, note.author, note.ticket) == ("Be <kind>.", sam, ticket)
    assert TicketEvent.objects.filter(ticket_id=ticket.pk, code="note_added", actor=f"staff:{sam.pk}").exists()
    assert Delivery.objects.count() == deliveries
    assert "Be &lt;kind&gt;." in desk.get(page_of(ticket)).content.decode()
    response = desk.post(door(ticket, "note"), {"body": "  "})
    assert "A note needs words." in said(response)


@pytest.mark.parametrize("name", DOORS)
def test_a_door_opens_only_by_post(desk: Client, name: str) -> None:
    ticket = escalated()
    assert desk.get(door(ticket, name)).status_code == 405
    assert fresh(ticket).status == Status.ESCALATED


def test_the_page_itself_takes_no_post(desk: Client) -> None:
    ticket = written()
    assert desk.post(page_of(ticket), {"status": "closed"}).status_code == 405
    assert fresh(ticket).status == Status.OPEN


@pytest.mark.parametrize("name", DOORS)
def test_a_door_needs_a_csrf_token(sam: User, name: str) -> None:
    ticket = escalated()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(sam)
    assert strict.post(door(ticket, name), {"body": "x"}).status_code == 403
    assert fresh(ticket).status == Status.ESCALATED


@pytest.mark.django_db
def test_editors_and_strangers_get_nothing() -> None:
    ticket = escalated()
    editor = Client()
    editor.force_login(make_staff("edda", "editor"))
    addresses = [LIST, page_of(ticket), *(door(ticket, name) for name in DOORS)]
    for address in addresses:
        answers = {editor.post(address, {"body": "x"}).status_code, editor.get(address).status_code}
        assert answers in ({403}, {403, 405})
        response = Client().post(address, {"body": "x"})
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/admin/login/")
    now = fresh(ticket)
    assert (now.status, now.handler_epoch) == (Status.ESCALATED, ticket.handler_epoch)


@pytest.mark.parametrize("pk", ["0", "999999", "9" * 30, "abc", "1_2F"])
def test_a_ticket_that_is_not_there_is_not_found(desk: Client, pk: str) -> None:
    assert desk.get(f"{LIST}{pk}/change/").status_code == 404
    if pk.isdecimal():
        assert desk.post(f"{LIST}{pk}/claim/").status_code == 404


# --- Attachments


@pytest.fixture
def attached(db: None) -> Attachment:
    """A file with a hostile name on Ann's ticket."""
    from channels_app.web_form.parsing import SubmitIn, submission
    from tests.factories import fields

    file = InboundFile(name='../"évil\r\n.html', content_type="text/html", content=b"<script>alert(1)</script>")
    receive(submission(SubmitIn(**fields()), key="with-file", files=(file,)))
    return Attachment.objects.get()


def file_url(attachment: Attachment, ticket_pk: int | None = None) -> str:
    ticket_pk = ticket_pk or attachment.message.ticket_id
    return reverse("admin:tickets_ticket_attachment", args=[ticket_pk, attachment.pk])


def test_an_attachment_is_a_download_that_no_browser_shows(desk: Client, attached: Attachment) -> None:
    assert file_url(attached) in desk.get(page_of(attached.message.ticket)).content.decode()
    response = desk.get(file_url(attached))
    assert response.content == b"<script>alert(1)</script>"
    assert response["Content-Type"] == "application/octet-stream"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    disposition = response["Content-Disposition"]
    assert disposition.startswith("attachment;")
    assert "%C3%A9vil" in disposition
    assert not {"/", "\r", "\n"} & set(disposition)
    assert "no-store" in response["Cache-Control"] or "no-cache" in response["Cache-Control"]


def test_an_attachment_opens_only_through_its_own_ticket_and_for_those_who_may(
    desk: Client, attached: Attachment
) -> None:
    other = written("Ben Okoro")
    assert desk.get(file_url(attached, other.pk)).status_code == 404
    assert desk.post(file_url(attached)).status_code == 405
    assert Client().get(file_url(attached)).status_code == 302
    editor = Client()
    editor.force_login(make_staff("edda", "editor"))
    assert editor.get(file_url(attached)).status_code == 403
    attached.file.delete(save=False)
    assert desk.get(file_url(attached)).status_code == 404
