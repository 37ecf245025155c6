from datetime import timedelta

from django.apps import AppConfig


class AgentRunnerConfig(AppConfig):
    name = "agent_runner"
    verbose_name = "Assistant"

    def ready(self) -> None:
        from agent_runner.panels import run_entries
        from fte_project import health, roles, schedule
        from tickets import panels

        roles.register("agent", "agent_runner.worker.work")
        # An event that got lost is made up for.
        schedule.register("runs.meter", "agent_runner.metrics.meter_runs", every=timedelta(minutes=1))
        schedule.register("tickets.learn", "agent_runner.learning.learn_from_tickets", every=timedelta(minutes=1))
        make_case = panels.Door(
            words="Make an evaluation case",
            url_name="admin:agent_runner_evaluationcase_make",
            permission="agent_runner.add_evaluationcase",
        )
        panels.register_door("evaluation_case", make_case)
        panels.register("runs", run_entries, permission="agent_runner.view_agentrun")
        health.register("assistant_model", "agent_runner.health.assistant_model", needs_database=False)
        health.register("model_pace", "agent_runner.health.model_pace")
