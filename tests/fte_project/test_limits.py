"""Counting in PostgreSQL: exact when many count at once, by its own clock, and by what a sender cannot choose."""

from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.test import RequestFactory

from fte_project import limits, schedule
from fte_project.limits import TooMany, client_network, count, destination
from fte_project.models import RateCount, TimedJob
from fte_project.settings import rate
from tests.concurrency import at_once, real_commits

FOR_EVER = 10**9  # seconds: a window that does not end while a test runs


def passes(**done: str) -> bool:
    try:
        count(done)
    except TooMany:
        return False
    return True


def shift(seconds: int) -> None:
    """Let time pass: everything that was counted is so much older."""
    past = timedelta(seconds=seconds)
    RateCount.objects.update(started_at=F("started_at") - past, expires_at=F("expires_at") - past)


# --- Counting ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a15_as_many_as_the_limit_pass_and_then_none(settings: Any) -> None:
    settings.RATE_LIMITS = {"ip": (3, 600)}
    assert [passes(ip="a") for _ in range(5)] == [True] * 3 + [False] * 2
    assert passes(ip="b")


@pytest.mark.django_db
def test_a15_the_refusal_says_when_the_window_ends_by_the_clock_of_the_database(settings: Any) -> None:
    settings.RATE_LIMITS = {"ip": (1, FOR_EVER), "global": (1, 60)}  # that never end at the same moment
    count({"ip": "a", "global": ""})
    with pytest.raises(TooMany, match="was not stored") as refused:
        count({"ip": "a", "global": ""})
    left = RateCount.objects.annotate(left=F("expires_at") - Now()).get(bucket__startswith="ip:").left
    assert refused.value.kind == "ip", "the one that takes longest"
    assert 0 <= refused.value.seconds - left.total_seconds() < 1
    assert 60 < refused.value.seconds <= FOR_EVER


@pytest.mark.parametrize(
    ("seconds", "said"), [(1, "a minute"), (60, "a minute"), (61, "2 minutes"), (3600, "60 minutes")]
)
def test_the_time_to_wait_is_said_to_people(seconds: int, said: str) -> None:
    assert str(TooMany("ip", seconds)).endswith(f"send it again in {said}.")


@pytest.mark.django_db
def test_a15_when_the_window_has_passed_everything_is_allowed_again(settings: Any) -> None:
    settings.RATE_LIMITS = {"ip": (2, 600)}
    assert [passes(ip="a") for _ in range(3)] == [True, True, False]
    shift(600)
    assert [passes(ip="a") for _ in range(3)] == [True, True, False]


@pytest.mark.django_db
def test_a15_what_is_refused_uses_up_nothing_that_others_share(settings: Any) -> None:
    settings.RATE_LIMITS = {"ip": (2, 600), "global": (10, 600)}
    assert sum(passes(**{"ip": "flood", "global": ""}) for _ in range(50)) == 2
    assert sum(passes(**{"ip": f"other {n}", "global": ""}) for n in range(50)) == 8


@pytest.mark.django_db
def test_a15_the_table_holds_no_address(settings: Any) -> None:
    count({"ip": "192.0.2.7", "email": "ann@example.com"})
    stored = " ".join(f"{value}" for row in RateCount.objects.values() for value in row.values())
    assert "192.0.2" not in stored
    assert "ann" not in stored
    before = set(RateCount.objects.values_list("bucket", flat=True))
    settings.SECRET_KEY = "another"
    count({"ip": "192.0.2.7", "email": "ann@example.com"})
    assert RateCount.objects.exclude(bucket__in=before).count() == 2, "without our key nobody can try all addresses"


@real_commits
def test_a15_no_more_than_the_limit_pass_however_many_count_at_once(settings: Any) -> None:
    settings.RATE_LIMITS = {"ip": (25, FOR_EVER), "global": (1000, FOR_EVER)}

    def some(_: int) -> int:
        return sum(passes(**{"ip": "a", "global": ""}) for _ in range(10))

    passed = at_once(12, some)
    assert not [p for p in passed if isinstance(p, Exception)]
    assert sum(p for p in passed if isinstance(p, int)) == 25


@real_commits
def test_a15_those_who_count_the_same_things_in_another_order_never_wait_for_each_other(settings: Any) -> None:
    kinds = [f"k{n}" for n in range(8)]
    settings.RATE_LIMITS = dict.fromkeys(kinds, (10_000, FOR_EVER))

    def some(number: int) -> None:
        for turn in range(25):
            same = [*kinds[turn % 8 :], *kinds[: turn % 8]]
            count(dict.fromkeys(same if number % 2 else reversed(same), f"{turn // 5}"))

    assert at_once(8, some) == [None] * 8  # a deadlock would be an OperationalError
    assert set(RateCount.objects.values_list("count", flat=True)) == {8 * 5}


