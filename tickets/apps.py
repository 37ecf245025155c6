from datetime import timedelta

from django.apps import AppConfig


class TicketsConfig(AppConfig):
    name = "tickets"
    verbose_name = "Desk"

    def ready(self) -> None:
        from customers import panels
        from fte_project import health, roles, schedule
        from tickets.desk_links import panel

        panels.register("links", panel)
        roles.register("relay", "tickets.outbox.relay")
        schedule.register("tickets.time", "tickets.timers.let_time_pass", every=timedelta(minutes=10))
        schedule.register("tickets.watchdog", "tickets.timers.watch_waiting", every=timedelta(seconds=30))
        schedule.register("outbox.prune", "tickets.outbox.prune_outbox", every=timedelta(minutes=5))
        health.register_due("conversations", "tickets.health.due_conversations")
        health.register_due("deliveries", "tickets.health.due_deliveries")
        health.register("dead_letters", "tickets.health.dead_letters")
        health.register("unknown_deliveries", "tickets.health.unknown_deliveries")
