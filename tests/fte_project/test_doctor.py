"""`manage.py doctor`: every part that is broken says so, what to do, and never a secret."""

import json
import logging
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.db.models.functions import Now

from fte_project import doctor, health, roles
from fte_project.events import MessageReceived, publish
from fte_project.health import Remembered
from fte_project.kafka import ensure_topics
from fte_project.models import DeadLetter, Heartbeat, OutboxEvent
from knowledge.embeddings import LOCAL_MODEL_ID
from knowledge.models import ActiveModel, Article
from tests.factories import make_staff, write
from tests.fakes.openai import fake_openai
from tests.fakes.smtp import smtp
from tests.processes import BASE
from tickets.models import ChannelSettings, Conversation, Delivery
from tickets.replies import reply

pytestmark = pytest.mark.django_db
BEFORE = ["settings", "database", "broker"]
NEED_THE_DATABASE = [*health.ROLES, "outbox", "due_work", "worker_role", "embedding_model", "articles", "vector_index"]
NEED_THE_DATABASE += ["dead_letters", "unknown_deliveries", "web_form", "staff_notices"]
OTHERS = ["email_copies", "email", "whatsapp", "assistant_model", "model_pace", "media_folder", "disk"]
NAMES = [*BEFORE, *NEED_THE_DATABASE, *OTHERS]
NEED_THE_DATABASE += ["model_pace"]
LOOPBACK = "http://127.0.0.1:1/v1"  # where nobody listens

Parts = dict[str, tuple[str, str]]


@pytest.fixture(autouse=True)
def _healthy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Any) -> Iterator[None]:
    monkeypatch.setattr(health, "_broker", Remembered(health._ask_broker))
    settings.MEDIA_ROOT = tmp_path
    async_to_sync(ensure_topics)()
    for role in health.ROLES:
        roles.beat(role)
    quiet = [logging.getLogger(name) for name in ("", "aiokafka")]
    levels = [logger.level for logger in quiet]
    yield
    for logger, level in zip(quiet, levels, strict=True):
        logger.setLevel(level)


def examined(capsys: pytest.CaptureFixture[str]) -> tuple[int, Parts]:
    """Exit status and parts of `doctor --json`."""
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--json")
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(found) == {"ok", "parts"}
    assert found["ok"] is (ended.value.code == 0)
    assert all(set(part) == {"name", "state", "message"} for part in found["parts"])
    assert [part["name"] for part in found["parts"]] == NAMES
    assert found["ok"] is not any(part["state"] == "failed" for part in found["parts"])
    return int(str(ended.value.code)), {part["name"]: (part["state"], part["message"]) for part in found["parts"]}


def failed(parts: Parts) -> dict[str, str]:
    return {name: message for name, (state, message) in parts.items() if state == "failed"}


@pytest.fixture
def only_failed(capsys: pytest.CaptureFixture[str]) -> Any:
    """The sentence of the one part that failed."""

    def look(name: str) -> str:
        code, parts = examined(capsys)
        assert (code, list(failed(parts))) == (1, [name]), failed(parts)
        return failed(parts)[name]

    return look


def test_g6_doctor_says_of_every_part_how_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    code, parts = examined(capsys)
    assert (code, failed(parts)) == (0, {})
    assert {name for name, (state, _) in parts.items() if state == "off"} == {"staff_notices", "email", "whatsapp"}
    assert "pgvector 0." in parts["database"][1]
    assert parts["relay"][1].startswith("1 running")
    assert "load_articles" in parts["articles"][1]


def test_doctor_says_whether_anybody_is_told_outside_the_desk(capsys: pytest.CaptureFixture[str]) -> None:
    assert examined(capsys)[1]["staff_notices"][0] == "off"
    User.objects.filter(pk=make_staff("lea", "lead").pk).update(email="lea@desk.example")
    assert examined(capsys)[1]["staff_notices"] == ("ok", "1 by mail.")


