"""Leads and auditors see the run metrics."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

GROUPS = ("lead", "auditor")


def make_groups(apps, schema_editor):
    create_permissions(installed.get_app_config("agent_runner"), verbosity=0, apps=apps)
    permission = apps.get_model("auth", "Permission").objects.get(
        content_type__app_label="agent_runner", codename="view_runmetric"
    )
    for group in apps.get_model("auth", "Group").objects.filter(name__in=GROUPS):
        group.permissions.add(permission)


class Migration(migrations.Migration):
    dependencies = [
        ("agent_runner", "0002_run_metrics"),
        ("frame", "0002_groups"),
    ]
    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
