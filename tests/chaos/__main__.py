"""`make chaos`: customers write while processes, database and broker are killed; then the history is checked.

Recovery from a fault at time t ends when every message that was in flight at t (the customer had begun to send it, the
provider had not accepted its answer) and at least one that was begun later is answered at the provider. Messages that
met a fault of the provider itself (mails also one of reading), or waited behind one in their conversation, are left
out; two faults that overlap
are both charged in full, so the faults are spaced by what their recovery takes: a lease, a sweep, and the answer.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django

from tests.services import Services, _services

SPACING = {
    "agent": 13.0,
    "delivery": 13.0,
    "relay": 7.0,
    "web": 6.0,
    "schedule": 13.0,
    "freeze": 15.0,
    "database": 11.0,
    "broker": 14.0,
}
FREEZE_SECONDS = 13.0  # longer than a lease
SETTLE_SECONDS = 120.0
BARS = {"worker": 15.0, "database": 10.0, "broker": 20.0}


@dataclass(frozen=True)
class Fault:
    what: str  # agent, relay, delivery, web, schedule: SIGKILL; freeze, database, broker
    slot: str = ""

    @property
    def kind(self) -> str:
        return self.what if self.what in {"database", "broker", "freeze"} else "worker"


def plan_faults(kills: int, messages: int, rng: random.Random, *, by_mail: bool) -> list[Fault]:
    """Every kind of process gets its share of the kills; the order is the seed's."""
    from tests.chaos.stack import COUNTS

    kinds = ["agent", "delivery", "relay", "web"]
    if by_mail:
        kinds = ["schedule", "agent", "delivery", "relay", "web"]  # the first one reads the mailbox
    faults = []
    for number in range(kills):
        role = kinds[number % len(kinds)] if number % 2 == 0 else "agent"
        faults.append(Fault(role, f"{role}-{rng.randint(1, COUNTS[role])}"))
    rounds = max(1, round(messages / 700))
    for _ in range(rounds):
        faults += [Fault("database"), Fault("broker")]
        if kills > 4:
            faults += [Fault("freeze", "agent-2"), Fault("freeze", "delivery-1")]
    rng.shuffle(faults)
    return faults


