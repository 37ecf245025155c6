from datetime import timedelta

from django.apps import AppConfig


class KnowledgeConfig(AppConfig):
    name = "knowledge"
    verbose_name = "Knowledge base"

    def ready(self) -> None:
        from fte_project import schedule

        schedule.register("knowledge.index", "knowledge.indexing.index_job", every=timedelta(seconds=30))