def test_doctor_prints_one_line_per_part_for_people(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    Heartbeat.objects.filter(role="relay").delete()
    with pytest.raises(SystemExit) as ended:
        call_command("doctor")
    lines = capsys.readouterr().out.splitlines()
    assert (ended.value.code, len(lines)) == (1, len(NAMES))
    assert "failed  relay               No process runs this role." in [line.rstrip() for line in lines]


# --- Part by part ------------------------------------------------------------------------------------------------


def test_g6_settings_that_are_not_safe_fail(only_failed: Any, settings: Any) -> None:
    settings.PRODUCTION = True
    settings.SECURE_SSL_REDIRECT = settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 1, True
    settings.SECURE_HSTS_PRELOAD, settings.SECRET_KEY = True, "hunter2"
    with smtp() as server:
        settings.MAILERS = server.mailers
        said = only_failed("settings")
    assert said.startswith("security.W009: ")
    assert "hunter2" not in said


def test_g6_a_database_that_is_down_fails_with_what_stands_on_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "HOST", "/nowhere")
    monkeypatch.setitem(connection.settings_dict, "PASSWORD", "hunter2")
    code, parts = examined(capsys)
    assert (code, list(failed(parts))) == (1, ["database", *NEED_THE_DATABASE])
    said = parts["database"][1]
    assert (
        said == "PostgreSQL does not answer (No such file or directory). Check DATABASE_URL, and that the server runs."
    )
    assert set(failed(parts).values()) == {said, doctor.NOT_KNOWN}


def test_g6_a_database_that_is_too_old_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "OLDEST_POSTGRES", 99)
    assert "is too old: 99 or newer is needed" in examined(capsys)[1]["database"][1]


