"""Leads and editors make and correct evaluation cases; auditors see them."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

CASES = ["view_evaluationcase", "add_evaluationcase", "change_evaluationcase", "delete_evaluationcase"]
GROUPS = {"lead": CASES, "editor": CASES, "auditor": ["view_evaluationcase"]}


def make_groups(apps, schema_editor):
    create_permissions(installed.get_app_config("agent_runner"), verbosity=0, apps=apps)
    permissions = apps.get_model("auth", "Permission").objects.filter(content_type__app_label="agent_runner")
    for group in apps.get_model("auth", "Group").objects.filter(name__in=GROUPS):
        group.permissions.add(*permissions.filter(codename__in=GROUPS[group.name]))


class Migration(migrations.Migration):
    dependencies = [
        ("agent_runner", "0007_evaluation_cases"),
        ("frame", "0002_groups"),
    ]
    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
