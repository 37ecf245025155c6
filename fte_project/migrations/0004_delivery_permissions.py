"""Agents and leads decide about deliveries, and dead letters name what is needed to replay them."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

GROUPS = ("agent", "lead")


def make_groups(apps, schema_editor):
    create_permissions(installed.get_app_config("tickets"), verbosity=0, apps=apps)
    permission = apps.get_model("auth", "Permission").objects.get(
        content_type__app_label="tickets", codename="change_delivery"
    )
    for group in apps.get_model("auth", "Group").objects.filter(name__in=GROUPS):
        group.permissions.add(permission)


def forget_conversations(apps, schema_editor):
    # From now on the subject of such a letter is its holding text; older ones named the conversation once more.
    apps.get_model("frame", "DeadLetter").objects.filter(kind="conversation").update(subject_id=None)


class Migration(migrations.Migration):
    dependencies = [
        ("frame", "0003_rate_counts"),
        ("tickets", "0001_initial"),
    ]
    operations = [
        migrations.RunPython(make_groups, migrations.RunPython.noop),
        migrations.RunPython(forget_conversations, migrations.RunPython.noop),
    ]
