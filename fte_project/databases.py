"""How this product connects to PostgreSQL: its patience, its limits, its pool."""

from typing import Any
from urllib.parse import unquote

# A server that vanishes without a word (a failover, a cable) must not hold anybody for the kernel's quarter of an hour.
PATIENCE: dict[str, Any] = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


def postgresql(where: dict[str, Any], *, pool_size: int | None) -> dict[str, Any]:
    """Django's entry for the database at this address; without a `pool_size` every thread has its own connection."""
    options = {
        **PATIENCE,
        **where.get("OPTIONS", {}),
        # A client that stops answering must not hold locks for long (leases carry the work, not connections).
        # Compiling a search to machine code takes longer than running it.
        "options": "-c statement_timeout=30000 -c lock_timeout=10000 -c idle_in_transaction_session_timeout=30000"
        " -c jit=off",
    }
    if pool_size is not None:
        options["pool"] = {
            "min_size": 1,
            "max_size": pool_size,
            "timeout": 1.5,  # a post must hear within two seconds that nothing can be stored
            # Its waits between tries double: after a long outage it would find the database minutes too late.
            "reconnect_timeout": 2.0,
        }
    return {
        **where,
        "ENGINE": "django.db.backends.postgresql",
        "HOST": unquote(where["HOST"]),  # a socket's folder is written %2Fvar%2Frun%2Fpostgresql
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }
