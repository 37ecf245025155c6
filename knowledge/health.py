"""Whether the assistant can find the articles: what `doctor` says about embeddings and the index."""

from django.conf import settings

from fte_project.health import Finding, State
from knowledge.calibration import thresholds
from knowledge.embeddings import EmbeddingFailed, configured_model_id, embedder
from knowledge.models import ActiveModel, Article, ArticleQuerySet, Chunk, VectorIndex
from knowledge.switching import coverage


def embedding_model() -> Finding:
    """Whether the model that the index was made with can be used by this process, and how far the next one is."""
    row = ActiveModel.objects.first()
    wanted = configured_model_id()
    model_id, following = (row.model_id, row.next_model_id) if row else (wanted, "")
    states, said = zip(*(_active(model_id, wanted, following), *_next(model_id, following)), strict=True)
    return State.FAILED if State.FAILED in states else State.OK, " ".join(said)


def _active(model_id: str, wanted: str, following: str) -> Finding:
    try:
        embedder(model_id)
    except EmbeddingFailed as error:
        return State.FAILED, f"{error} Until then search is by words only."
    if thresholds(model_id) is None and Article.objects.all().published().exists():
        return State.FAILED, f"{model_id} is not calibrated, so the assistant only drafts: run manage.py calibrate."
    if wanted not in {model_id, following}:
        switch = f"the settings now ask for {wanted}: run manage.py embed_articles --switch."
        return State.OK, f"{model_id}, as the articles were indexed; {switch}"
    return State.OK, f"{model_id}." if following else model_id


def _next(model_id: str, following: str) -> list[Finding]:
    if not following:
        return []
    said = f"{following} is being prepared: {coverage(following)}"
    if failed := _failed(Article.objects.all().lacking(following)):
        return [(State.FAILED, f"{said}; {failed}")]
    return [(State.OK, f"{said}. {model_id} answers until then.")]


def _failed(articles: ArticleQuerySet) -> str:
    """How many of them could not be indexed, and one to look at; '' when none."""
    failed = articles.exclude(index_error="").order_by("pk")
    first = failed.first()
    return f"{failed.count()} failed, among them {first.slug}: the article shows its error." if first else ""


def articles() -> Finding:
    """How much of the knowledge base the search knows."""
    published = Article.objects.all().published().count()
    waiting = Article.objects.all().waiting()
    counts = f"{published - waiting.count()} indexed, {waiting.filter(index_error='').count()} waiting"
    if failed := _failed(waiting):
        return State.FAILED, f"{counts}, {failed}"
    if not published:
        return State.OK, "None is published, so everything goes to people: run manage.py load_articles PATH."
    return State.OK, f"{counts}, 0 failed."


def vector_index() -> Finding:
    """Whether searches have the index that the number of vectors asks for, and how much of exact search it finds."""
    active = ActiveModel.objects.first()
    models = [active.model_id, active.next_model_id] if active else []
    indexes = VectorIndex.objects.filter(model_id__in=models).order_by("over", "pk")
    if failed := indexes.exclude(error="").first():
        return State.FAILED, f"{failed.get_over_display()} of {failed.model_id}: {failed.error}"
    if built := indexes.exclude(name="").exclude(recall=None):
        listed = [f"{i.get_over_display()}: {i.kind}, made of {i.rows}, recall@5 {i.recall:.3f}" for i in built]
        return State.OK, f"{'; '.join(listed)}."
    rows = Chunk.objects.filter(model_id__in=models[:1]).count()
    if rows >= settings.SEARCH_INDEX_FROM:
        return State.OK, f"{rows} passages have none yet: the schedule role, or manage.py index_articles, builds it."
    return State.OK, f"Search is exact: {rows} passages, an index is built from {settings.SEARCH_INDEX_FROM}."
