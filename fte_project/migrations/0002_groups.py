"""The four groups and what each may do."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

DESK = [
    "ticket",
    "conversation",
    "message",
    "note",
    "escalation",
    "delivery",
    "attachment",
    "customer",
    "identifier",
]
AGENT = [
    *(f"view_{model}" for model in DESK),
    "change_ticket",
    "add_note",
    "view_article",
    "view_agentrun",
]
EDITOR = ["view_article", "add_article", "change_article"]
LEAD = [
    *AGENT,
    *EDITOR,
    "view_channelsettings",
    "change_channelsettings",
    "view_deadletter",
    "change_deadletter",
]
AUDITOR = [
    *(f"view_{model}" for model in DESK),
    "view_article",
    "view_agentrun",
    "view_channelsettings",
    "view_deadletter",
    "view_ticketevent",
    "view_user",
    "view_group",
]
GROUPS = {"agent": AGENT, "lead": LEAD, "editor": EDITOR, "auditor": AUDITOR}


def make_groups(apps, schema_editor):
    # Permissions are normally made after all migrations; the groups need them now.
    for label in ("auth", "frame", "customers", "knowledge", "tickets", "agent_runner"):
        create_permissions(installed.get_app_config(label), verbosity=0, apps=apps)
    group_model = apps.get_model("auth", "Group")
    permissions = apps.get_model("auth", "Permission").objects
    for name, codenames in GROUPS.items():
        group, _ = group_model.objects.get_or_create(name=name)
        group.permissions.set(permissions.filter(codename__in=codenames))


class Migration(migrations.Migration):
    dependencies = [
        ("frame", "0001_initial"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("customers", "0001_initial"),
        ("knowledge", "0001_initial"),
        ("tickets", "0001_initial"),
        ("agent_runner", "0001_initial"),
    ]
    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
