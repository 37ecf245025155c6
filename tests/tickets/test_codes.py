"""One-time codes: what they prove, how often they can be tried, and where they never appear."""

import logging
import re
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail as outbox
from django.db import connection
from django.db.models.functions import Now

from agent_runner.history import earlier_messages
from channels_app.delivery import record_error
from channels_app.registry import SendError
from channels_app.web_form.sender import send_copy
from customers.models import Customer, Identifier
from fte_project.events import Channel
from fte_project.limits import TooMany
from fte_project.models import DeadLetter, OutboxEvent
from tests.concurrency import at_once, real_commits
from tests.customers.people import knows, mail, owner, the_proposal, whatsapp
from tests.factories import fresh, make_staff, write
from tickets.codes import CodeRefused, Proven, digits_of, enter_code, masked, send_code
from tickets.merging import NotMergeable, accept, unmerge
from tickets.models import AddressCode, Conversation, CustomerMerge, Delivery, Message, Ticket, TicketEvent, Trust
from tickets.replies import reply

pytestmark = pytest.mark.django_db


def ask(ticket: Ticket, address: str = "") -> str:
    """Ask for a code; what stands in the mail."""
    return digits_of(send_code(fresh(ticket), address, network="192.0.2.1"))


def wrong(right: str, by: int = 1) -> str:
    return f"{(int(right) + by) % 10**6:06}"


def trust(ticket: Ticket) -> str:
    return Conversation.objects.get(pk=ticket.conversation_id).trust


def verified(**changes: str) -> Ticket:
    """A request whose own address is proven."""
    ticket = write(**changes).ticket
    enter_code(ticket, ask(ticket))
    return fresh(ticket)


# --- What a code proves ----------------------------------------------------------------------------------------------


def test_e1_after_the_code_the_conversation_knows_what_was_written_from_that_address() -> None:
    told = mail("ann@example.com", text="My secret is 4711.").send()
    ticket = write().ticket
    right = ask(ticket)
    assert not knows(ticket, told)
    assert enter_code(fresh(ticket), f" {right[:3]} {right[3:]} ") == Proven(is_own=True, address="a***@example.com")
    assert trust(ticket) == Trust.CODE_VERIFIED
    assert knows(ticket, told)
    assert Identifier.objects.get().verified_at is not None


def test_e2_another_address_is_linked_only_by_the_code_that_was_sent_there() -> None:
    ticket = verified()
    told = mail("ann@work.example", text="My secret is 4711.").send()
    assert owner(told) != owner(ticket)
    right = ask(ticket, "Ann@Work.example")
    with pytest.raises(CodeRefused, match="try twice more"):
        enter_code(ticket, wrong(right))
    assert owner(told) != owner(ticket)
    assert not knows(ticket, told)
    assert enter_code(ticket, right) == Proven(is_own=False, address="a***@work.example")
    assert owner(told) == owner(ticket)
    assert knows(ticket, told)
    merge = CustomerMerge.objects.get()
    assert (merge.why, merge.by, merge.conversation_id) == ("code", None, ticket.conversation_id)


def test_an_address_that_was_nobodys_is_added_and_goes_back_with_its_conversation() -> None:
    sam = make_staff("sam", "agent")
    ticket = verified()
    ben = verified(email="ben@example.com", name="Ben Okoro")
    enter_code(ben, ask(ben, "ann@example.com"))  # Ben reads Ann's mailbox
    enter_code(ben, ask(ben, "ben@work.example"))
    assert Identifier.objects.get(value="ben@work.example").customer_id == owner(ticket) == owner(ben)
    assert Identifier.objects.get(value="ben@work.example").raw == "ben@work.example"
    unmerge(CustomerMerge.objects.get(), by=sam)
    found = {i.value: i.customer_id for i in Identifier.objects.all()}
    assert found["ben@example.com"] == found["ben@work.example"] == owner(ben) != found["ann@example.com"]


