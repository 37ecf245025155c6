from django.apps import AppConfig


class AgentRunnerConfig(AppConfig):
    name = "agent_runner"
    verbose_name = "Assistant"

    def ready(self) -> None:
        from agent_runner.panels import run_entries
        from fte_project import roles
        from tickets import panels

        roles.register("agent", "agent_runner.worker.answer_messages")
        panels.register("runs", run_entries, permission="agent_runner.view_agentrun")
