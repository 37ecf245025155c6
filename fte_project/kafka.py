"""The only file that speaks Kafka. At-least-once with manual commits; PostgreSQL makes it exactly once in effect."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code
from django.conf import settings

from fte_project.events import all_topics

log = structlog.get_logger()

# What a broker that is away, restarting or confused looks like from here.
BROKER_ERRORS = (KafkaError, OSError, TimeoutError)
SEND_SECONDS = 4.0
ANSWER_SECONDS = 4.0
PROBE_SECONDS = 2.0
JOIN_SECONDS = 30.0
LOOK_SECONDS = 5.0


class ConsumerStuck(RuntimeError):
    """The client gives no records although there are some. It will never say so itself: only a new process helps."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """One Kafka record, as it came."""

    topic: str
    partition: int
    offset: int
    value: bytes

    @property
    def origin(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


def bootstrap() -> str:
    """The broker's address. Raises RuntimeError with what to do when none is known."""
    if not settings.KAFKA_BOOTSTRAP_SERVERS:
        raise RuntimeError("No Kafka broker: set KAFKA_BOOTSTRAP_SERVERS, or run `make demo` for an embedded one.")
    return str(settings.KAFKA_BOOTSTRAP_SERVERS)


async def ensure_topics() -> None:
    """Create the eight topics where they are missing. Raises one of BROKER_ERRORS, after SEND_SECONDS at the latest."""
    async with _admin(SEND_SECONDS) as admin:
        have = set(await admin.list_topics())
        missing = [
            NewTopic(name, settings.KAFKA_PARTITIONS, settings.KAFKA_REPLICATION)
            for name in all_topics()
            if name not in have
        ]
        if missing:
            answer = await admin.create_topics(missing)
            for name, code, *_ in answer.topic_errors:
                error = for_code(code)
                if code and error is not TopicAlreadyExistsError:
                    raise error(name)


def missing_topics() -> list[str]:
    """Which of the eight topics the broker lacks; for synchronous callers, and known or given up within 3 seconds.

    Raises one of BROKER_ERRORS, or ValueError for an address that is none.
    """
    # A thread of its own: a name server that does not answer holds the thread longer than any limit on the loop.
    asking = ThreadPoolExecutor(1)
    try:
        return asking.submit(asyncio.run, _missing_topics()).result(PROBE_SECONDS + 1)
    finally:
        asking.shutdown(wait=False)


async def _missing_topics() -> list[str]:
    async with _admin(PROBE_SECONDS) as admin:
        have = set(await admin.list_topics())
    return [name for name in all_topics() if name not in have]


@asynccontextmanager
async def _admin(seconds: float) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client for topics, for at most `seconds` in all. Raises one of BROKER_ERRORS."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap(), request_timeout_ms=int(seconds * 1000))
    try:
        async with asyncio.timeout(seconds):
            await admin.start()
            yield admin
    finally:
        with contextlib.suppress(*BROKER_ERRORS):
            await asyncio.wait_for(admin.close(), 0.5)


class Producer:
    """Sends events and waits for every replica; made anew after an error, since a broken one may never recover."""

    def __init__(self) -> None:
        self._producer: AIOKafkaProducer | None = None

    async def _ready(self) -> AIOKafkaProducer:
        if self._producer is None:
            await ensure_topics()
            self._producer = AIOKafkaProducer(
                bootstrap_servers=bootstrap(),
                acks="all",
                enable_idempotence=settings.KAFKA_IDEMPOTENCE,
                request_timeout_ms=10_000,
            )
            await self._producer.start()  # kept before it has started, so that close() finds it in any state
        return self._producer

    async def send(self, events: list[tuple[str, str, dict[str, object]]]) -> None:
        """Publish (topic, key, payload) in order and return when all are acknowledged. Raises one of BROKER_ERRORS."""
        try:
            # After a broker has lost its topics the client waits half a minute for them; a new one makes them again.
            async with asyncio.timeout(SEND_SECONDS):
                producer = await self._ready()
                acks = [
                    await producer.send(topic, json.dumps(payload).encode(), key=key.encode())
                    for topic, key, payload in events
                ]
                await asyncio.gather(*acks)
        except BROKER_ERRORS:
            await self.close()
            raise

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(KafkaError, TimeoutError):
                await asyncio.wait_for(producer.stop(), 1)


