"""The knowledge base for editors: articles with their index light and revisions, and the resolved questions."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from fte_project.desk import NONE, moment
from fte_project.markup import to_html
from fte_project.text import clean_text
from knowledge import desk_views
from knowledge.desk_page import MOVES, STATUS_COLOURS, Move, card, index_light, moves
from knowledge.models import Article, ResolvedQuestion
from knowledge.publishing import NO_TEXT, EmptyText, save, try_again

Approval = ResolvedQuestion.Approval
APPROVAL_COLOURS = {Approval.STAFF.label: "info", Approval.CUSTOMER.label: "success", Approval.IMPORT.label: "default"}
BUTTON = "_move"  # what the buttons beside Save post; the value names one of MOVES


class CleanText(forms.CharField):
    """Several lines, compared and stored as `clean_text` leaves them: a browser's line ends are no change."""

    def to_python(self, value: Any) -> str:
        return clean_text(str(super().to_python(value) or ""))


class TextWithPreview(UnfoldAdminTextareaWidget):
    """The text, and beside it how its page will look (knowledge/article_form.js keeps it up to date)."""

    def render(self, *args: Any, **kwargs: Any) -> SafeString:
        return render_to_string("admin/knowledge/article/text.html", {"textarea": super().render(*args, **kwargs)})


