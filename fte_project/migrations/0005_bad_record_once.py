"""A bad record is one dead letter. Where it became two, the first is kept."""

from django.db import migrations, models
from django.db.models import Count, Min, Q


def keep_the_first(apps, schema_editor):
    letters = apps.get_model("frame", "DeadLetter").objects.filter(kind="record")
    twice = letters.order_by().values("origin", "error").annotate(n=Count("pk"), first=Min("pk")).filter(n__gt=1)
    for row in list(twice):
        letters.filter(origin=row["origin"], error=row["error"]).exclude(pk=row["first"]).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("frame", "0004_delivery_permissions"),
    ]

    operations = [
        migrations.RunPython(keep_the_first, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="deadletter",
            constraint=models.UniqueConstraint(
                condition=Q(("kind", "record")), fields=("origin", "error"), name="bad_record_once"
            ),
        ),
        migrations.AddIndex(
            model_name="deadletter",
            index=models.Index(condition=Q(("kind", "record")), fields=["created_at"], name="bad_record_at"),
        ),
    ]
