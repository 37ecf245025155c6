"""The staff are told outside the desk: the right people, by every way, once."""

import hashlib
import hmac
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.core import mail
from django.db.models.functions import Now
from django.test import Client

from channels_app.duty import set_duty
from channels_app.models import StaffNotice
from channels_app.registry import SendError
from channels_app.staff_notify import claim, look_after, plan, tell
from fte_project.embedded import free_port
from fte_project.models import DeadLetter, OutboxEvent
from tests.concurrency import at_once, real_commits
from tests.factories import PRICES, make_staff, write
from tests.fakes.smtp import DROP, smtp
from tests.fakes.webhook import webhook
from tickets import escalations
from tickets.escalations import HandOver, escalate
from tickets.models import Escalation
from tickets.reasons import Reason, Urgency
from tickets.replies import reply

pytestmark = pytest.mark.django_db


def somebody(name: str, group: str) -> User:
    user = make_staff(name, group)
    user.email = f"{name}@desk.example"
    user.save()
    return user


@pytest.fixture
def ann(db: None) -> User:
    return somebody("agnes", "agent")


@pytest.fixture
def lea(db: None) -> User:
    return somebody("lea", "lead")


def an_escalation(urgency: Urgency = Urgency.NORMAL) -> Escalation:
    return escalate(write(**PRICES).ticket, HandOver(reason=Reason.PRICING_INQUIRY, urgency=urgency))


def tell_of(subject: Escalation | DeadLetter) -> None:
    kind = "escalation" if isinstance(subject, Escalation) else "dead_letter"
    async_to_sync(tell)((kind, subject.pk))


def told() -> list[str]:
    return sorted(to for message in mail.outbox for to in message.to)


def states() -> dict[str, str]:
    return {n.address or n.way: n.status for n in StaffNotice.objects.all()}


def make_due() -> None:
    StaffNotice.objects.update(due_at=Now())


# --- Who -----------------------------------------------------------------------------------------------------------


def test_agents_and_leads_on_duty_hear_of_an_escalation_once(ann: User, lea: User) -> None:
    somebody("ed", "editor")
    make_staff("nomail", "agent")
    escalation = an_escalation()
    for _ in range(3):
        tell_of(escalation)
    assert told() == ["agnes@desk.example", "lea@desk.example"]
    assert set(states().values()) == {"sent"}


def test_who_is_off_duty_is_not_told_unless_nobody_else_is_there(ann: User, lea: User) -> None:
    set_duty(ann, is_on_duty=False)
    tell_of(an_escalation())
    assert told() == ["lea@desk.example"]
    set_duty(lea, is_on_duty=False)
    mail.outbox.clear()
    tell_of(an_escalation())
    assert told() == ["lea@desk.example"], "somebody must hear of it: the leads"


def test_leads_hear_of_work_that_was_given_up(ann: User, lea: User) -> None:
    letter = DeadLetter.objects.create(kind="delivery", conversation_id=1, error="x" * 50, attempts=5)
    tell_of(letter)
    assert told() == ["lea@desk.example"]
    assert "delivering a reply" in mail.outbox[0].subject
    assert f"/admin/frame/deadletter/{letter.pk}/" in mail.outbox[0].body


def test_a_lost_mail_copy_and_the_second_of_many_bad_records_are_no_news(lea: User) -> None:
    copy = reply(write().ticket, body="The answer.").deliveries.get(channel="email")
    tell_of(DeadLetter.objects.create(kind="delivery", conversation_id=1, subject_id=copy.pk, error="x"))
    assert told() == []
    records = [DeadLetter.objects.create(kind="record", origin=f"topic/0/{n}", error="x") for n in range(3)]
    for record in records:
        tell_of(record)
        look_after()
    assert told() == ["lea@desk.example"]
    DeadLetter.objects.update(created_at=Now() - timedelta(minutes=61))
    StaffNotice.objects.update(created_at=Now() - timedelta(minutes=61))
    tell_of(records[1])
    assert told() == ["lea@desk.example"], "it has become old beside the one that was told"
    tell_of(DeadLetter.objects.create(kind="record", origin="topic/0/9", error="x"))
    assert told() == ["lea@desk.example"] * 2


def test_that_nobody_can_be_told_is_visible(db: None) -> None:
    make_staff("nomail", "agent")
    tell_of(an_escalation())
    notice = StaffNotice.objects.get()
    assert (notice.way, notice.status) == ("none", "failed")
    assert "e-mail address" in notice.error


# --- What ----------------------------------------------------------------------------------------------------------


def test_a_notice_says_which_ticket_and_why_and_no_word_of_the_customer(ann: User, settings: Any) -> None:
    escalation = an_escalation(Urgency.HIGH)
    tell_of(escalation)
    (message,) = mail.outbox
    ticket = escalation.ticket
    assert message.subject == f"{ticket.reference} needs a person: Prices (high)"
    assert f"{settings.PUBLIC_BASE_URL}/admin/tickets/ticket/{ticket.pk}/change/" in message.body
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"
    for words in (*PRICES.values(), "ann@example.com", "Ann Lee"):
        assert words not in message.subject + message.body


