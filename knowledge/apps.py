from datetime import timedelta

from django.apps import AppConfig


class KnowledgeConfig(AppConfig):
    name = "knowledge"
    verbose_name = "Knowledge base"

    def ready(self) -> None:
        from fte_project import health, schedule

        schedule.register("knowledge.index", "knowledge.keeping_up.index_job", every=timedelta(seconds=30))
        schedule.register("knowledge.vectors", "knowledge.vector_index.vector_job", every=timedelta(minutes=5))
        health.register("embedding_model", "knowledge.health.embedding_model")
        health.register("articles", "knowledge.health.articles")
        health.register("vector_index", "knowledge.health.vector_index")
