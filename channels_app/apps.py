from datetime import timedelta

from django.apps import AppConfig


class ChannelsAppConfig(AppConfig):
    name = "channels_app"
    verbose_name = "Channels"

    def ready(self) -> None:
        from django.conf import settings

        from channels_app import checks  # noqa: F401 (registers itself)
        from fte_project import health, roles, schedule

        roles.register("delivery", "channels_app.delivery.deliver")
        schedule.register("staff.notices", "channels_app.staff_notify.look_after", every=timedelta(seconds=5))
        if settings.GMAIL_ADDRESS:
            schedule.register("gmail.read", "channels_app.gmail.sync.read_mailboxes", every=timedelta(seconds=2))
            if settings.GMAIL_IMPORT_DAYS:
                schedule.register("gmail.import", "channels_app.gmail.sync.import_history", every=timedelta(seconds=10))
            if settings.GMAIL_PUSH_TOPIC:
                schedule.register("gmail.watch", "channels_app.gmail.watch.renew_watches", every=timedelta(minutes=1))
        health.register_due("staff notices", "channels_app.health.due_notices")
        health.register("web_form", "channels_app.health.web_form")
        health.register("staff_notices", "channels_app.health.staff_notices")
        health.register("email_copies", "channels_app.health.email_copies", needs_database=False)
        health.register("email", "channels_app.health.email_channel", needs_database=bool(settings.GMAIL_ADDRESS))
        health.register("whatsapp", "channels_app.health.whatsapp_channel", needs_database=False)