def test_the_webhook_gets_signed_json_that_chat_programs_show(settings: Any) -> None:
    escalation = an_escalation()
    with webhook() as hook:
        settings.STAFF_WEBHOOK_URL, settings.STAFF_WEBHOOK_SECRET = hook.url, "a secret"
        tell_of(escalation)
    ((headers, raw),) = hook.accepted
    body = json.loads(raw)
    assert (body["event"], body["ticket"], body["reason"]) == (
        "escalation",
        escalation.ticket.reference,
        "pricing_inquiry",
    )
    assert body["url"] in body["text"]
    assert headers["X-Signature-SHA256"] == hmac.new(b"a secret", raw, hashlib.sha256).hexdigest()
    assert headers["Idempotency-Key"] == f"notice-{body['id']}"
    assert states() == {"webhook": "sent"}


# --- Errors --------------------------------------------------------------------------------------------------------


def test_a_mail_server_that_is_away_is_tried_again(ann: User, settings: Any) -> None:
    escalation, port = an_escalation(), free_port()
    options = {"host": "127.0.0.1", "port": port}
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}}
    tell_of(escalation)
    notice = StaffNotice.objects.get()
    assert (notice.status, notice.lease_token) == ("queued", None)
    assert "cannot be reached" in notice.error
    assert not StaffNotice.objects.due().exists(), "not at once"
    make_due()
    with smtp(port=port) as server:
        tell_of(escalation)
    assert len(server.accepted) == 1
    assert states() == {"agnes@desk.example": "sent"}


def test_a_send_that_broke_off_is_not_repeated(ann: User, settings: Any) -> None:
    escalation = an_escalation()
    with smtp(message=DROP) as server, webhook("drop") as hook:
        settings.MAILERS, settings.STAFF_WEBHOOK_URL = server.mailers, hook.url
        tell_of(escalation)
        make_due()
        tell_of(escalation)
    assert (len(server.accepted), len(hook.accepted)) == (1, 1)
    assert set(states().values()) == {"unknown"}


def test_a_webhook_that_nobody_vouches_for_is_told_nothing_and_tried_again(settings: Any, tmp_path: Path) -> None:
    with webhook(certificates=tmp_path) as hook:
        settings.STAFF_WEBHOOK_URL = hook.url
        tell_of(an_escalation())
    assert states() == {"webhook": "queued"}
    assert "CERTIFICATE_VERIFY_FAILED" in StaffNotice.objects.get().error
    assert hook.asked == []


@pytest.mark.parametrize("url", ["http://[broken/hook", "http:///hook", "hook.example"])
def test_a_webhook_address_that_is_none_leaves_no_doubt(url: str, settings: Any) -> None:
    settings.STAFF_WEBHOOK_URL = url
    tell_of(an_escalation())
    assert states() == {"webhook": "queued"}, StaffNotice.objects.get().error


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("404", "failed"),
        ("301", "failed"),
        ("429", "queued"),
        ("503", "queued"),
        ("500", "unknown"),
        ("502", "unknown"),
    ],
)
def test_what_the_webhook_answers_decides_what_is_done(answer: str, expected: str, settings: Any) -> None:
    with webhook(answer) as hook:
        settings.STAFF_WEBHOOK_URL = hook.url
        tell_of(an_escalation())
    assert states() == {"webhook": expected}
    assert len(hook.asked) == 1, "no redirect is followed"


def test_a_webhook_that_does_not_listen_is_tried_again(settings: Any) -> None:
    settings.STAFF_WEBHOOK_URL = f"http://127.0.0.1:{free_port()}/hook"
    tell_of(an_escalation())
    assert states() == {"webhook": "queued"}


def test_one_way_that_fails_does_not_stop_the_other(ann: User, settings: Any) -> None:
    settings.STAFF_WEBHOOK_URL = f"http://127.0.0.1:{free_port()}/hook"
    tell_of(an_escalation())
    assert states() == {"agnes@desk.example": "sent", "webhook": "queued"}


# --- Meanwhile -----------------------------------------------------------------------------------------------------


def test_what_was_claimed_meanwhile_is_no_news(ann: User) -> None:
    escalation = an_escalation()
    plan("escalation", escalation.pk)
    escalations.claim(escalation.ticket, ann)
    tell_of(escalation)
    assert states() == {"agnes@desk.example": "skipped"}
    assert mail.outbox == []


