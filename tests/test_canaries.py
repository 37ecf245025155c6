"""One day of the product with canaries: in its settings, and in what one customer writes. They must not get out.

The roles are real processes at loopback providers that fail and quote what they were given. What the processes log,
publish and answer is read as a whole afterwards; only the customer, the desk and the providers may see their words.
"""

import contextlib
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest
import requests
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse

from agent_runner.models import AgentRun
from channels_app.gmail.models import GmailMailbox
from channels_app.models import StaffNotice
from channels_app.simulator.letters import letter
from fte_project.embedded import free_port
from fte_project.events import all_topics, topic
from fte_project.kafka import bootstrap
from fte_project.models import DeadLetter
from tests.agent_runner.with_openai import a_provider
from tests.factories import ANSWERABLE, BEN, make_staff
from tests.fakes.gmail import FaultyGmail, gmail_server, gmail_settings
from tests.fakes.google import ACCOUNT
from tests.fakes.openai import FakeOpenAI, fails, says
from tests.processes import Processes, processes, wait_for
from tickets.models import Conversation, Delivery, Message

__all__ = ["processes"]

pytestmark = pytest.mark.kafka
OURS = "support@tidewater.example"
KEY = "sk-canary-openai-4fZ8"
SECRETS = {
    "OPENAI_API_KEY": KEY,
    "SECRET_KEY": "canary-secret-key-9Lw3-with-as-many-characters-as-a-real-one-has",
    "STATUS_TOKEN_KEY": "canary-status-token-key-2Hd7",
    "DATABASE_URL": "canary-database-password-5Tx1",
    "EMAIL_URL": "canary-mail-password-8Vb6",
    "GMAIL_SERVICE_ACCOUNT": "canary-private-key-3Jn0",
    "STAFF_WEBHOOK_URL": "canary-hook-6Rq2",
    "STAFF_WEBHOOK_SECRET": "canary-hook-secret-1Ym4",
}
# One word of each that nothing else says.
PERSONAL = {"name": "Quixwood", "address": "zeb.canary", "phone": "55518273", "subject": "Plumwhistle"}
PERSONAL |= {"body": "marmotglass", "file": "grumbleflask"}
SENTENCE = (
    "My marmotglass is locked. I forgot my password and cannot sign in. How do I reset it? Call +49 151 55518273."
)
ZEB = {"name": "Zeb Quixwood", "subject": "Plumwhistle password reset", "message": SENTENCE}
# Nothing that is made for machines or for the operator has words of customers; in the other tables they are at home.
TABLES_OF_IDS = [
    "frame_outboxevent", "frame_timedjob", "frame_heartbeat", "frame_ratecount",
    "tickets_ticketevent", "agent_runner_runmetric", "channels_app_staffnotice",
]  # fmt: skip


@dataclass
class Day:
    """The product with its providers, and what came out of it: by where, as text."""

    processes: Processes
    gmail: FaultyGmail
    openai: FakeOpenAI
    base_url: str
    pages: dict[str, str] = field(default_factory=dict)  # of others and of the operator
    own: dict[str, str] = field(default_factory=dict)  # the customer's own, and the desk's
    tokens: list[str] = field(default_factory=list)
    poison: list[bytes] = field(default_factory=list)

    def ask(self, path: str, *, own: bool = False, method: str = "get", **more: Any) -> requests.Response:
        """Ask the web server, and keep everything it says."""
        answer = requests.request(method, f"{self.base_url}{path}", timeout=20, allow_redirects=False, **more)
        kept = self.own if own else self.pages
        kept[f"{len(kept)} {method} {path} {answer.status_code}"] = f"{answer.headers}\n{unescape(answer.text)}"
        return answer

    def write(self) -> Conversation:
        """Zeb writes by the form, each time from another address: the newest conversation."""
        fields = {**ZEB, "email": f"zeb.canary@example{len(self.tokens)}.com"}
        files = [("attachments", ("grumbleflask.txt", b"marmotglass", "text/plain"))]
        answer = self.ask("/api/support/submit", own=True, method="post", data=fields, files=files)
        assert answer.status_code == 201, answer.text
        self.tokens.append(answer.json()["token"])
        return Conversation.objects.latest("pk")

    def write_and_wait(self, *plan: Any) -> Message:
        """Zeb writes while the model's provider does as planned: what they hear in the end."""
        self.openai.plan = list(plan)
        conversation = self.write()
        return wait_for(lambda: replies(conversation).last())


