"""Articles for editors: write, publish, and see whether the search knows the newest text."""

from typing import Any

from django.contrib import admin
from django.contrib.postgres.fields import ArrayField
from django.db.models import Case, CharField, F, QuerySet, Value, When
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from fte_project.schedule import run_soon
from knowledge.indexing import INDEX_JOB
from knowledge.models import Article

INDEXED_TEXT = {"title", "summary", "body_md"}  # what the chunks are made of
LIGHTS = {
    "indexed": "The assistant answers from this text.",
    "waiting": "Saved; the search will know this text in a moment. Until then it answers from the one before.",
    "failed": "The newest text could not be indexed; the search still answers from the one before.",
    "off": "Only published articles are searched.",
}


class IndexFilter(admin.SimpleListFilter):
    title = "index"
    parameter_name = "index"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("indexed", "Indexed"), ("waiting", "Waiting"), ("failed", "Failed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(index_state=self.value()) if self.value() else queryset


@admin.register(Article)
class ArticleAdmin(ModelAdmin):
    """Editors write here. Old chunks answer until the new text is indexed."""

    list_display = ["title", "category", "status_label", "index_light", "changed_at"]
    list_filter = ["status", IndexFilter, "category"]
    search_fields = ["title", "slug", "summary", "body_md"]
    list_per_page = 50
    readonly_fields = ["index_in_words", "revision", "changed_at"]
    fieldsets = [
        (None, {"fields": ["title", "slug", "summary", "body_md"]}),
        ("Where it belongs", {"fields": ["category", "topics", "url"]}),
        ("Publication", {"fields": ["status", "index_in_words", "revision", "changed_at"]}),
    ]
    formfield_overrides = {ArrayField: {"widget": UnfoldAdminTextInputWidget}}
    warn_unsaved_form = True
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Article]:
        articles: QuerySet[Article] = super().get_queryset(request)
        return articles.annotate(
            index_state=Case(
                When(status=Article.Status.PUBLISHED, indexed_revision=F("revision"), then=Value("indexed")),
                When(status=Article.Status.PUBLISHED, index_error="", then=Value("waiting")),
                When(status=Article.Status.PUBLISHED, then=Value("failed")),
                default=Value("off"),
                output_field=CharField(),
            )
        )

    def get_prepopulated_fields(self, request: HttpRequest, obj: Article | None = None) -> dict[str, Any]:
        return {} if obj else {"slug": ["title"]}  # a published address stays

    def view_on_site(self, article: Article) -> str | None:
        """Its page; drafts and archived articles have none."""
        return article.get_absolute_url() if article.status == Article.Status.PUBLISHED else None

    def save_model(self, request: HttpRequest, obj: Article, form: "ModelForm[Article]", change: bool) -> None:
        """Count a changed text as a new revision and have it indexed soon (in the admin's transaction)."""
        if change:
            # The index works at the same time: take its newest state, and count from the row, not from the form.
            current = Article.objects.select_for_update().get(pk=obj.pk)
            obj.revision, obj.indexed_revision = current.revision, current.indexed_revision
            obj.index_error = current.index_error
            obj.try_at_once()
            if INDEXED_TEXT & set(form.changed_data):
                obj.text_changed()
        obj.changed_at = timezone.now()
        super().save_model(request, obj, form, change)
        if obj.status == Article.Status.PUBLISHED and obj.indexed_revision != obj.revision:
            run_soon(INDEX_JOB)

    @display(
        description="Status",
        ordering="status",
        label={"Draft": "warning", "Published": "success", "Archived": "default"},
    )
    def status_label(self, article: Article) -> str:
        return str(Article.Status(article.status).label)

    @display(description="Index")
    def index_light(self, article: Any) -> SafeString | str:
        state = getattr(article, "index_state", "off")
        if state == "off":
            return format_html('<span class="desk-soft" title="{}">–</span>', LIGHTS[state])
        light = format_html('<span class="desk-light desk-light-{}" title="{}">{}</span>', state, LIGHTS[state], state)
        if not article.index_error:  # an indexed one may have failed with the model that is being prepared
            return light
        return format_html('{} <span class="desk-soft desk-reason">{}</span>', light, article.index_error)

    @display(description="Index")
    def index_in_words(self, article: Any) -> SafeString:
        """The light with what it means, for the form."""
        words = LIGHTS[getattr(article, "index_state", "off")]
        return format_html('{} <span class="desk-soft desk-reason">{}</span>', self.index_light(article), words)
