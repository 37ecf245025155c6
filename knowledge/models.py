"""What we may answer: articles, their chunks as the search sees them, and what else the search goes by."""

from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Case, CharField, Exists, F, OuterRef, Q, Value, When
from django.db.models.functions import Now
from django.urls import reverse
from pgvector.django import VectorField
from simple_history.models import HistoricalRecords

DIMENSIONS = 1536


class ArticleQuerySet(models.QuerySet["Article"]):
    def published(self) -> Self:
        return self.filter(status=Article.Status.PUBLISHED)

    def waiting(self) -> Self:
        """Published, with text that the search does not know yet."""
        return self.published().exclude(indexed_revision=F("revision"))

    def due(self) -> Self:
        """Those that did not fail, or whose next try has come."""
        return self.filter(Q(index_retry_at=None) | Q(index_retry_at__lte=Now()))

    def lacking(self, model_id: str) -> Self:
        """Published, without chunks of this model that were made from the newest text."""
        made = Chunk.objects.filter(article=OuterRef("pk"), model_id=model_id, revision=OuterRef("revision"))
        return self.published().exclude(Exists(made))

    def with_index_state(self) -> Any:
        """Each with `index_state`: indexed, waiting, failed, or off (not published)."""
        published = Q(status=Article.Status.PUBLISHED)
        return self.annotate(
            index_state=Case(
                When(published & Q(indexed_revision=F("revision")), then=Value("indexed")),
                When(published & Q(index_error=""), then=Value("waiting")),
                When(published, then=Value("failed")),
                default=Value("off"),
                output_field=CharField(),
            )
        )


