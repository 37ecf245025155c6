"""`manage.py simulate --channel email` against a running demo: a mail comes in, and a mail leaves."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from fte_project.embedded import read_instance
from tests.processes import BASE, wait_for
from tests.test_instance import demo, is_ready, local, swept_folder

pytestmark = pytest.mark.timeout(240)
QUESTION = ("--subject", "How do I reset my password?", "--text", "I forgot my password. How do I reset it?")


@pytest.fixture(scope="module")
def instance() -> Iterator[Path]:
    """The folder of a running demo with its sample articles and mails."""
    with swept_folder() as folder:
        running = demo(folder)
        wait_for(lambda: is_ready(folder), 180)  # it embeds its articles first
        yield folder
        running.send_signal(signal.SIGINT)
        assert running.wait(40) == 0


def manage(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit status and JSON of a command."""
    command = [sys.executable, "manage.py", *arguments, "--json"]
    done = subprocess.run(command, cwd=BASE, env=local(folder), capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


def mail(folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    return manage(folder, "simulate", "--channel", "email", *arguments)


def test_a_mail_is_answered_by_a_mail_and_a_reply_to_it_goes_on_with_its_ticket(instance: Path) -> None:
    code, found = mail(instance, *QUESTION)
    assert (code, found["status"], found["citations"][0]) == (0, "answered", "reset-your-password")
    times = [found[name] for name in ("accepted_ms", "answered_ms", "delivered_ms")]
    assert times == sorted(times)
    assert found["accepted_ms"] <= found["answered_ms"]
    files = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in (instance / "mail").glob("*.eml")]
    to_ann = [one for one in files if one["To"] == "ann@example.com"]
    assert [one["Subject"] for one in to_ann] == ["Re: How do I reset my password?"]

    code, again = mail(instance, "--ticket", found["ticket"], "--text", "Thanks! How do I use dark mode?")
    assert (code, again["ticket"]) == (0, found["ticket"])
    assert again["status"] in {"answered", "suggested", "escalated"}
    assert again["reply"] != found["reply"]
    assert again["delivered_ms"] is not None


def test_staff_answer_a_mail_from_the_desk(instance: Path) -> None:
    code, asked = mail(instance, "--from", "ben@example.com", "--text", "What does it cost for ten people?")
    assert (code, asked["status"], asked["escalation_reason"]) == (0, "escalated", "pricing_inquiry")
    code, found = mail(instance, "--as-staff", "--ticket", asked["ticket"], "--text", "Here is our offer.")
    assert (code, found["status"], found["reply"]) == (0, "answered", "Here is our offer.")
    assert found["delivered_ms"] is not None


def test_a_mail_to_answer_a_form_ticket_goes_on_with_it(instance: Path) -> None:
    _, asked = manage(instance, "simulate", "--from", "cleo@example.com", *QUESTION)
    copies = instance / "mail"
    wait_for(lambda: any("To: cleo@example.com" in path.read_text() for path in copies.glob("*.eml")))
    code, found = mail(instance, "--ticket", asked["ticket"], "--text", "And dark mode on my phone?")
    assert (code, found["ticket"]) == (0, asked["ticket"])


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--from", "noreply@example.com", "--text", "Hello"), 3),
        (("--ticket", "T-99999", "--text", "Hello"), 3),
        ((*QUESTION, "--wait", "0"), 2),
    ],
    ids=["automatic mail", "no such ticket", "no time"],
)
def test_what_is_not_answered_says_so(arguments: tuple[str, ...], code: int, instance: Path) -> None:
    found = mail(instance, *arguments)
    assert (found[0], found[1]["status"]) == (code, {2: "waiting", 3: "rejected"}[code])


def test_the_demo_begins_with_mail_and_its_doctor_says_that_it_is_simulated(instance: Path) -> None:
    written = {"olga@example.com", "yuki@example.com", "maria@example.com"}  # by mail, and over the form
    wait_for(lambda: written <= {one.split("To: ")[1].split("\n")[0] for one in eml(instance)})
    code, found = manage(instance, "doctor")
    parts = {part["name"]: part for part in found["parts"]}
    assert code == 0, found
    address = read_instance(instance)["gmail"]["GMAIL_ADDRESS"]
    assert parts["email"]["message"].startswith(f"{address}, read ")
    assert parts["email"]["message"].endswith("It is a simulated Gmail: nothing leaves this machine.")
    assert parts["email_copies"]["message"].startswith(f"Sent through {address}")


def eml(instance: Path) -> list[str]:
    return [path.read_text() for path in (instance / "mail").glob("*.eml")]
