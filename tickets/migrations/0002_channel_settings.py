"""One row of settings per channel, with the limits the product starts with."""

from django.db import migrations

ROWS = {
    "email": {"max_words": 500, "quiet_seconds": 0},
    "whatsapp": {"max_words": 300, "quiet_seconds": 4},
    "web_form": {"max_words": 300, "quiet_seconds": 0},
}


def make_rows(apps, schema_editor):
    settings = apps.get_model("tickets", "ChannelSettings")
    for channel, values in ROWS.items():
        settings.objects.get_or_create(channel=channel, defaults=values)


class Migration(migrations.Migration):
    dependencies = [("tickets", "0001_initial")]
    operations = [migrations.RunPython(make_rows, migrations.RunPython.noop)]
