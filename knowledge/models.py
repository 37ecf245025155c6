"""What we may answer: articles, and their chunks as the search sees them."""

from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse
from pgvector.django import VectorField

DIMENSIONS = 1536


class ArticleQuerySet(models.QuerySet["Article"]):
    def published(self) -> Self:
        return self.filter(status=Article.Status.PUBLISHED)

    def waiting(self) -> Self:
        """Published, with text that the search does not know yet."""
        return self.published().exclude(indexed_revision=F("revision"))


class Article(models.Model):
    """A help article. `revision` counts the saved texts; `indexed_revision` is the one the search answers from."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        ARCHIVED = "archived", "Archived"

    slug = models.SlugField(max_length=200, unique=True)
    title = models.CharField(max_length=250)
    summary = models.TextField(blank=True)
    body_md = models.TextField("text (Markdown)")
    topics = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    category = models.CharField(max_length=40, blank=True)
    url = models.URLField(
        "address", max_length=500, blank=True, help_text="Where it is published; empty: our own help page."
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    revision = models.PositiveIntegerField(default=1, editable=False)
    indexed_revision = models.PositiveIntegerField(default=0, editable=False)
    index_error = models.TextField(blank=True, editable=False)
    changed_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = ArticleQuerySet.as_manager()

    class Meta:
        ordering = ["title"]
        indexes = [models.Index(fields=["id"], name="article_waiting", condition=~Q(indexed_revision=F("revision")))]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return self.url or reverse("help-article", args=[self.slug])


class ActiveModel(models.Model):
    """The embedding model that queries use now (one row). Floors and thresholds belong to the model."""

    singleton = models.BooleanField(primary_key=True, default=True, editable=False)
    model_id = models.CharField(max_length=80)
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(singleton=True), name="one_active_model")]

    def __str__(self) -> str:
        return self.model_id


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