class Article(models.Model):
    """A help article. `revision` counts the saved texts; `indexed_revision` is the one the search answers from.

    `history` keeps what every save() left behind; update() leaves no trace, and is for the index's bookkeeping.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        ARCHIVED = "archived", "Archived"

    slug = models.SlugField(max_length=200, unique=True)
    title = models.CharField(max_length=250)
    summary = models.TextField(blank=True)
    body_md = models.TextField("text (Markdown)", blank=True)
    topics = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    category = models.CharField(max_length=40, blank=True)
    url = models.URLField(
        "address", max_length=500, blank=True, help_text="Where it is published; empty: our own help page."
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    revision = models.PositiveIntegerField(default=1, editable=False)
    indexed_revision = models.PositiveIntegerField(default=0, editable=False)
    index_error = models.TextField(blank=True, editable=False, help_text="Which model failed, and why.")
    index_attempts = models.PositiveSmallIntegerField(default=0, editable=False, help_text="Failed ones, in a row.")
    index_retry_at = models.DateTimeField(
        null=True, editable=False, help_text="Not tried again before; empty: at once."
    )
    changed_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ArticleQuerySet.as_manager()
    history = HistoricalRecords(
        excluded_fields=["indexed_revision", "index_error", "index_attempts", "index_retry_at", "changed_at"]
    )
    _change_reason: str  # why a save was made, for the history

    class Meta:
        ordering = ["title"]
        indexes = [models.Index(fields=["id"], name="article_waiting", condition=~Q(indexed_revision=F("revision")))]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return self.url or reverse("help-article", args=[self.slug])

    def text_changed(self) -> None:
        """Count the text as a new revision, to be indexed at once whatever failed before. Saves nothing."""
        self.revision += 1
        self.index_error = ""
        self.try_at_once()

    def try_at_once(self) -> None:
        """Somebody did something about it: its next try does not wait. Saves nothing."""
        self.index_attempts, self.index_retry_at = 0, None


class ActiveModel(models.Model):
    """The embedding model that queries use now (one row), and the one that is being prepared to take its place."""

    singleton = models.BooleanField(primary_key=True, default=True, editable=False)
    model_id = models.CharField(max_length=80)
    next_model_id = models.CharField(max_length=80, blank=True, help_text="Embedded in the background; empty: none.")
    leftovers_since = models.DateTimeField(null=True, help_text="Vectors of models given up then are still to go.")
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(singleton=True), name="one_active_model")]

    def __str__(self) -> str:
        return self.model_id


class Calibration(models.Model):
    """What nearness means for one embedding model in this knowledge base; written by `manage.py calibrate`.

    `floor`: similarity below which nothing is known about a question. `values`: the other numbers of
    calibration.Thresholds. `figures`: what was measured when it was made.
    """

    model_id = models.CharField(max_length=80, primary_key=True)
    floor = models.FloatField()
    values = models.JSONField()
    figures = models.JSONField(default=dict)
    made_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.model_id


class VectorIndex(models.Model):
    """The vector index over the vectors of one embedding model, or why there is none; written by `index_articles`."""

    class Over(models.TextChoices):
        CHUNKS = "chunks", "Passages"
        QUESTIONS = "questions", "Resolved questions"

    class Kind(models.TextChoices):
        IVFFLAT = "ivfflat", "ivfflat"
        HNSW = "hnsw", "hnsw"

    model_id = models.CharField(max_length=80)
    over = models.CharField(max_length=9, choices=Over.choices, default=Over.CHUNKS)
    name = models.CharField(max_length=63, blank=True, help_text="In PostgreSQL; empty: exact search, no index.")
    kind = models.CharField(max_length=8, choices=Kind.choices, blank=True)
    lists = models.PositiveIntegerField(default=0)
    probes = models.PositiveIntegerField(default=0, help_text="ivfflat.probes, or hnsw.ef_search.")
    rows = models.PositiveIntegerField(default=0, help_text="When it was built.")
    recall = models.FloatField(null=True, help_text="Recall@5 against exact search, measured after building.")
    error = models.TextField(blank=True)
    built_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model_id", "over"], name="vector_index_once")]

    def __str__(self) -> str:
        return self.name or f"none for {self.model_id}"


class Chunk(models.Model):
    """A passage of an article with its vector. `key` stays the same for the same text at the same place."""

    article = models.ForeignKey(Article, on_delete=models.CASCADE, related_name="chunks")
    revision = models.PositiveIntegerField()
    key = models.CharField(max_length=64)
    model_id = models.CharField(max_length=80)
    position = models.PositiveIntegerField()
    is_summary = models.BooleanField(default=False, help_text="Title and summary: finds the article, is not quoted.")
    section = models.CharField(max_length=300, blank=True, help_text="The trail of headings.")
    passage = models.TextField(help_text="The words of the article, as a reader sees them in Markdown.")
    embedding = VectorField(dimensions=DIMENSIONS)
    words = SearchVectorField(help_text="Of section and passage; written with them (see indexing.py).")

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["article", "revision", "key", "model_id"], name="chunk_once")]
        indexes = [GinIndex(fields=["words"], name="chunk_words")]

    def __str__(self) -> str:
        return self.section


class Lexeme(models.Model):
    """How many chunks hold a word (as the text search writes it): the rare words of a question find its articles."""

    word = models.TextField(primary_key=True)
    chunks = models.IntegerField(db_index=True)

    def __str__(self) -> str:
        return self.word


class ResolvedQuestionQuerySet(models.QuerySet["ResolvedQuestion"]):
    def lacking(self, model_id: str) -> Self:
        """Those without a vector of this model."""
        return self.exclude(Exists(QuestionVector.objects.filter(question=OuterRef("pk"), model_id=model_id)))


class ResolvedQuestion(models.Model):
    """A customer's question that an article answered, as somebody approved: evidence for later questions like it."""

    class Approval(models.TextChoices):
        STAFF = "staff", "A person of the desk"
        CUSTOMER = "customer", "The customer"
        IMPORT = "import", "Loaded from a file"

    source = models.CharField(
        max_length=80, unique=True, help_text="Where it comes from: ticket:<public id>, or a file."
    )
    text = models.TextField(help_text="The question, as the search reads it.")
    articles = models.ManyToManyField(Article, related_name="resolved_questions")
    approved_by = models.CharField(max_length=10, choices=Approval.choices)
    asked_at = models.DateTimeField(help_text="Evidence only for questions asked later.")
    created_at = models.DateTimeField(db_default=Now())

    objects = ResolvedQuestionQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at"]

    def __str__(self) -> str:
        return self.text.split("\n")[0][:80]


class QuestionVector(models.Model):
    """The vector of a resolved question by one embedding model."""

    question = models.ForeignKey(ResolvedQuestion, on_delete=models.CASCADE, related_name="vectors")
    model_id = models.CharField(max_length=80)
    embedding = VectorField(dimensions=DIMENSIONS)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["question", "model_id"], name="question_vector_once")]

    def __str__(self) -> str:
        return f"{self.question_id} {self.model_id}"