class ArticleForm(forms.ModelForm):  # type: ignore[type-arg]
    """What editors write. The status is changed by buttons."""

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        move = MOVES.get(self.data.get(BUTTON, ""))
        status = move.to if move else self.instance.status
        if status == Article.Status.PUBLISHED and not values.get("body_md"):
            self.add_error("body_md", NO_TEXT)
        return values


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

    form = ArticleForm
    list_display = ["title", "category", "status_label", "index_light", "changed"]
    list_filter = ["status", IndexFilter, "category"]
    search_fields = ["title", "slug", "summary", "body_md"]
    search_help_text = "Words of the title, the summary or the text"
    list_per_page = 50
    list_before_template = "admin/knowledge/article/above_list.html"
    fieldsets = [
        (None, {"fields": ["title", "slug", "summary", "body_md"]}),
        ("Where it belongs", {"fields": ["category", "topics", "url"]}),
    ]
    readonly_fields = ["text_as_read"]
    formfield_overrides = {
        ArrayField: {"widget": UnfoldAdminTextInputWidget},
        models.TextField: {"form_class": CleanText, "widget": UnfoldAdminTextareaWidget},
    }
    warn_unsaved_form = True
    actions = ["publish_selected", "archive_selected"]
    custom_urls = (
        ("try/", "knowledge_article_try", desk_views.try_question),
        ("preview/", "knowledge_article_preview", desk_views.preview),
        ("<int:pk>/index/", "knowledge_article_index", desk_views.index_state),
        ("<int:pk>/history/<int:record_pk>/", "knowledge_article_revision", desk_views.one_revision),
        ("<int:pk>/history/<int:record_pk>/restore/", "knowledge_article_restore", desk_views.restore_text),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Article]:
        return super().get_queryset(request).with_index_state()

    def get_fieldsets(self, request: HttpRequest, obj: Article | None = None) -> Any:
        """Who may only read sees the text as its page shows it."""
        if obj is None or self.has_change_permission(request, obj):
            return self.fieldsets
        (name, _), *others = self.fieldsets
        return [(name, {"fields": ["title", "slug", "summary", "text_as_read"]}), *others]

    def get_prepopulated_fields(self, request: HttpRequest, obj: Article | None = None) -> dict[str, Any]:
        return {} if obj else {"slug": ["title"]}  # a published address stays

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "body_md":
            kwargs["widget"] = TextWithPreview
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def view_on_site(self, article: Article) -> str | None:
        """Its page; drafts and archived articles have none."""
        return article.get_absolute_url() if article.status == Article.Status.PUBLISHED else None

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        article = self.get_object(request, object_id) if object_id else None
        may_see = article is not None and self.has_view_permission(request, article)
        shown = {
            "card": card(article, request.user) if may_see else None,
            "moves": moves(article) if self.has_change_permission(request) else {},
            "show_history": request.user.has_perm(desk_views.HISTORY),
            "show_save_and_add_another": False,
        }
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **shown})

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The revisions under the admin's own address, in place of its log."""
        if not object_id.isdecimal() or len(object_id) > 18:
            raise Http404
        return desk_views.history(request, int(object_id), self)

    def has_delete_permission(self, request: HttpRequest, obj: Article | None = None) -> bool:
        """Archived, it is still there for whom it was quoted to."""
        return False

    def save_model(self, request: HttpRequest, obj: Article, form: ArticleForm, change: bool) -> None:
        """Save what was written, with another status when one of the buttons was pressed."""
        move = self._pressed(request)
        if move is not None:
            if not self.has_change_permission(request):
                raise PermissionDenied
            move.do(obj)
        elif form.has_changed() or not change:
            save(obj)
        elif obj.index_error:
            try_again(obj)
        desk_views.warn_of_suspicions(request, obj)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        changes = super().construct_change_message(request, form, formsets, add)
        move = self._pressed(request)
        if move is None:
            return changes
        names = ", ".join(str(form.fields[name].label) for name in form.changed_data)
        return f"{move.logged} Changed: {names}." if names else move.logged

    def response_add(self, request: HttpRequest, obj: Article, post_url_continue: str | None = None) -> HttpResponse:
        return self._moved(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Article) -> HttpResponse:
        return self._moved(request, obj) or super().response_change(request, obj)

    def _pressed(self, request: HttpRequest) -> Move | None:
        return MOVES.get(request.POST.get(BUTTON, ""))

    def _moved(self, request: HttpRequest, article: Article) -> HttpResponse | None:
        """Back to the form, where the light shows when the search knows the text."""
        move = self._pressed(request)
        if move is None:
            return None
        messages.success(request, move.said.format(article))
        return redirect("admin:knowledge_article_change", article.pk)

    @admin.action(description="Publish", permissions=["change"])
    def publish_selected(self, request: HttpRequest, queryset: QuerySet[Article]) -> HttpResponse | None:
        return self._move_selected(request, queryset, "publish")

    @admin.action(description="Archive", permissions=["change"])
    def archive_selected(self, request: HttpRequest, queryset: QuerySet[Article]) -> HttpResponse | None:
        return self._move_selected(request, queryset, "archive")

    def _move_selected(self, request: HttpRequest, queryset: QuerySet[Article], name: str) -> HttpResponse | None:
        """Ask first, then do it for each by itself; what cannot be done is named."""
        articles = list(queryset.exclude(status=MOVES[name].to))
        if "confirmed" not in request.POST:
            shown = {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": f"{name.title()} these articles?",
                "articles": articles,
                "action": request.POST.get("action", ""),
                "name": name,
            }
            return TemplateResponse(request, "admin/knowledge/article/confirm.html", shown)
        done = 0
        for article in articles:
            try:
                with transaction.atomic():
                    # As it is now: a colleague may have saved since the list was read.
                    current = Article.objects.select_for_update().get(pk=article.pk)
                    MOVES[name].do(current)
                    self.log_change(request, article, MOVES[name].logged)
                done += 1
                desk_views.warn_of_suspicions(request, current)
            except EmptyText:
                messages.error(request, f"“{article}” was left as it is. {NO_TEXT}")
        messages.success(request, f"{MOVES[name].logged.strip('.')}: {done} article{'' if done == 1 else 's'}.")
        return None

    @display(
        description="Status",
        ordering="status",
        label={status.label: colour for status, colour in STATUS_COLOURS.items()},
    )
    def status_label(self, article: Article) -> str:
        return str(Article.Status(article.status).label)

    @display(description="Index")
    def index_light(self, article: Any) -> SafeString:
        return index_light(article)

    @display(description="Text")
    def text_as_read(self, article: Article) -> SafeString:
        return format_html('<div class="desk"><div class="desk-words">{}</div></div>', to_html(article.body_md))

    @display(description="Changed", ordering="changed_at")
    def changed(self, article: Article) -> SafeString:
        return moment(article.changed_at)


