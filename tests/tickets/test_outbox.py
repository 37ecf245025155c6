"""From the outbox to Kafka, and the sweeper that rings for what was not heard."""

import asyncio
import statistics
import time
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from fte_project.events import DeliveryQueued, Event, MessageReceived, parse, publish
from fte_project.kafka import Record, consume
from fte_project.models import OutboxEvent
from tests.concurrency import at_once, real_commits
from tests.factories import write
from tickets import escalations, outbox, work
from tickets.models import Conversation, Delivery
from tickets.replies import reply


def event(number: int = 1) -> Event:
    return MessageReceived(conversation_id=number, channel="web_form", message_id=number)


def waiting_ids() -> list[int]:
    return list(OutboxEvent.objects.all().waiting().order_by("id").values_list("payload__conversation_id", flat=True))


@pytest.mark.django_db
def test_an_event_of_a_rolled_back_transaction_never_was() -> None:
    def fails() -> None:
        with transaction.atomic():
            publish(event())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert waiting_ids() == []


@pytest.mark.django_db
def test_events_are_taken_once_and_oldest_first() -> None:
    for n in range(5):
        publish(event(n))
    assert [e.payload["conversation_id"] for e in outbox.take_events()] == [0, 1, 2, 3, 4]
    assert outbox.take_events() == []


@pytest.mark.django_db
def test_a_relay_takes_a_limited_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "BATCH", 2)
    for n in range(5):
        publish(event(n))
    assert [len(outbox.take_events()) for _ in range(4)] == [2, 2, 1, 0]


@real_commits
def test_b15_relays_at_once_never_take_the_same_event() -> None:
    for n in range(300):
        publish(event(n))
    results = at_once(4, lambda _: [e.pk for e in outbox.take_events()])
    taken = [pk for batch in results for pk in batch]
    assert len(taken) == len(set(taken))
    rest = [e.pk for e in outbox.take_events()]
    assert sorted(taken + rest) == list(OutboxEvent.objects.order_by("id").values_list("pk", flat=True))


@pytest.mark.django_db
def test_a_relay_that_died_loses_its_claim_after_a_while() -> None:
    publish(event(7))
    (taken,) = outbox.take_events()
    assert waiting_ids() == []
    OutboxEvent.objects.update(claimed_until=Now() - timedelta(milliseconds=1))
    assert waiting_ids() == [7]
    assert outbox.take_events() == [taken]


@pytest.mark.django_db
def test_what_could_not_be_published_waits_again_and_what_was_does_not() -> None:
    publish(event(1))
    publish(event(2))
    one, two = outbox.take_events()
    outbox.mark_published([one])
    outbox.put_back([one, two])
    assert waiting_ids() == [2]


@pytest.mark.django_db
def test_b15_published_events_are_forgotten_after_an_hour_and_waiting_ones_never() -> None:
    for n in range(4):
        publish(event(n))
    rows = OutboxEvent.objects.filter
    rows(payload__conversation_id=0).update(published_at=Now() - timedelta(minutes=61))
    rows(payload__conversation_id=1).update(published_at=Now() - timedelta(minutes=59))
    rows(payload__conversation_id__gte=2).update(created_at=Now() - timedelta(days=9))
    outbox.prune_outbox()
    left = OutboxEvent.objects.order_by("id").values_list("payload__conversation_id", flat=True)
    assert list(left) == [1, 2, 3]


# --- A hundred thousand old rows ---------------------------------------------------------------------------------

OLD_ROWS = 100_000
OLD = """
INSERT INTO frame_outboxevent (event_id, topic, key, payload, created_at, published_at)
SELECT gen_random_uuid(), 'old', '1', '{}', now() - interval '3 hours', now() - interval '2 hours'
FROM generate_series(1, %s)
"""


def add_old_rows() -> None:
    with connection.cursor() as cursor:
        cursor.execute(OLD, [OLD_ROWS])
        cursor.execute("ANALYZE frame_outboxevent")


def wait_again() -> None:
    OutboxEvent.objects.filter(published_at=None).update(claimed_until=None)


def taking_ms() -> float:
    """The median of twenty relays that take the same fifty events."""
    spans = []
    for _ in range(20):
        wait_again()
        began = time.perf_counter()
        assert len(outbox.take_events()) == 50
        spans.append((time.perf_counter() - began) * 1000)
    return statistics.median(spans)


