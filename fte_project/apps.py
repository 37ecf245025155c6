"""The frame as a Django app: outbox, dead letters, timed jobs, heartbeats, keys; logging."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class FrameConfig(AppConfig):
    name = "fte_project"
    label = "frame"
    verbose_name = "System"

    def ready(self) -> None:
        from fte_project import roles
        from fte_project.logs import configure_logging

        configure_logging()
        roles.register("schedule", "fte_project.schedule.run_schedule")


class DeskConfig(AdminConfig):
    """Django's admin with our site in place of its own."""

    default_site = "fte_project.desk.Desk"