class ArticleFilter(admin.SimpleListFilter):
    """The questions that point to one article; an article's form links here."""

    title = "article"
    parameter_name = "article"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        pk = request.GET.get(self.parameter_name, "")
        chosen = Article.objects.filter(pk=int(pk)) if pk.isdecimal() and len(pk) < 19 else Article.objects.none()
        return [(str(article.pk), article.title) for article in chosen]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        return queryset.filter(articles=int(value)) if value.isdecimal() and len(value) < 19 else queryset


@admin.register(ResolvedQuestion)
class ResolvedQuestionAdmin(ModelAdmin):
    """Which questions were answered from which articles. Editors correct the articles, or remove the question."""

    list_display = ["question", "answered_from", "approved_label", "asked", "source_short"]
    list_display_links = ["question"]
    list_filter = ["approved_by", ArticleFilter]
    search_fields = ["text", "source", "articles__title", "articles__slug"]
    search_help_text = "Words of the question, or an article"
    list_per_page = 50
    fields = ["whole_question", "articles", "approved_by", "asked_in_words", "whole_source"]
    readonly_fields = ["whole_question", "approved_by", "asked_in_words", "whole_source"]
    autocomplete_fields = ["articles"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What is told before removing: the questions and their articles, not the rows between them."""
        _, _, lacking, protected = super().get_deleted_objects(objs, request)
        told = [f"{row} (points to {', '.join(article.title for article in row.articles.all())})" for row in objs]
        return told, {self.opts.verbose_name_plural: len(told)}, lacking, protected

    def get_queryset(self, request: HttpRequest) -> QuerySet[ResolvedQuestion]:
        questions: QuerySet[ResolvedQuestion] = super().get_queryset(request)
        return questions.prefetch_related("articles")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        field.help_text = "Later questions like this one find these articles more easily."
        return field

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        if "articles" in form.base_fields:  # only to choose from, not to write new ones on the way
            form.base_fields["articles"].widget.can_add_related = False
        return form

    @display(description="Question")
    def question(self, question: ResolvedQuestion) -> SafeString:
        first, _, rest = question.text.partition("\n")
        return format_html(
            '<span class="desk-subject">{}</span> <span class="desk-soft">{}</span>',
            Truncator(first).chars(120),
            Truncator(" ".join(rest.split())).chars(140),
        )

    @display(description="Answered from")
    def answered_from(self, question: ResolvedQuestion) -> SafeString | str:
        links = ((reverse("admin:knowledge_article_change", args=[a.pk]), a.title) for a in question.articles.all())
        lines = format_html_join("", '<span class="desk-line"><a class="desk-link" href="{}">{}</a></span>', links)
        return lines or NONE

    @display(description="Approved by", ordering="approved_by", label=APPROVAL_COLOURS)
    def approved_label(self, question: ResolvedQuestion) -> str:
        return question.get_approved_by_display()

    @display(description="Asked", ordering="asked_at")
    def asked(self, question: ResolvedQuestion) -> SafeString:
        return moment(question.asked_at)

    @display(description="Source", ordering="source")
    def source_short(self, question: ResolvedQuestion) -> SafeString:
        """A ticket's public id is long and says nothing in a list."""
        kind, _, rest = question.source.partition(":")
        words = f"Ticket {rest[:8]}" if kind == "ticket" else question.source
        return format_html('<span class="desk-soft" title="{}">{}</span>', question.source, words)

    @display(description="Question")
    def whole_question(self, question: ResolvedQuestion) -> SafeString:
        return format_html('<span class="desk-plain">{}</span>', question.text)

    @display(description="Asked")
    def asked_in_words(self, question: ResolvedQuestion) -> str:
        return f"{question.asked_at:%-d %B %Y, %H:%M} UTC: evidence for questions asked later"

    @display(description="Source")
    def whole_source(self, question: ResolvedQuestion) -> str:
        return question.source