def replies(conversation: Conversation) -> Any:
    return Message.objects.filter(conversation=conversation, direction="outbound")


@pytest.fixture
def day(processes: Processes, settings: Any) -> Iterator[Day]:
    port, nowhere = free_port(), free_port()
    endpoint = f"http://127.0.0.1:{port}/api/webhooks/gmail"
    with gmail_server(OURS, push_to=(endpoint, ACCOUNT)) as gmail, a_provider(settings, "responses") as openai:
        GmailMailbox.objects.create(address=OURS)
        gmail.mailboxes[OURS].watch(("INBOX", "SENT"))
        # The desk's browser is made here and must be known there.
        settings.SECRET_KEY, settings.STATUS_TOKEN_KEY = SECRETS["SECRET_KEY"], SECRETS["STATUS_TOKEN_KEY"]
        here = connection.settings_dict
        host = quote(here["HOST"], safe="")
        processes.env |= SECRETS | gmail_settings(gmail)
        processes.env |= {
            "DATABASE_URL": f"postgres://{here['USER']}:{SECRETS['DATABASE_URL']}@{host}/{here['NAME']}",
            "EMAIL_URL": f"smtp://desk:{SECRETS['EMAIL_URL']}@127.0.0.1:{nowhere}",
            "MAIL_DIR": "",
            "GMAIL_SERVICE_ACCOUNT": "",  # the simulated Gmail lets everybody in
            "STAFF_WEBHOOK_URL": f"http://127.0.0.1:{nowhere}/services/{SECRETS['STAFF_WEBHOOK_URL']}",
            "OPENAI_BASE_URL": openai.url,
            "PUBLIC_BASE_URL": f"http://127.0.0.1:{port}",
        }
        sam = make_staff("sam", "agent")
        User.objects.filter(pk=sam.pk).update(email="sam@tidewater.example")
        processes.start("run_agent", "--with", "relay,delivery,schedule")
        processes.start_web(port)
        yield Day(processes, gmail, openai, f"http://127.0.0.1:{port}")


def everything_goes_well(day: Day) -> None:
    """By the form and by mail: a question, an answer, a delivery, a look at the status page, a further message."""
    conversation = day.write()
    raw = letter(sender="zeb.canary@example.org", name="Zeb Quixwood", to=OURS, subject=ZEB["subject"], text=SENTENCE)
    day.gmail.mailboxes[OURS].receive(raw)
    wait_for(lambda: Delivery.objects.filter(status="sent", channel="email").count() == 2)
    assert {mail.parsed["To"] for mail in day.gmail.mailboxes[OURS].sent} == {
        "zeb.canary@example0.com",
        "zeb.canary@example.org",
    }
    assert [r.kind for r in replies(conversation)] == ["answer"]
    day.ask(f"/support/t/{day.tokens[0]}", own=True)
    day.ask(f"/api/support/ticket/{day.tokens[0]}", own=True)


def altered(token: str) -> str:
    """With another last sign than it has."""
    return token[:-1] + ("y" if token.endswith("x") else "x")


def the_provider_fails_and_quotes(day: Day) -> None:
    """500, an answer that makes no sense, a request that is refused, and at last a key that is: it quotes all."""
    said = f"The key {KEY} was used for: {SENTENCE}"
    day.openai.plan = [fails(500, message=said)] * 3
    conversation = day.write()
    hurry(conversation)
    wait_for(lambda: replies(conversation).exists())
    day.write_and_wait(
        says(("send_response", f'{{"message": "{SENTENCE}", ')), says(("send_response", {"x": SENTENCE}))
    )
    assert day.write_and_wait(fails(400, message=said)).kind == "hand_over"
    assert day.write_and_wait(fails(404, message=said)).kind == "hand_over"