@real_commits
def test_only_the_counting_itself_does_not_wait_for_the_disk() -> None:
    def waits() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('synchronous_commit')")
            return str(cursor.fetchone()[0])

    count({"ip": "a"})
    assert waits() == "on"
    with transaction.atomic():
        count({"ip": "a"})
        assert waits() == "on"


# --- Old windows --------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_windows_that_have_passed_are_deleted_by_a_timed_job(settings: Any) -> None:
    settings.RATE_LIMITS = {"ip": (2, 60), "email": (2, FOR_EVER)}
    count({"ip": "a", "email": "a"})
    shift(60 + int(limits.PRUNE_AFTER.total_seconds()) + 1)
    count({"ip": "b"})
    TimedJob.objects.create(name="limits.prune")
    assert async_to_sync(schedule.run_job)("limits.prune")
    assert TimedJob.objects.get(name="limits.prune").last_error == ""
    assert sorted(b.partition(":")[0] for b in RateCount.objects.values_list("bucket", flat=True)) == ["email", "ip"]
    assert [passes(ip="b"), passes(ip="b")] == [True, False]


# --- Who sends ----------------------------------------------------------------------------------------------------

PEER = "203.0.113.9"  # documentation addresses (RFC 5737, RFC 3849)
WHO: list[tuple[int, str, str, str]] = [
    (0, PEER, "", PEER),
    (0, PEER, "198.51.100.1", PEER),
    (1, PEER, "", PEER),
    (1, PEER, "198.51.100.1", "198.51.100.1"),
    (1, PEER, "10.0.0.1, 127.0.0.1, 198.51.100.1", "198.51.100.1"),
    (1, PEER, " 198.51.100.1 ", "198.51.100.1"),
    (1, PEER, "198.51.100.1:5678", "198.51.100.1"),
    (1, PEER, "10.0.0.1,", PEER),
    (1, PEER, "not an address", PEER),
    (1, PEER, "10.0.0.1, unknown", PEER),
    (2, PEER, "10.0.0.1, 198.51.100.1, 192.0.2.4", "198.51.100.1"),
    (2, PEER, "198.51.100.1", PEER),
    (0, "2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
    (0, "2001:db8:1:2:ffff::1%eth0", "", "2001:db8:1:2::/64"),
    (0, "::ffff:203.0.113.9", "", PEER),
    (1, PEER, "[2001:db8:1:2::9]:443", "2001:db8:1:2::/64"),
    (1, PEER, "2001:db8:1:3::9", "2001:db8:1:3::/64"),
    (0, "", "198.51.100.1", "unknown"),
    (1, "", "x" * 9000, "unknown"),
]


@pytest.mark.parametrize(("trusted", "peer", "forwarded", "network"), WHO)
def test_a15_only_what_our_own_proxies_wrote_says_who_sends(
    trusted: int, peer: str, forwarded: str, network: str, settings: Any, rf: RequestFactory
) -> None:
    settings.TRUSTED_PROXIES = trusted
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    assert client_network(rf.post("/", headers=headers, REMOTE_ADDR=peer)) == network


@pytest.mark.parametrize(
    ("email", "mailbox"),
    [
        ("ann@example.com", "ann@example.com"),
        ("ann+a+b@example.com", "ann@example.com"),
        ("a.nn@example.com", "a.nn@example.com"),
        ("a.n.n+1@gmail.com", "ann@gmail.com"),
        ("a.nn@googlemail.com", "ann@gmail.com"),
        ("+tag@example.com", "+tag@example.com"),
    ],
)
def test_a15_spellings_of_one_mailbox_count_together(email: str, mailbox: str) -> None:
    assert destination(email) == mailbox


# --- Settings -----------------------------------------------------------------------------------------------------


def test_a_limit_is_written_as_count_and_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rate("RATE_LIMIT_TEST", "20/600") == (20, 600)
    monkeypatch.setenv("RATE_LIMIT_TEST", "1/86400")
    assert rate("RATE_LIMIT_TEST", "20/600") == (1, 86400)


@pytest.mark.parametrize(
    "written", ["", "20", "20/", "/600", "0/600", "20/0", "-1/60", "a/b", "1/2/3", "1//2", "9" * 12]
)
def test_a_limit_that_is_none_is_named(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE_LIMIT_TEST", written)
    with pytest.raises(ImproperlyConfigured, match=r"RATE_LIMIT_TEST is .*write count/seconds, for example 20/600"):
        rate("RATE_LIMIT_TEST", "20/600")