def test_a_merge_is_not_undone_below_one_that_its_own_conversation_has_proven() -> None:
    sam = make_staff("sam", "agent")
    whatsapp("+4915112345678", "Ann", "My e-mail is ann@example.com.").send()
    ann = verified()
    mail("ann@work.example").send()
    by_staff = accept(the_proposal(), sam)
    assert by_staff.conversation_ids == [ann.conversation_id]
    enter_code(ann, ask(ann, "ann@work.example"))
    with pytest.raises(NotMergeable, match="Undo the merge with Ann Lee first"):
        unmerge(by_staff, by=sam)
    unmerge(CustomerMerge.objects.get(why="code"), by=sam)
    unmerge(by_staff, by=sam)
    assert not Customer.objects.exclude(merged_into=None).exists()
    assert {i.customer_id for i in Identifier.objects.all()} == set(Customer.objects.values_list("pk", flat=True))


def test_e1_a_claimed_conversation_cannot_link_an_address_of_its_writer() -> None:
    """Whoever types the victim's address must not get their own mailbox tied to the victim."""
    told = mail("ann@example.com", text="My secret is 4711.").send()
    claimed, evil = write().ticket, mail("eve@evil.example").send()
    with pytest.raises(CodeRefused, match="confirm the address of this request first"):
        ask(claimed, "eve@evil.example")
    assert owner(evil) != owner(told)
    assert not AddressCode.objects.exists()


def test_a_code_for_another_address_means_nothing_once_the_conversation_is_only_claimed() -> None:
    ticket = verified()
    right = ask(ticket, "ann@work.example")
    Conversation.objects.update(trust=Trust.CLAIMED)
    with pytest.raises(CodeRefused, match="first"):
        enter_code(ticket, right)
    assert Identifier.objects.count() == 1


# --- Tries, time, limits ---------------------------------------------------------------------------------------------


def test_e2_three_wrong_codes_end_it_and_then_the_right_one_is_worth_nothing() -> None:
    ticket = write().ticket
    right = ask(ticket)
    for by, said in ((1, "try twice more"), (2, "try once more"), (3, "used up now")):
        with pytest.raises(CodeRefused, match=said):
            enter_code(ticket, wrong(right, by))
    for entered in (right, wrong(right, 4)):
        with pytest.raises(CodeRefused, match="used up"):
            enter_code(ticket, entered)
    assert AddressCode.objects.get().tries == 3
    assert trust(ticket) == Trust.CLAIMED
    enter_code(ticket, ask(ticket))
    assert trust(ticket) == Trust.CODE_VERIFIED


def test_a_code_ends_after_ten_minutes_by_the_clock_of_the_database() -> None:
    ticket = write().ticket
    right = ask(ticket)
    AddressCode.objects.update(expires_at=Now() - timedelta(seconds=1))
    with pytest.raises(CodeRefused, match="expired"):
        enter_code(ticket, right)
    code = send_code(fresh(ticket), network="192.0.2.1")
    code.refresh_from_db()
    assert code.expires_at - code.created_at == timedelta(minutes=10)


def test_a_new_code_ends_the_one_before_and_a_used_one_is_used() -> None:
    ticket = write().ticket
    first, second = ask(ticket), ask(ticket)
    if first != second:
        with pytest.raises(CodeRefused, match="not right"):
            enter_code(ticket, first)
    enter_code(ticket, second)
    with pytest.raises(CodeRefused, match="used already"):
        enter_code(ticket, second)


def test_a_code_that_another_one_has_replaced_is_not_sent_any_more() -> None:
    ticket = write().ticket
    ask(ticket)
    ask(ticket)
    first, second = Delivery.objects.filter(reply__kind="code").order_by("pk")
    with pytest.raises(SendError, match="ended"):
        send_copy(first, lambda: None)
    send_copy(second, lambda: None)


def test_a_code_belongs_to_its_conversation() -> None:
    mine, other = write().ticket, write(email="ben@example.com").ticket
    right = ask(other)
    with pytest.raises(CodeRefused, match="No code was sent yet"):
        enter_code(mine, right)
    assert trust(mine) == trust(other) == Trust.CLAIMED


@pytest.mark.parametrize("entered", ["", "12345", "1234567", "abcdef", "12 34", "½23456", "x" * 200])
def test_what_is_no_code_costs_no_try(entered: str) -> None:
    ticket = write().ticket
    ask(ticket)
    with pytest.raises(CodeRefused, match="has 6 digits"):
        enter_code(ticket, entered)
    assert AddressCode.objects.get().tries == 0


def test_digits_of_another_script_are_digits() -> None:
    ticket = write().ticket
    right = ask(ticket)
    enter_code(ticket, "".join(chr(ord("٠") + int(c)) for c in right))
    assert trust(ticket) == Trust.CODE_VERIFIED


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("ann", "not a valid e-mail"),
        ("a@b", "not a valid e-mail"),
        ("+49 151 12345678", "WhatsApp are not possible yet"),
        ("support@example.com", "our own address"),
        ("Ann@Example.com", "confirmed already"),
    ],
)
def test_where_no_code_can_go_is_said(address: str, said: str) -> None:
    ticket = verified()
    with pytest.raises(CodeRefused, match=said):
        ask(ticket, address)


def test_codes_are_limited_per_address_over_all_requests_and_per_request() -> None:
    for number in range(6):
        ask(write(email="ann@gmail.com", key=f"k{number}").ticket)
    with pytest.raises(TooMany, match="Too many codes were asked for"):
        ask(write(email="a.n.n+7@googlemail.com").ticket)
    ticket = verified(email="ben@example.com")
    for number in range(4):  # and one for its own address
        ask(ticket, f"ben{number}@example.com")
    with pytest.raises(TooMany) as refused:
        ask(ticket, "ben9@example.com")
    assert refused.value.kind == "code_ticket"


def test_nothing_tells_whether_an_address_is_known_here() -> None:
    ticket = verified()
    mail("known@example.com").send()
    with_queries = []
    for address in ("known@example.com", "never@example.com"):
        code = send_code(ticket, address, network="192.0.2.1")
        with_queries.append(Message.objects.get(pk=code.message_id).body.replace(masked(address), "…"))
        assert Delivery.objects.filter(reply=code.message_id, channel=Channel.EMAIL, address=address).count() == 1
    assert with_queries[0] == with_queries[1]


def test_codes_are_spread_over_all_six_digits() -> None:
    made = Counter(digits_of(AddressCode(pk=n, salt=f"s{n}", value="ann@example.com"))[0] for n in range(5000))
    assert set(made) == set("0123456789")
    assert max(made.values()) < 2 * min(made.values())


@real_commits
def test_e2_guesses_at_once_get_three_tries_and_no_more() -> None:
    ticket = write().ticket
    right = ask(ticket)
    results = at_once(12, lambda n: enter_code(fresh(ticket), wrong(right, n + 1)))
    assert all(isinstance(r, CodeRefused) for r in results), results
    assert AddressCode.objects.get().tries == 3
    assert TicketEvent.objects.filter(code="code_used_up").count() == 1


@real_commits
def test_a_right_code_entered_twice_at_once_merges_once() -> None:
    ticket, told = verified(), mail("ann@work.example").send()
    right = ask(ticket, "ann@work.example")
    results = at_once(6, lambda _: enter_code(fresh(ticket), right))
    assert sum(isinstance(r, Proven) for r in results) == 1, results
    assert CustomerMerge.objects.count() == 1
    assert owner(told) == owner(ticket)


# --- On its way, and where it never appears ---------------------------------------------------------------------------


def sent_by(ticket: Ticket) -> Any:
    delivery = Delivery.objects.filter(reply__ticket=ticket, reply__kind="code").latest("pk")
    send_copy(delivery, lambda: None)
    return outbox.outbox[-1]


