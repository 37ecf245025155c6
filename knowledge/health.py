"""Whether the assistant can find the articles: what `doctor` says about embeddings and the index."""

from fte_project.health import Finding, State
from knowledge.embeddings import EmbeddingFailed, configured_model_id, embedder
from knowledge.models import ActiveModel, Article


def embedding_model() -> Finding:
    """Whether the model that the index was made with can be used by this process."""
    active = ActiveModel.objects.first()
    wanted = configured_model_id()
    model_id = active.model_id if active else wanted
    try:
        embedder(model_id)
    except EmbeddingFailed as error:
        return State.FAILED, f"{error} Until then search is by words only."
    if model_id != wanted:
        return State.OK, f"{model_id}, as the articles were indexed; the settings now ask for {wanted}."
    return State.OK, model_id


def articles() -> Finding:
    """How much of the knowledge base the search knows."""
    published = Article.objects.all().published().count()
    waiting = Article.objects.all().waiting()
    failed = waiting.exclude(index_error="").order_by("pk")
    counts = f"{published - waiting.count()} indexed, {waiting.count() - failed.count()} waiting"
    if first := failed.first():
        return State.FAILED, f"{counts}, {failed.count()} failed, among them {first.slug}: the article shows its error."
    if not published:
        return State.OK, "None is published, so everything goes to people: run manage.py load_articles PATH."
    return State.OK, f"{counts}, 0 failed."
