from django.apps import AppConfig


class ChannelsAppConfig(AppConfig):
    name = "channels_app"
    verbose_name = "Channels"

    def ready(self) -> None:
        from fte_project import roles

        roles.register("delivery", "channels_app.delivery.deliver")
