from datetime import timedelta

from django.apps import AppConfig


class ChannelsAppConfig(AppConfig):
    name = "channels_app"
    verbose_name = "Channels"

    def ready(self) -> None:
        from fte_project import roles, schedule

        roles.register("delivery", "channels_app.delivery.deliver")
        schedule.register("staff.notices", "channels_app.staff_notify.look_after", every=timedelta(seconds=5))
