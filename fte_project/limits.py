"""How often something may be done: counted in PostgreSQL, so that all processes count together."""

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

import structlog
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from fte_project.models import RateCount

log = structlog.get_logger()
PRUNE_AFTER = timedelta(minutes=5)  # longer than a statement may run: nobody counts in a window that is deleted
GMAIL = {"gmail.com", "googlemail.com"}
CODES = {"code_ticket", "code_address"}

# One statement, committed by itself. What is refused is not counted: a flood from one address must not use up what
# all others share. Rows are locked in the order of their buckets, so two who count the same never deadlock; of those
# who pass `reached` together, each sees another count, so no more than the limit pass. Its commit does not wait for
# the disk, because everybody waits for the row of all posts: a crash may forget the last counts, nothing else.
COUNT = """
WITH quick AS (
    SELECT set_config('synchronous_commit', coalesce(%(commit)s, current_setting('synchronous_commit')), true)
), asked AS (
    SELECT bucket, most, date_bin(make_interval(secs => seconds), now(), timestamptz 'epoch') AS started_at,
        make_interval(secs => seconds) AS span
    FROM unnest(%(buckets)s::text[], %(most)s::bigint[], %(seconds)s::bigint[]) AS given (bucket, most, seconds)
), reached AS (
    SELECT bucket, known.expires_at
    FROM asked JOIN frame_ratecount AS known USING (bucket, started_at)
    WHERE known.count >= asked.most
), counted AS (
    INSERT INTO frame_ratecount AS known (bucket, started_at, expires_at, count)
    SELECT bucket, started_at, started_at + span, 1 FROM asked, quick
    WHERE NOT EXISTS (SELECT FROM reached) ORDER BY bucket
    ON CONFLICT (bucket, started_at) DO UPDATE SET count = known.count + 1
    RETURNING bucket, expires_at, count
), refused AS (
    SELECT bucket, expires_at FROM reached
    UNION ALL
    SELECT bucket, counted.expires_at FROM counted JOIN asked USING (bucket) WHERE counted.count > asked.most
)
SELECT bucket, ceil(extract(epoch FROM expires_at - now()))::bigint FROM refused ORDER BY expires_at DESC LIMIT 1
"""


class TooMany(Exception):
    """A limit is reached; its text is for the customer. `kind` says which, `seconds` after how long to try again."""

    def __init__(self, kind: str, seconds: int) -> None:
        minutes = -(-seconds // 60)
        wait = f"{minutes} minutes" if minutes > 1 else "a minute"
        if kind in CODES:
            said = f"Too many codes were asked for. Please try again in {wait}."
        else:
            said = (
                "There were too many messages in a short time, so this one was not stored. "
                f"Please send it again in {wait}."
            )
        super().__init__(said)
        self.kind, self.seconds = kind, seconds


def count(done: Mapping[str, str]) -> None:
    """Count one more for every kind of `settings.RATE_LIMITS` in `done` and what it was done to.

    Raises TooMany when one of them is used up. Belongs outside a transaction: the rows stay locked until its end.
    """
    limits = [settings.RATE_LIMITS[kind] for kind in done]
    values: dict[str, Any] = {
        "commit": None if connection.in_atomic_block else "off",  # never for what others do in this transaction
        "buckets": [_bucket(kind, value) for kind, value in done.items()],
        "most": [most for most, _ in limits],
        "seconds": [seconds for _, seconds in limits],
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT, values)
        refused = cursor.fetchone()
    if refused is not None:
        kind, seconds = refused[0].partition(":")[0], max(1, refused[1])
        log.warning("rate_limited", kind=kind, seconds=seconds)
        raise TooMany(kind, seconds)


def _bucket(kind: str, value: str) -> str:
    """No address is stored; the key keeps the few possible IPv4 addresses from being tried one by one."""
    return f"{kind}:{salted_hmac(f'fte_project.limits.{kind}', value, algorithm='sha256').hexdigest()}"


def prune() -> None:
    """Delete the counts of windows that have passed. A timed job."""
    RateCount.objects.filter(expires_at__lt=Now() - PRUNE_AFTER).delete()


def client_network(request: HttpRequest) -> str:
    """Who sent the request, as far as it is certain: an IPv4 address, an IPv6 /64, or `unknown`.

    Each of our settings.TRUSTED_PROXIES proxies adds its own peer at the end of X-Forwarded-For; what stands before
    that was written by the sender and is ignored.
    """
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    trusted = settings.TRUSTED_PROXIES
    written = forwarded[-trusted] if 0 < trusted <= len(forwarded) else ""
    return _network(written.strip()) or _network(request.META.get("REMOTE_ADDR", "")) or "unknown"


def _network(written: str) -> str:
    """The network of an address, which may bring its port; empty when it is none."""
    host = written.removeprefix("[").partition("]")[0]
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(ip_network((address, 64), strict=False))  # one customer has at least a /64
    return str(getattr(address, "ipv4_mapped", None) or address)


def destination(email: str) -> str:
    """The mailbox that mail to `email`, a normal form, most likely reaches: without its +tag, and Gmail's dots."""
    local, _, domain = email.rpartition("@")
    local = local.partition("+")[0] or local
    return f"{local.replace('.', '')}@gmail.com" if domain in GMAIL else f"{local}@{domain}"
