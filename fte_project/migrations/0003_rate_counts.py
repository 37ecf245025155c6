from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("frame", "0002_groups")]

    operations = [
        migrations.CreateModel(
            name="RateCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("bucket", models.CharField(max_length=80)),
                ("started_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("count", models.PositiveIntegerField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("bucket", "started_at"), name="rate_count_once"),
                ],
            },
        ),
    ]
