"""Is this process alive; can this installation do its work. Reasons in words, no secrets."""

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models.functions import Now

from fte_project.models import Heartbeat

ROLES = ("relay", "agent", "delivery", "schedule")


def problems() -> dict[str, str]:
    """What is wrong, by part; empty when everything works."""
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return {"migrations": "Migrations are missing: run manage.py migrate."}
        beating = set(Heartbeat.objects.filter(beat_at__gt=Now() - Heartbeat.FRESH).values_list("role", flat=True))
        found = {role: "No process runs this role." for role in ROLES if role not in beating}
    except DatabaseError:
        return {"database": "The database does not answer."}
    return found