SPAM = "Cheap watches at www.evil.example"


def test_the_mail_has_the_code_and_neither_a_link_nor_the_customers_words() -> None:
    ticket = verified(subject=SPAM, message=f"{SPAM} for everybody")
    right = ask(ticket, "ben@example.com")
    copy = sent_by(ticket)
    assert copy.to == ["ben@example.com"]
    assert right in copy.body
    assert "give the code to nobody" in copy.body
    assert not re.search(r"https?://|watches|evil", f"{copy.subject} {copy.body}")
    assert copy.subject == f"[{ticket.reference}] Confirm your address for Tidewater"


def test_a_code_appears_in_no_row_no_log_and_no_event(caplog: pytest.LogCaptureFixture, capsys: Any) -> None:
    caplog.set_level(logging.DEBUG)
    ticket = write().ticket
    right = ask(ticket)
    with pytest.raises(CodeRefused):
        enter_code(ticket, wrong(right))
    enter_code(ticket, right)
    sent = sent_rows()
    assert sent > 50
    assert OutboxEvent.objects.exists()
    printed = capsys.readouterr()
    said = f"{caplog.text} {printed.out} {printed.err}"
    assert not re.search(rf"(?<![\w.]){right}(?!\w)", said)


def sent_rows() -> int:
    """Looks for the newest code in every text of every table; how many rows there were."""
    code = AddressCode.objects.latest("pk")
    pattern = re.compile(rf"(?<![\w.]){digits_of(code)}(?!\w)")
    rows = 0
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT t::text FROM "{table}" AS t')
            for (row,) in cursor.fetchall():
                rows += 1
                assert not pattern.search(row), table
    return rows


def test_a_code_that_has_ended_is_not_sent_and_troubles_nobody() -> None:
    ticket = write().ticket
    ask(ticket)
    AddressCode.objects.update(expires_at=Now() - timedelta(seconds=1))
    delivery = Delivery.objects.get(reply__kind="code")
    with pytest.raises(SendError) as refused:
        send_copy(delivery, lambda: None)
    assert refused.value.permanent
    assert refused.value.refused
    token = Delivery.objects.all().due().take(delivery.pk)
    delivery.refresh_from_db()
    assert delivery.lease_token == token
    record_error(delivery, refused.value)
    delivery.refresh_from_db()
    assert delivery.status == Delivery.Status.FAILED
    assert not DeadLetter.objects.exists()
    assert not ticket.escalations.exists()
    assert not Delivery.objects.all().for_people().exists()


def test_asking_for_a_code_answers_nothing_and_stays_out_of_what_the_assistant_reads() -> None:
    ticket = write().ticket
    ask(ticket)
    assert Message.objects.filter(answered_by=None, direction="inbound").count() == 1
    assert [m.kind for m in earlier_messages(ticket.conversation_id, before=2**60)] == ["message"]
    assert fresh(ticket).status == "open"


def test_who_writes_by_mail_and_is_not_vouched_for_can_prove_it_too() -> None:
    ticket = mail("ann@example.com", results="none").send()
    assert trust(ticket) == Trust.CLAIMED
    enter_code(ticket, ask(ticket))
    assert trust(ticket) == Trust.CODE_VERIFIED
    assert not Message.objects.all().automatic_lately().exists(), "a code is no automatic answer"


def test_a_code_goes_out_whoever_answers_the_request_meanwhile() -> None:
    """A person's answer holds back what the assistant wrote; the customer still waits for the code."""
    ticket = mail("ann@example.com", results="").send()
    send_code(fresh(ticket), network="192.0.2.1")
    reply(fresh(ticket), body="We have mended it.", staff=make_staff("sara", "agent"))
    assert Delivery.objects.filter(reply__kind=Message.Kind.CODE, status=Delivery.Status.QUEUED).count() == 1
