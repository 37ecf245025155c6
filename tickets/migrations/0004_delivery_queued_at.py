import django.db.models.functions.datetime
from django.db import migrations, models
from django.db.models import F


def begin_when_it_was_made(apps, schema_editor):
    # Those that are settled need none: the table may be long, and nothing else may be locked for long.
    waiting = apps.get_model("tickets", "Delivery").objects.filter(status__in=["queued", "sending", "unknown"])
    waiting.update(queued_at=F("created_at"))


class Migration(migrations.Migration):
    dependencies = [
        ("tickets", "0003_delivery_look_ups"),
    ]

    operations = [
        migrations.AddField(
            model_name="delivery",
            name="queued_at",
            field=models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(),
                help_text="Its hours of trying begin here; a person may begin them again.",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("status__in", ["failed", "unknown"])), fields=["id"], name="delivery_for_people"
            ),
        ),
        migrations.RunPython(begin_when_it_was_made, migrations.RunPython.noop),
    ]
