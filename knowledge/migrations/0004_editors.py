"""What editors, leads and auditors may do with revisions and resolved questions; the first revision of what is there."""

from django.apps import apps as installed
from django.contrib.auth.management import create_permissions
from django.db import migrations

EDITOR = ["view_historicalarticle", "view_resolvedquestion", "change_resolvedquestion", "delete_resolvedquestion"]
GROUPS = {
    "editor": EDITOR,
    "lead": EDITOR,
    "auditor": ["view_historicalarticle", "view_resolvedquestion"],
}
KEPT = ("id", "slug", "title", "summary", "body_md", "topics", "category", "url", "status", "revision")


def make_groups(apps, schema_editor):
    create_permissions(installed.get_app_config("knowledge"), verbosity=0, apps=apps)
    permissions = apps.get_model("auth", "Permission").objects.filter(content_type__app_label="knowledge")
    for group in apps.get_model("auth", "Group").objects.filter(name__in=GROUPS):
        group.permissions.add(*permissions.filter(codename__in=GROUPS[group.name]))


def keep_first_revisions(apps, schema_editor):
    # Without it, the first edit of an older article would be the first text that is kept.
    revision = apps.get_model("knowledge", "HistoricalArticle")
    revision.objects.bulk_create(
        (
            revision(
                history_type="+", history_date=article.changed_at, **{name: getattr(article, name) for name in KEPT}
            )
            for article in apps.get_model("knowledge", "Article").objects.iterator(chunk_size=500)
        ),
        batch_size=500,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("knowledge", "0003_article_history"),
        ("frame", "0002_groups"),
    ]
    operations = [
        migrations.RunPython(make_groups, migrations.RunPython.noop),
        migrations.RunPython(keep_first_revisions, migrations.RunPython.noop),
    ]
