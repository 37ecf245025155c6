"""Leads decide who is on duty; leads and auditors see what the staff were told."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

GROUPS = {
    "lead": ["change_staffduty", "view_staffnotice"],
    "auditor": ["view_staffnotice"],
}


def make_groups(apps, schema_editor):
    create_permissions(installed.get_app_config("channels_app"), verbosity=0, apps=apps)
    permissions = apps.get_model("auth", "Permission").objects.filter(content_type__app_label="channels_app")
    for group in apps.get_model("auth", "Group").objects.filter(name__in=GROUPS):  # a renamed one is left alone
        group.permissions.add(*permissions.filter(codename__in=GROUPS[group.name]))


class Migration(migrations.Migration):
    dependencies = [
        ("channels_app", "0001_staff_notices"),
        ("frame", "0002_groups"),
    ]
    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