def test_a_notice_that_somebody_else_has_settled_meanwhile_is_left_to_them(
    ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    escalation = an_escalation()

    def slow(*_: object) -> None:
        StaffNotice.objects.update(status="unknown", lease_token=None)
        raise SendError("too late")

    monkeypatch.setattr("channels_app.staff_notify.send", slow)
    tell_of(escalation)
    assert states() == {"agnes@desk.example": "unknown"}
    assert StaffNotice.objects.get().error == ""


def test_what_was_cut_off_in_the_middle_of_a_send_is_not_sent_again(ann: User) -> None:
    escalation = an_escalation()
    plan("escalation", escalation.pk)
    StaffNotice.objects.update(
        status="sending", lease_token="11111111-1111-1111-1111-111111111111", lease_expires_at=Now() - timedelta(1)
    )
    look_after()
    tell_of(escalation)
    assert states() == {"agnes@desk.example": "unknown"}
    assert mail.outbox == []


@real_commits
def test_two_at_once_tell_once(lea: User) -> None:
    escalation = an_escalation()
    at_once(4, lambda _: plan("escalation", escalation.pk))
    notice = StaffNotice.objects.get()
    taken = at_once(4, lambda _: claim(notice.pk))
    assert sum(1 for one in taken if isinstance(one, StaffNotice)) == 1
    assert not any(isinstance(one, Exception) for one in taken)


# --- Time ----------------------------------------------------------------------------------------------------------


def opened_ago(escalation: Escalation, **ago: int) -> None:
    Escalation.objects.filter(pk=escalation.pk).update(opened_at=Now() - timedelta(**ago))


def test_leads_are_told_again_of_what_nobody_has_claimed(ann: User, lea: User) -> None:
    escalation = an_escalation()
    tell_of(escalation)
    opened_ago(escalation, minutes=29)
    look_after()
    tell_of(escalation)
    assert len(mail.outbox) == 2
    opened_ago(escalation, minutes=31)
    for _ in range(3):
        look_after()
        tell_of(escalation)
    assert [m.to for m in mail.outbox[2:]] == [["lea@desk.example"]]
    assert "still waits for a person" in mail.outbox[2].subject


def test_of_a_claimed_one_leads_are_not_told_again(ann: User, lea: User) -> None:
    escalation = an_escalation()
    tell_of(escalation)
    escalations.claim(escalation.ticket, ann)
    opened_ago(escalation, minutes=31)
    look_after()
    assert StaffNotice.objects.count() == 2


def test_what_no_event_told_of_is_found_and_rung(ann: User, lea: User) -> None:
    escalation = an_escalation()
    letter = DeadLetter.objects.create(kind="delivery", conversation_id=1, error="x")
    OutboxEvent.objects.all().delete()  # the broker lost them
    look_after()
    assert not StaffNotice.objects.exists(), "their events are on their way still"
    opened_ago(escalation, seconds=11)
    DeadLetter.objects.update(created_at=Now() - timedelta(seconds=11))
    look_after()
    look_after()
    rung = OutboxEvent.objects.values_list("payload", flat=True)
    assert sorted((e["kind"], e.get("escalation_id") or e.get("dead_letter_id")) for e in rung) == [
        ("dead_lettered", letter.pk),
        ("escalation_opened", escalation.pk),
    ]


def test_while_nothing_can_be_published_nothing_more_is_rung(ann: User) -> None:
    escalation = an_escalation()
    OutboxEvent.objects.update(created_at=Now() - timedelta(seconds=60))
    before = OutboxEvent.objects.count()
    opened_ago(escalation, seconds=11)
    look_after()
    assert OutboxEvent.objects.count() == before


def test_what_is_days_old_is_no_news(ann: User) -> None:
    escalation = an_escalation()
    opened_ago(escalation, days=3)
    look_after()
    tell_of(escalation)  # a group that begins anew hears every old event
    assert not StaffNotice.objects.exists()


def test_a_notice_of_what_was_erased_is_no_longer_due(ann: User) -> None:
    escalation = an_escalation()
    plan("escalation", escalation.pk)
    Escalation.objects.all().delete()
    look_after()
    assert states() == {"agnes@desk.example": "skipped"}


# --- Duty ----------------------------------------------------------------------------------------------------------


def press(user: User, whose: User, duty: str) -> int:
    browser = Client()
    browser.force_login(user)
    return browser.post(f"/admin/channels_app/staffduty/{whose.pk}/", {"duty": duty}).status_code


def test_everybody_decides_for_themselves_and_leads_for_all(ann: User, lea: User) -> None:
    assert press(ann, ann, "off") == 302
    assert press(ann, lea, "off") == 403
    ann.refresh_from_db()
    assert not ann.duty.is_on_duty  # type: ignore[attr-defined]
    assert press(lea, ann, "on") == 302
    ann.refresh_from_db()
    assert ann.duty.is_on_duty  # type: ignore[attr-defined]


def test_the_team_is_shown_with_who_is_on_duty(ann: User, lea: User) -> None:
    somebody("ed", "editor")
    set_duty(lea, is_on_duty=False)
    browser = Client()
    browser.force_login(ann)
    page = browser.get("/admin/channels_app/staffduty/").content.decode()
    list_of_people = page[page.index("desk-duty") :]
    words = ["agnes@desk.example", "on duty</span>", "lea@desk.example", "off duty</span>"]
    assert [list_of_people.index(word) for word in words] == sorted(list_of_people.index(word) for word in words)
    assert "ed@desk.example" not in page
    assert "Go on duty" not in page, "an agent changes only their own"


def test_editors_have_nothing_to_do_with_duty(ann: User) -> None:
    editor = somebody("ed", "editor")
    browser = Client()
    browser.force_login(editor)
    assert browser.get("/admin/channels_app/staffduty/").status_code == 403
    assert press(editor, ann, "off") == 403
    assert press(editor, editor, "off") == 404
