"""A pass has one record. Where it was made twice, the one that was stored first is kept."""

from django.db import migrations, models
from django.db.models import Count, Min


def keep_the_first(apps, schema_editor):
    runs = apps.get_model("agent_runner", "AgentRun").objects
    twice = (
        runs.order_by().values("conversation", "started_at").annotate(n=Count("pk"), first=Min("pk")).filter(n__gt=1)
    )
    for row in list(twice):
        same = runs.filter(conversation=row["conversation"], started_at=row["started_at"])
        same.exclude(pk=row["first"]).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("agent_runner", "0003_metric_permissions"),
        ("tickets", "0004_delivery_queued_at"),
    ]

    operations = [
        migrations.RunSQL(
            "SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop
        ),  # a table that is checked later cannot change
        migrations.RunPython(keep_the_first, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="agentrun",
            constraint=models.UniqueConstraint(fields=("conversation", "started_at"), name="run_once"),
        ),
    ]