def pages_read_by_a_relay() -> int:
    """How many pages of the table and its indexes the statement that claims events looks at."""
    wait_again()
    with CaptureQueriesContext(connection) as said:
        outbox.take_events()
    (claim,) = [q["sql"] for q in said if "SKIP LOCKED" in q["sql"]]
    wait_again()
    return pages_read(claim, rows=50)


def pages_read(statement: str, *, rows: int) -> int:
    """How many pages of tables and indexes the statement looks at to give so many rows."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}")
        plan = cursor.fetchone()[0][0]["Plan"]
    assert plan["Actual Rows"] == rows
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


@real_commits
def test_b15_a_relay_takes_events_as_fast_beside_a_hundred_thousand_published_ones() -> None:
    for n in range(50):
        publish(event(n))
    before_ms = taking_ms()
    add_old_rows()
    after_ms = taking_ms()
    pages = pages_read_by_a_relay()
    print(f"taking 50 events: {before_ms:.1f} ms, beside {OLD_ROWS} old ones {after_ms:.1f} ms, {pages} pages")
    assert after_ms < 3 * before_ms
    assert pages < 300, "the whole table has more than a thousand: an index leads past what is published"


@real_commits
def test_b15_a_hundred_thousand_published_events_are_forgotten_in_batches() -> None:
    for n in range(50):
        publish(event(n))
    add_old_rows()
    with CaptureQueriesContext(connection) as said:
        outbox.prune_outbox()
    deletes = [float(q["time"]) for q in said if q["sql"].startswith("DELETE")]
    assert len(deletes) > OLD_ROWS / outbox.PRUNE_BATCH
    assert max(deletes) < 3, "a tenth of the statement timeout"
    assert len(waiting_ids()) == OutboxEvent.objects.count() == 50


# --- The sweeper -----------------------------------------------------------------------------------------------


def silence(seconds: int = 60) -> None:
    """The rings so far are long past, and the outbox is empty."""
    Conversation.objects.update(rung_at=Now() - timedelta(seconds=seconds))
    Delivery.objects.update(rung_at=Now() - timedelta(seconds=seconds))
    OutboxEvent.objects.all().delete()


@pytest.mark.django_db
def test_due_work_is_rung_again_once_per_ten_seconds() -> None:
    ticket = write().ticket
    OutboxEvent.objects.all().delete()
    assert outbox.ring_due_work() == 0, "its message has just rung"
    silence(11)
    assert outbox.ring_due_work() == 1
    assert outbox.ring_due_work() == 0
    rung = OutboxEvent.objects.get()
    assert (rung.topic, rung.key) == ("fte.channels.web_form.inbound", str(ticket.conversation_id))
    silence(9)
    assert outbox.ring_due_work() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["held", "later", "staff's", "answered"])
def test_there_is_no_ring_for_work_that_nobody_can_begin(state: str, sam: User) -> None:
    ticket = write().ticket
    match state:
        case "held":
            assert work.claim(ticket.conversation_id)
        case "later":
            Conversation.objects.update(work_due_at=Now() + timedelta(seconds=30))
        case "staff's":
            escalations.claim(ticket, sam)
        case "answered":
            claimed = work.claim(ticket.conversation_id)
            assert claimed
            read = list(ticket.messages.values_list("pk", flat=True))
            work.finish(claimed, read, lambda t: None)
    silence()
    assert outbox.ring_due_work() == 0


@pytest.mark.django_db
def test_a4_while_nothing_can_be_published_nothing_more_is_rung() -> None:
    write()
    silence()
    publish(event())
    OutboxEvent.objects.update(created_at=Now() - timedelta(seconds=11))
    for _ in range(3):
        assert outbox.ring_due_work() == 0
    assert OutboxEvent.objects.count() == 1, "an outage of hours costs no rows"
    OutboxEvent.objects.update(published_at=Now())
    assert outbox.ring_due_work() == 1


@pytest.mark.django_db
def test_work_whose_worker_died_is_rung_when_its_lease_has_run_out() -> None:
    ticket = write().ticket
    assert work.claim(ticket.conversation_id)
    silence()
    Conversation.objects.update(lease_expires_at=Now() - timedelta(milliseconds=1))
    assert outbox.ring_due_work() == 1


@real_commits
def test_sweepers_at_once_ring_once() -> None:
    write()
    silence()
    assert sum(at_once(4, lambda _: outbox.ring_due_work())) == 1
    assert OutboxEvent.objects.count() == 1


@pytest.mark.django_db
def test_queued_deliveries_are_rung_first_ones_first_and_abandoned_ones_too() -> None:
    ticket = write().ticket
    first, second = (
        reply(ticket, body=text).deliveries.get(channel="email") for text in ("The first answer.", "The second.")
    )
    Conversation.objects.update(work_due_at=None)
    silence()
    assert outbox.ring_due_work() == 1
    assert parse(str(OutboxEvent.objects.get().payload).replace("'", '"').encode()) == DeliveryQueued(
        conversation_id=ticket.conversation_id, channel="email", delivery_id=first.pk
    )
    Delivery.objects.filter(pk=first.pk).update(status="sending", lease_expires_at=Now() - timedelta(seconds=1))
    silence()
    assert outbox.ring_due_work() == 1
    assert OutboxEvent.objects.get().payload["delivery_id"] == first.pk
    Delivery.objects.filter(pk=first.pk).update(status="unknown")
    silence()
    outbox.ring_due_work()
    assert OutboxEvent.objects.get().payload["delivery_id"] == second.pk


MANY = 30_000
PARTS = """
INSERT INTO tickets_delivery (reply_id, channel, part, address, status, external_id, error, attempts)
SELECT %s, 'email', n, 'ann@example.com', 'sent', '', '', 1 FROM generate_series(2, %s) AS n
"""


@pytest.mark.django_db
def test_a_sweep_does_not_read_what_is_settled() -> None:
    sent = reply(write().ticket, body="The answer.").deliveries.get(channel="email")
    with connection.cursor() as cursor:
        cursor.execute(PARTS, [sent.reply_id, MANY])
        cursor.execute("ANALYZE tickets_delivery")
    silence()
    with CaptureQueriesContext(connection) as said:
        assert outbox.ring_due_work() == 2
    (sweep,) = [q["sql"] for q in said if "SKIP LOCKED" in q["sql"] and 'FROM "tickets_delivery"' in q["sql"]]
    silence()
    assert pages_read(sweep, rows=1) < 100, "the table has some hundreds"


# --- On a real broker ------------------------------------------------------------------------------------------


async def heard(topic: str, key_count: int) -> list[Event]:
    """The first events on `topic`, in order."""
    found: list[Event] = []
    enough = asyncio.Event()

    async def handle(record: Record) -> None:
        found.append(parse(record.value))
        if len(found) >= key_count:
            enough.set()

    async def nothing_is_overdue() -> bool:
        return False

    reading = asyncio.create_task(consume("test.outbox", [topic], handle, nothing_is_overdue))
    try:
        await asyncio.wait_for(enough.wait(), 30)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    return found


@real_commits
def test_the_relay_role_takes_what_is_stored_to_kafka_in_order(settings: Any) -> None:
    settings.KAFKA_TOPIC_PREFIX = "outbox-test."
    for n in range(20):
        publish(MessageReceived(conversation_id=4242, channel="web_form", message_id=n))

    async def flow() -> list[Event]:
        stop = asyncio.Event()
        role = asyncio.create_task(outbox.relay(stop))
        try:
            return await heard("outbox-test.fte.channels.web_form.inbound", 20)
        finally:
            stop.set()
            await role

    events = async_to_sync(flow)()
    assert [e.message_id for e in events if isinstance(e, MessageReceived)] == list(range(20))
    assert not OutboxEvent.objects.filter(published_at=None).exists()


@real_commits
def test_a_relay_that_always_has_more_to_publish_sweeps_and_stops(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.KAFKA_TOPIC_PREFIX = "outbox-flood."
    monkeypatch.setattr(outbox, "BATCH", 1)
    monkeypatch.setattr(outbox, "SWEEP_SECONDS", 0.05)
    take, stop = outbox.take_events, asyncio.Event()

    def never_ends() -> list[OutboxEvent]:
        publish(event())
        return take()

    def swept() -> int:
        loop.call_soon_threadsafe(stop.set)
        return 0

    async def test() -> None:
        nonlocal loop
        loop = asyncio.get_running_loop()
        await asyncio.wait_for(outbox.relay(stop), 30)

    loop: Any = None
    monkeypatch.setattr(outbox, "take_events", never_ends)
    monkeypatch.setattr(outbox, "ring_due_work", swept)
    async_to_sync(test)()