class Chaos:
    """One run: what is there, what was done to it, and what came of it."""

    def __init__(self, services: Services, messages: int, kills: int, seed: int, channels: set[str]) -> None:
        from tests.chaos.customers import Customers
        from tests.chaos.providers import Mail, Memos, Provider
        from tests.chaos.stack import Stack

        self.rng = random.Random(seed)
        self.messages, self.kills, self.seed = messages, kills, seed
        self.stack = Stack(services)
        self.mail = Mail(seed + 1, f"{self.stack.base_url}/api/webhooks/gmail") if "email" in channels else None
        self.provider: Provider = self.mail or Memos(seed + 1)
        self.stack.env |= self.provider.env
        self.customers = Customers(
            self.stack.base_url,
            random.Random(seed + 2),
            mailbox=self.mail.mailbox if self.mail else None,
            only_mail="web_form" not in channels,
        )
        self.faults: list[tuple[float, Fault]] = []
        self.began = time.monotonic()

    def run(self) -> dict[str, Any]:
        self.provider.start()
        try:
            self.stack.start()
            self.stack.wait_ready()
            plan = plan_faults(self.kills, self.messages, self.rng, by_mail=self.mail is not None)
            seconds = sum(SPACING[fault.what] for fault in plan) + 4
            writing = threading.Thread(target=self.customers.write_all, args=(self.messages, seconds))
            writing.start()
            self._strike(plan)
            writing.join()
            left = self._settle()
            return self._judge(left)
        finally:
            self.stack.stop()
            self.provider.stop()

    def _strike(self, plan: list[Fault]) -> None:
        from django.db import connection

        time.sleep(3)
        for fault in plan:
            at, struck = time.monotonic(), time.time()
            match fault.what:
                case "database":
                    self.stack.kill_database()
                    connection.close()  # ours went with it
                case "broker":
                    self.stack.wipe_broker()
                case "freeze":
                    self.stack.freeze(fault.slot, FREEZE_SECONDS)
                case "schedule" if self.mail is not None:
                    self.mail.wait_for_push()  # heard, and not read yet
                    struck = time.time()
                    self.stack.kill(fault.slot)
                case _:
                    self.stack.kill(fault.slot)
            self.faults.append((struck, fault))
            time.sleep(max(0.0, at + SPACING[fault.what] - time.monotonic()))

    def _settle(self) -> dict[str, int]:
        """Wait until nothing is due, held or waiting any more; what is left after a while."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            left = unfinished() | {"mails": self._unread()}
            if not any(left.values()) or time.monotonic() > deadline:
                return left
            time.sleep(0.5)

    def _unread(self) -> int:
        """Mails that are in our mailbox and not with us yet."""
        from tickets.models import Message

        mails = [line["external_id"] for line in self.customers.history if line["channel"] == "email"]
        return len(mails) - Message.objects.filter(channel="email", external_id__in=mails).count()

    def history(self) -> list[dict[str, Any]]:
        """Everything that happened, in the words of INTERFACES, oldest first.

        `with_people` on a message: its ticket went to people, and nobody has answered it yet.
        """
        with_people = set(held_by_people())
        lines = [
            *({**line, "with_people": line["external_id"] in with_people} for line in self.customers.history),
            *(
                {"kind": "delivered", "channel": "email", "conversation": one.to, "answers": one.answers,
                 "provider_id": one.id, "t": one.at}
                for one in self.provider.accepted()
            ),
            *({"kind": "fault", "what": f"{f.what} {f.slot}".strip(), "t": t} for t, f in self.faults),
            *({"kind": "fault", "what": f"provider {what}", "t": t} for t, what, _ in self.provider.faults),
        ]  # fmt: skip
        return sorted(lines, key=lambda line: line["t"])

    def _judge(self, left: dict[str, int]) -> dict[str, Any]:
        from tests.chaos.checker import check
        from tests.chaos.naive import duplicates
        from tickets.models import Delivery

        with tempfile.TemporaryDirectory() as folder:
            naive = duplicates(Path(folder), self.seed)
        kinds = [fault.kind for _, fault in self.faults]
        return {
            "messages": len(self.customers.history),
            "by_channel": Counter(line["channel"] for line in self.customers.history),
            "kills": kinds.count("worker"),
            "db_kills": kinds.count("database"),
            "broker_wipes": kinds.count("broker"),
            "freezes": kinds.count("freeze"),
            "faults": len(self.provider.faults),
            **check(self.history()),
            "stuck": sum(left.values()),
            "unknown": Delivery.objects.filter(status=Delivery.Status.UNKNOWN).count(),
            "naive_duplicates": naive,
            "recovery_s": self._recovery(),
            "left": left,
            "with_people": len(held_by_people()),
            "refused": self.customers.refused,
            "retries": self.customers.retries,
            "seconds": round(time.monotonic() - self.began, 1),
            "seed": self.seed,
        }

    def _undisturbed(self) -> list[tuple[float, float]]:
        """When each message was begun and its answer accepted, without those that the provider itself held up."""
        met_a_fault = {reference for _, _, reference in self.provider.faults}
        first: dict[str, float] = {}
        held_up: set[str] = set()
        for one in self.provider.accepted():
            for answered in one.answers:
                first.setdefault(answered, one.at)
                if one.reference in met_a_fault:
                    held_up.add(answered)
        reading = [at for at, _, reference in self.provider.faults if not reference]
        ways: list[tuple[float, float]] = []
        free_at: dict[str, float] = {}  # by conversation: until then its next ones wait, in their order
        for line in sorted(self.customers.history, key=lambda line: int(line["n"])):
            if line["external_id"] not in first:
                continue
            begun, done = line["tried"], first[line["external_id"]]
            is_mail = line["channel"] == "email"
            if is_mail and any(begun <= at <= done for at in reading):
                held_up.add(line["external_id"])
            if line["external_id"] in held_up or begun < free_at.get(line["conversation"], 0.0):
                free_at[line["conversation"]] = max(done, free_at.get(line["conversation"], 0.0))
            else:
                ways.append((begun, done))
        return ways

    def _recovery(self) -> dict[str, dict[str, float]]:
        ways = self._undisturbed()
        found: dict[str, list[float]] = {kind: [] for kind in BARS}
        for at, fault in self.faults:
            if fault.kind not in found:
                continue
            in_flight = [done - at for begun, done in ways if begun <= at < done]
            later = [done - at for begun, done in ways if begun > at]
            if in_flight or later:
                found[fault.kind].append(max([*in_flight, *([min(later)] if later else [])]))
        return {kind: summary(sorted(seconds)) for kind, seconds in found.items()}


def summary(seconds: list[float]) -> dict[str, float]:
    if not seconds:
        return {"n": 0, "p95": 0.0, "max": 0.0}
    p95 = seconds[max(0, -(-95 * len(seconds) // 100) - 1)]
    return {"n": len(seconds), "p95": round(p95, 2), "max": round(seconds[-1], 2)}


def unfinished() -> dict[str, int]:
    """What is still to be done, by kind."""
    from django.db.models import Q

    from fte_project.models import OutboxEvent
    from tickets.models import Conversation, Delivery, Message

    waiting = Message.objects.all().unanswered().filter(ticket__handler="assistant")
    return {
        "messages": waiting.count(),
        "conversations": Conversation.objects.filter(
            Q(work_due_at__isnull=False) | Q(lease_token__isnull=False)
        ).count(),
        "deliveries": Delivery.objects.all().waiting().count(),
        "events": OutboxEvent.objects.filter(published_at=None).count(),
    }


def held_by_people() -> list[str]:
    """Messages that nobody has answered because their ticket is with people: no machine may answer them."""
    from tickets.models import Message

    waiting = Message.objects.all().unanswered().exclude(ticket__handler="assistant")
    return list(waiting.values_list("external_id", flat=True))


def holds(found: dict[str, Any]) -> bool:
    """Whether the run kept every promise."""
    recovered = all(
        times["p95" if times["n"] >= 20 else "max"] <= BARS[kind] for kind, times in found["recovery_s"].items()
    )
    clean = not any(found[n] for n in ("lost", "duplicates", "phantom", "inversions", "cross_talk", "stuck"))
    return clean and recovered and not found["refused"] and found["naive_duplicates"] > 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channels", default="web_form", help="over which they write: web_form, email, or both")
    parser.add_argument("--messages", type=int, default=300)
    parser.add_argument("--kills", type=int, default=12)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--history", type=Path)
    parser.add_argument("--logs", type=Path, help="keep the processes' logs here")
    chosen = parser.parse_args()
    channels = set(chosen.channels.split(","))
    if not channels <= {"web_form", "email"}:
        parser.error("--channels: web_form, email, or web_form,email")
    services = _services
    assert services is not None
    os.environ["DJANGO_SETTINGS_MODULE"] = "fte_project.settings"
    try:
        services.start()
        django.setup()
        prepare()
        chaos = Chaos(services, chosen.messages, chosen.kills, chosen.seed, channels)
        found = chaos.run()
        if chosen.history:
            chosen.history.write_text("".join(json.dumps(line) + "\n" for line in chaos.history()))
    except TimeoutError as error:
        print(json.dumps({"error": str(error), "seed": chosen.seed}))
        return 2
    finally:
        if chosen.logs:
            chosen.logs.mkdir(parents=True, exist_ok=True)
            for log in services.state.glob("*.log"):
                (chosen.logs / log.name).write_bytes(log.read_bytes())
        services.stop()
    print(json.dumps(found))
    return 0 if holds(found) else 1


def prepare() -> None:
    from django.core.management import call_command

    from tests.factories import sample_articles

    call_command("migrate", verbosity=0)
    sample_articles()


if __name__ == "__main__":
    sys.exit(main())