@contextlib.contextmanager
def refusing(condition: str) -> Iterator[None]:
    """The database refuses messages for which this is false, and its error quotes the whole row."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE tickets_message ADD CONSTRAINT canary CHECK ({condition}) NOT VALID")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE tickets_message DROP CONSTRAINT canary")


def the_database_refuses_what_the_worker_stores(day: Day) -> None:
    """One conversation is given up, which leaves a dead letter."""
    with refusing("kind <> 'answer'"):
        conversation = day.write()
        hurry(conversation, attempts=settings.MAX_ATTEMPTS - 1)
        wait_for(lambda: DeadLetter.objects.filter(conversation_id=conversation.pk).exists())


def hurry(conversation: Conversation, **changes: Any) -> None:
    """When its first run has failed, it need not wait for the next one."""
    failed = AgentRun.objects.filter(conversation_id=conversation.pk, outcome=AgentRun.Outcome.FAILED)
    wait_for(lambda: failed.exists() and Conversation.objects.filter(pk=conversation.pk, lease_token=None).exists())
    Conversation.objects.filter(pk=conversation.pk).update(work_due_at=Now(), **changes)


def the_web_fails(day: Day) -> None:
    """Everything that can be asked wrongly, by Zeb and by Ben; and a mistake of ours while Zeb writes."""
    zeb = {**ZEB, "email": "zeb.canary@example.com"}
    submit, link = "/api/support/submit", f"/support/t/{day.tokens[0]}"
    cookies = day.ask("/support/").cookies
    form = {**zeb, "key": str(uuid.uuid4()), "csrfmiddlewaretoken": cookies["csrftoken"]}
    with refusing("body NOT LIKE '%marmotglass%'"):
        for path, more in {
            submit: {"json": zeb},
            "/support/": {"data": form, "cookies": cookies},
            f"/api{link}/messages".replace("/support/t", "/support/ticket"): {"json": {"message": SENTENCE}},
        }.items():
            assert day.ask(path, method="post", **more).status_code == 500, path
    wrong: list[tuple[str, str, dict[str, Any]]] = [
        ("post", submit, {"json": {**zeb, "category": "Quixwood"}}),
        ("post", submit, {"json": {**zeb, "email": "zeb.canary", "message": "marmotglass" * 100}}),
        ("post", submit, {"data": b'{"name": "Quixwood', "headers": {"Content-Type": "application/json"}}),
        ("post", submit, {"data": b"marmotglass", "headers": {"Content-Type": "text/plain"}}),
        ("post", submit, {"json": {**zeb, "message": "marmotglass" * 50_000}}),
        ("post", submit, {"data": zeb, "files": [("attachments", ("grumbleflask.txt", b"marmotglass"))] * 6}),
        ("delete", submit, {}),
        ("post", "/api/webhooks/gmail", {"json": zeb, "headers": {"Authorization": "Bearer marmotglass"}}),
        ("get", "/api/webhooks/gmail/nowhere", {}),
        ("get", "/api/conversations/1", {"headers": {"X-API-Key": KEY}}),
        ("get", f"/api/support/ticket/{altered(day.tokens[0])}", {}),
        ("get", altered(link), {}),
        ("get", "/support/t/nothing", {}),
        ("get", "/nowhere", {}),
        ("get", "/", {"headers": {"Host": "elsewhere.example"}}),
        ("post", "/support/", {"data": BEN}),
        ("post", "/support/", {"data": {**form, **BEN, "subject": "", "message": ""}, "cookies": cookies}),
        ("post", "/admin/login/", {"data": {"username": "zeb.canary", "password": "marmotglass"}}),
        ("post", submit, {"json": {**BEN, **ANSWERABLE, "subject": ""}}),
    ]
    for method, path, more in wrong:
        assert 400 <= day.ask(path, method=method, **more).status_code < 500, path
    day.ask("/support/", own=True, method="post", data={**form, "email": "zeb.canary"}, cookies=cookies)
    for path in ("/healthz", "/readyz", "/readyz?part=web", "/metrics", "/api/openapi.json", "/admin/login/"):
        day.ask(path)


async def produce(values: list[bytes]) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap()) as producer:
        for value in values:
            await producer.send_and_wait(topic("fte.channels.email.inbound"), value)


def records_that_make_no_sense(day: Day) -> None:
    event = {"v": 1, "kind": "message_received", "conversation_id": 1, "channel": "email", "message_id": 1}
    changes: list[dict[str, Any]] = [{"kind": SENTENCE}, {"v": KEY}, {"message_id": SENTENCE}, {"kind": [KEY]}]
    day.poison = [f'{{"{SENTENCE}'.encode(), *(json.dumps(event | change).encode() for change in changes)]
    async_to_sync(produce)(day.poison)
    wait_for(lambda: DeadLetter.objects.filter(kind=DeadLetter.Kind.RECORD).count() == len(day.poison))


async def records(but: list[bytes]) -> list[tuple[str, str]]:
    """Every record of every topic from the beginning, but those: its topic, and its key, value and headers."""
    found: list[tuple[str, str]] = []
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap(), enable_auto_commit=False) as consumer:
        every = [TopicPartition(name, n) for name in all_topics() for n in range(settings.KAFKA_PARTITIONS)]
        consumer.assign(every)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(every)
        while any([await consumer.position(at) < end for at, end in ends.items()]):
            for at, batch in (await consumer.getmany(timeout_ms=500)).items():
                found += [(at.topic, f"{r.key} {r.value} {r.headers}") for r in batch if r.value not in but]
    return found


def look_at_the_desk(day: Day, browser: Client) -> None:
    """The list of everything that the desk has, and the newest page of each."""
    cookies = {"sessionid": browser.cookies["sessionid"].value}
    paths = ["/admin/"]
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        newest = model._default_manager.last()
        paths += [reverse(f"{name}_changelist"), *([reverse(f"{name}_change", args=[newest.pk])] if newest else [])]
    for path in paths:
        assert day.ask(path, own=True, cookies=cookies).status_code in {200, 302, 403}, path


def rows(*tables: str) -> dict[str, str]:
    """All rows of these tables as text."""
    with connection.cursor() as cursor:
        found = {}
        for table in tables:
            cursor.execute(f"SELECT coalesce(string_agg(t::text, chr(10)), '') FROM \"{table}\" t")
            found[table] = cursor.fetchone()[0]
    return found


def leaks(texts: dict[str, str], canaries: dict[str, str]) -> list[str]:
    """Where one of the canaries is, with what stands around it."""
    found = []
    for where, text in texts.items():
        for name, canary in canaries.items():
            at = text.lower().find(canary.lower())
            if at >= 0:
                found.append(f"{name} in {where}: …{text[max(0, at - 200) : at + 60]}…")
    return found


def test_f10_neither_logs_nor_kafka_nor_pages_say_a_secret_or_a_customers_words(day: Day) -> None:
    everything_goes_well(day)
    the_database_refuses_what_the_worker_stores(day)
    the_provider_fails_and_quotes(day)
    the_web_fails(day)
    records_that_make_no_sense(day)
    root = Client()
    root.force_login(User.objects.create_superuser("root"))
    look_at_the_desk(day, root)
    day.processes.start("doctor", "--json").wait(30)
    wait_for(lambda: StaffNotice.objects.exclude(error="").count() > 2)
    day.processes.stop()

    logs = {path.name: path.read_text() for path in day.processes.folder.glob("*.log")}
    published = async_to_sync(records)(day.poison)
    kafka = {f"{n} {name}": value for n, (name, value) in enumerate(published)}
    assert {name for name, _ in published} > {topic("fte.dlq"), topic("fte.escalations"), topic("fte.metrics")}
    tokens = {f"status token {n}": token for n, token in enumerate(day.tokens)}
    secrets = SECRETS | tokens
    # A person erases what a conversation has left, but not what a record has.
    letters = {"bad record": "".join(DeadLetter.objects.filter(kind="record").values_list("error", flat=True))}
    everything = rows(*connection.introspection.table_names())

    assert leaks({**logs, **kafka, **day.pages, **everything}, secrets) == []
    assert leaks(day.own, SECRETS) == []
    assert leaks({**logs, **kafka, **day.pages, **rows(*TABLES_OF_IDS), **letters}, PERSONAL) == []
    # What was looked at is what there is: the canaries are where they belong.
    assert len(leaks({"": "".join(day.own.values())}, PERSONAL)) == len(PERSONAL)
    for said in ("run_failed", "work_given_up", "tool_failed", "model_not_asked", "notice_error", "IntegrityError"):
        assert any(said in log for log in logs.values()), said
