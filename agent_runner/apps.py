from django.apps import AppConfig


class AgentRunnerConfig(AppConfig):
    name = "agent_runner"
    verbose_name = "Assistant"

    def ready(self) -> None:
        from fte_project import roles

        roles.register("agent", "agent_runner.worker.answer_messages")
