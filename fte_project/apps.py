"""The frame as a Django app: outbox, dead letters, timed jobs, heartbeats, keys; logging."""

from datetime import timedelta

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.db.models.signals import post_migrate


class FrameConfig(AppConfig):
    name = "fte_project"
    label = "frame"
    verbose_name = "System"

    def ready(self) -> None:
        from fte_project import health, roles, schedule, worker_role
        from fte_project.logs import configure_logging

        configure_logging()
        post_migrate.connect(worker_role.grant_rights, sender=self)
        roles.register("schedule", "fte_project.schedule.run_schedule")
        schedule.register("limits.prune", "fte_project.limits.prune", every=timedelta(minutes=5))
        schedule.register("roles.prune", "fte_project.health.forget_old_roles", every=timedelta(hours=6))
        health.register("worker_role", "fte_project.worker_role.finding")


class DeskConfig(AdminConfig):
    """Django's admin with our site in place of its own."""

    default_site = "fte_project.desk.Desk"