def test_g6_a_database_without_our_tables_fails(capsys: pytest.CaptureFixture[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'knowledge'")
    assert examined(capsys)[1]["database"] == ("failed", "Migrations are missing: run manage.py migrate.")


def test_g6_a_database_that_only_reads_fails(capsys: pytest.CaptureFixture[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what is still to be checked would lock rows
        cursor.execute("SET TRANSACTION READ ONLY")
    assert examined(capsys)[1]["database"][1].startswith("It only lets us read")


def test_g6_a_broker_that_is_down_fails(only_failed: Any, settings: Any) -> None:
    settings.KAFKA_BOOTSTRAP_SERVERS = "127.0.0.1:1"
    assert only_failed("broker") == "The Kafka broker does not answer."


def test_g6_a_broker_without_our_topics_fails(only_failed: Any, settings: Any) -> None:
    settings.KAFKA_TOPIC_PREFIX = "doctor-test."
    assert "doctor-test.fte.dlq" in only_failed("broker")


@pytest.mark.parametrize("role", health.ROLES[1:])
def test_g6_a_role_that_nobody_runs_fails(only_failed: Any, role: str) -> None:
    Heartbeat.objects.filter(role=role).update(beat_at=Now() - timedelta(minutes=5))
    assert only_failed(role) == "No process runs this role; it was last seen 5 min ago."


def test_g6_without_a_web_process_the_form_fails_too(capsys: pytest.CaptureFixture[str]) -> None:
    Heartbeat.objects.filter(role="web").delete()
    _, parts = examined(capsys)
    assert set(failed(parts)) == {"web", "web_form"}
    assert parts["web_form"][1].endswith("/support/.")


def test_a_form_that_staff_switched_off_is_off(capsys: pytest.CaptureFixture[str]) -> None:
    ChannelSettings.objects.filter(channel="web_form").update(is_enabled=False)
    code, parts = examined(capsys)
    assert (code, parts["web_form"][0]) == (0, "off")


def test_g6_a_relay_that_lags_fails(only_failed: Any) -> None:
    publish(MessageReceived(conversation_id=1, channel="web_form", message_id=1))
    OutboxEvent.objects.update(created_at=Now() - timedelta(minutes=3))
    assert "has waited 3 min" in only_failed("outbox")


def test_g6_due_work_that_nobody_does_fails(only_failed: Any) -> None:
    write()
    Conversation.objects.update(work_due_at=Now() - timedelta(minutes=3))
    assert "conversations (up to 3 min)" in only_failed("due_work")


def test_dead_letters_and_unknown_deliveries_are_counted_and_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    DeadLetter.objects.create(kind="conversation", error="x")
    DeadLetter.objects.create(kind="conversation", error="x", replayed_at=Now())
    for n in range(3):
        reply(write().ticket, body=f"Answer {n}.")
    copies = Delivery.objects.filter(channel="email")
    copies.update(status="unknown")
    copies.filter(pk=copies.earliest("pk").pk).update(look_up_at=Now() + timedelta(seconds=9))
    code, parts = examined(capsys)
    assert code == 0
    assert parts["dead_letters"][1].startswith("1 not replayed")
    assert parts["unknown_deliveries"][1].startswith("1 are being looked up at the provider, 2 wait for a person")


def test_g6_a_mail_server_that_is_down_fails(only_failed: Any, settings: Any) -> None:
    options = {"host": "127.0.0.1", "port": 1, "username": "fte", "password": "hunter2"}
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": options}}
    said = only_failed("email_copies")
    assert "The mail server 127.0.0.1:1 cannot be used (ConnectionRefusedError): check EMAIL_URL." in said


def test_a_mail_server_that_lets_us_in_is_fine_and_gets_no_mail(
    capsys: pytest.CaptureFixture[str], settings: Any
) -> None:
    with smtp() as server:
        settings.MAILERS = server.mailers
        assert examined(capsys)[1]["email_copies"] == ("ok", f"Sent through 127.0.0.1:{server.port}.")
        assert (server.connections, server.accepted) == (1, [])


def test_g6_a_mail_server_that_refuses_us_fails(only_failed: Any, settings: Any) -> None:
    with smtp(EHLO="250-fake\r\n250 AUTH PLAIN", AUTH="535 go away, hunter2") as server:
        mailers = server.mailers
        mailers["default"]["OPTIONS"] |= {"username": "fte", "password": "hunter2"}
        settings.MAILERS = mailers
        assert only_failed("email_copies") == (
            f"127.0.0.1:{server.port} refuses the user or the password in EMAIL_URL."
        )


@pytest.fixture
def _key(settings: Any) -> None:
    """A key, beside an index that the local model has made."""
    ActiveModel.objects.create(model_id=LOCAL_MODEL_ID)
    settings.OPENAI_API_KEY = "sk-hunter2"


with_a_key = pytest.mark.usefixtures("_key")


@with_a_key
def test_g6_a_model_provider_that_is_away_fails(only_failed: Any, settings: Any) -> None:
    settings.OPENAI_BASE_URL = LOOPBACK.replace("//", "//user:hunter2@")
    said = only_failed("assistant_model")
    assert said.startswith("127.0.0.1:1 does not answer")
    assert "hunter2" not in said


@with_a_key
def test_g6_a_key_that_the_provider_refuses_fails(only_failed: Any, settings: Any) -> None:
    with fake_openai("send_response") as provider:
        settings.OPENAI_BASE_URL = provider.url
        provider.status = 401
        said = only_failed("assistant_model")
    assert "refuses OPENAI_API_KEY" in said
    assert "hunter2" not in said


@with_a_key
@pytest.mark.parametrize("status", [200, 404])
def test_a_provider_that_takes_the_key_is_fine(capsys: pytest.CaptureFixture[str], settings: Any, status: int) -> None:
    with fake_openai("send_response") as provider:
        settings.OPENAI_BASE_URL = provider.url
        provider.status = status
        parts = examined(capsys)[1]
    state, said = parts["assistant_model"]
    assert (state, said.startswith("gpt-4o at 127.0.0.1:")) == ("ok", True)
    assert parts["embedding_model"][1].endswith("text-embedding-3-small: run manage.py embed_articles --switch.")


def test_g6_an_index_of_a_model_that_needs_a_key_fails_without_one(only_failed: Any) -> None:
    ActiveModel.objects.create(model_id="text-embedding-3-small")
    assert "needs OPENAI_API_KEY" in only_failed("embedding_model")


def test_g6_articles_that_cannot_be_indexed_fail(only_failed: Any) -> None:
    for slug, indexed, error in (("a", 1, ""), ("b", 0, ""), ("c", 0, "the provider refused hunter2")):
        Article.objects.create(
            slug=slug, title=slug, body_md="x", status="published", indexed_revision=indexed, index_error=error
        )
    Article.objects.create(slug="draft", title="d", body_md="x")
    assert only_failed("articles") == ("1 indexed, 1 waiting, 1 failed, among them c: the article shows its error.")


def test_g6_a_media_folder_that_cannot_be_written_to_fails(only_failed: Any, settings: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings.MEDIA_ROOT = tmp_path / "file" / "media"
    assert "Not a directory" in only_failed("media_folder")


def test_a_media_folder_that_is_not_there_yet_is_not_made_by_us(
    capsys: pytest.CaptureFixture[str], settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path / "later" / "media"
    assert examined(capsys)[1]["media_folder"][0] == "ok"
    assert list(tmp_path.iterdir()) == []


def test_g6_a_disk_that_is_nearly_full_fails(only_failed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12, 3 * 10**8))
    assert only_failed("disk").startswith("0.3 GB free for ")


def breaks() -> None:
    raise ValueError("hunter2")


def hangs() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(60)")


@pytest.mark.parametrize(
    ("broken", "said"), [(breaks, "It could not be examined: ValueError."), (hangs, doctor.NOT_KNOWN)]
)
def test_a_part_whose_examination_breaks_or_hangs_is_a_finding(
    only_failed: Any, monkeypatch: pytest.MonkeyPatch, broken: Any, said: str
) -> None:
    monkeypatch.setattr("tickets.health.dead_letters", broken)
    assert only_failed("dead_letters") == said


# --- As a process ------------------------------------------------------------------------------------------------


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "doctor", *arguments]
    return subprocess.run(
        command, cwd=BASE, env={**os.environ, **env}, capture_output=True, text=True, timeout=60, check=False
    )


def test_wrong_arguments_end_with_status_two() -> None:
    assert run("--nonsense").returncode == 2


def test_g6_in_production_with_everything_down_doctor_names_it_all_and_no_secret(tmp_path: Path) -> None:
    secrets = {
        "SECRET_KEY": "hunter2-1-5f2b8c1d9e7a4036b1c8d2e5f7a90b3c6d8e1f2a4b7c9d0e",
        "STATUS_TOKEN_KEY": "hunter2-2-9c4e7f1a2b5d8063c6e9f2a5b8d1e4c7f0a3b6d9e2c5f8a1",
        "DATABASE_URL": "postgresql://fte:hunter2-3@127.0.0.1:1/fte",
        "DIRECT_DATABASE_URL": "postgresql://fte:hunter2-4@127.0.0.1:1/fte",
        "EMAIL_URL": "smtp://fte:hunter2-5@127.0.0.1:1",
        "OPENAI_API_KEY": "hunter2-6",
        "OPENAI_BASE_URL": LOOPBACK,
    }
    done = run(
        "--json",
        **secrets,
        FTE_MODE="production",
        KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1",
        PUBLIC_BASE_URL="https://desk.example.com",
        ALLOWED_HOSTS="desk.example.com",
        EMAIL_FROM="support@example.com",
        MEDIA_ROOT=str(tmp_path),
    )
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])["parts"]
    assert [part["name"] for part in found] == NAMES
    works = {"settings", "media_folder", "disk", "email", "whatsapp"}
    assert {part["name"] for part in found if part["state"] == "failed"} == set(NAMES) - works
    assert "Connection refused" in found[1]["message"]
    assert "hunter2" not in done.stdout + done.stderr
    assert done.stderr == ""