@asynccontextmanager
async def _consumer(group: str, topics: list[str]) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        *topics,
        bootstrap_servers=bootstrap(),
        group_id=f"{settings.KAFKA_TOPIC_PREFIX}{group}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=settings.KAFKA_SESSION_TIMEOUT_MS,
        heartbeat_interval_ms=max(300, settings.KAFKA_SESSION_TIMEOUT_MS // 4),
        max_poll_interval_ms=300_000,
        # Who has joined before the topics were made (again) gets no partitions until the client looks once more.
        metadata_max_age_ms=5_000,
    )
    try:
        async with asyncio.timeout(JOIN_SECONDS):  # nobody looks at its silence before it has begun
            await consumer.start()
        yield consumer
    finally:
        with contextlib.suppress(KafkaError, TimeoutError):
            await asyncio.wait_for(consumer.stop(), 3)


async def consume(
    group: str,
    topics: list[str],
    handle: Callable[[Record], Awaitable[None]],
    is_overdue: Callable[[], Awaitable[bool]],
) -> None:
    """Hand every record to `handle`, then commit its offset; for ever, over broker restarts and rebalances.

    `handle` must not raise for a bad record. After any Kafka error everything fetched is dropped and the
    consumer is made anew: redelivery is harmless, working on a partition that was taken away is not.
    Raises ConsumerStuck when the client stays silent while there is something to say.
    """
    while True:
        try:
            await ensure_topics()
            async with _consumer(group, topics) as consumer:
                silence = _Silence(consumer, is_overdue)
                while True:
                    batch = await consumer.getmany(timeout_ms=500, max_records=50)
                    if not batch:
                        await silence.examine()
                        continue
                    for partition, messages in batch.items():
                        for m in messages:
                            await handle(
                                Record(
                                    topic=m.topic,
                                    partition=m.partition,
                                    offset=m.offset,
                                    value=m.value or b"",
                                )
                            )
                        # A commit for a topic that the broker has lost is tried for ever inside the client.
                        async with asyncio.timeout(ANSWER_SECONDS):
                            await consumer.commit({partition: messages[-1].offset + 1})
                    silence.heard()
        except BROKER_ERRORS as error:
            log.warning("consumer_restarts", group=group, error=error)
            await asyncio.sleep(1)


class _Silence:
    """Whether a consumer that gives no records has none to give.

    Counts its own looks instead of the clock, like the watchdog: a process that was stopped is not stuck.
    """

    def __init__(self, consumer: AIOKafkaConsumer, is_overdue: Callable[[], Awaitable[bool]]) -> None:
        self._consumer = consumer
        self._is_overdue = is_overdue
        self.heard()

    def heard(self) -> None:
        self._suspicious = 0
        self._looked_at = time.monotonic()

    async def examine(self) -> None:
        """Look every LOOK_SECONDS. Raises ConsumerStuck after CONSUMER_STUCK_SECONDS, or one of BROKER_ERRORS."""
        if time.monotonic() - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = time.monotonic()
        self._suspicious = self._suspicious + 1 if await self._look() else 0
        if self._suspicious * LOOK_SECONDS >= settings.CONSUMER_STUCK_SECONDS:
            raise ConsumerStuck(f"The consumer of {sorted(self._consumer.subscription())} is silent beside its work.")

    async def _look(self) -> bool:
        assigned = self._consumer.assignment()
        if not assigned:  # a spare member, or one whose joining hangs: only work that nobody hears tells them apart
            return await self._is_overdue()
        async with asyncio.timeout(ANSWER_SECONDS):
            ends = await self._consumer.end_offsets(assigned)
            return any([end > await self._consumer.position(partition) for partition, end in ends.items()])
