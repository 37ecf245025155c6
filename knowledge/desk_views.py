"""The doors of the articles' pages in the admin: each a few lines over the function that does the work."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_POST, require_safe

from fte_project.markup import to_html
from fte_project.text import clean_line, clean_text
from knowledge.desk_page import index_in_words, tried
from knowledge.models import Article
from knowledge.publishing import EmptyText
from knowledge.revisions import changes, has_text_of, restore, revision, revisions
from knowledge.suspicions import ADVICE, in_article

VIEW, CHANGE, HISTORY = "knowledge.view_article", "knowledge.change_article", "knowledge.view_historicalarticle"
REVISIONS_PER_PAGE = 20
WARNED_OF = 5  # lines: somebody who has read so many looks at the whole text


def _allow(request: HttpRequest, *permissions: str) -> None:
    if not isinstance(request.user, User) or not request.user.has_perms(permissions):
        raise PermissionDenied


def _page(request: HttpRequest, model_admin: Any, name: str, title: str, context: dict[str, Any]) -> TemplateResponse:
    frame = {**model_admin.admin_site.each_context(request), "opts": model_admin.model._meta, "title": title}
    return TemplateResponse(request, f"admin/knowledge/article/{name}.html", {**frame, **context})


def warn_of_suspicions(request: HttpRequest, article: Article) -> None:
    """Tell who saved it what in its text reads like an order to the assistant, or is hidden. It stays saved."""
    if article.status == Article.Status.ARCHIVED:
        return
    found = in_article(title=article.title, summary=article.summary, body_md=article.body_md)
    if not found:
        return
    more = f"… and {len(found) - WARNED_OF} more." if len(found) > WARNED_OF else ""
    lines = format_html_join("", "<br>• {}", ((line,) for line in [*found[:WARNED_OF], more] if line))
    messages.warning(request, format_html("“{}” is saved, but please look at this:{}<br>{}", article, lines, ADVICE))


@require_POST
def preview(request: HttpRequest, model_admin: Any) -> HttpResponse:
    """The text that is being written, as its page will show it; nothing is stored."""
    if not isinstance(request.user, User) or not (
        request.user.has_perm(CHANGE) or request.user.has_perm("knowledge.add_article")
    ):
        raise PermissionDenied
    shown = {
        "title": clean_line(request.POST.get("title", "")),
        "summary": clean_text(request.POST.get("summary", "")),
        "body": to_html(clean_text(request.POST.get("body_md", ""))),
    }
    return render(request, "admin/knowledge/article/preview.html", shown)


@require_safe
def index_state(request: HttpRequest, pk: int, model_admin: Any) -> JsonResponse:
    """How the article stands with the index now: {state, html}, for the form that waits for it."""
    _allow(request, VIEW)
    article: Any = get_object_or_404(Article.objects.all().with_index_state(), pk=pk)
    return JsonResponse({"state": article.index_state, "html": index_in_words(article)})


@require_safe
def try_question(request: HttpRequest, model_admin: Any) -> HttpResponse:
    """What the search finds for a question (`?q=`, optionally `&category=`), as the assistant sees it."""
    _allow(request, VIEW)
    shown = tried(request.GET.get("q", ""), clean_line(request.GET.get("category", "")))
    return _page(request, model_admin, "try", "Try a question", shown)


@require_safe
def history(request: HttpRequest, pk: int, model_admin: Any) -> HttpResponse:
    """The article's revisions, newest first."""
    _allow(request, VIEW, HISTORY)
    article = get_object_or_404(Article, pk=pk)
    page = Paginator(range(article.history.count()), REVISIONS_PER_PAGE).get_page(request.GET.get("p"))
    shown = {
        "original": article,
        "page": page,
        "revisions": revisions(article, start=(page.number - 1) * REVISIONS_PER_PAGE, limit=REVISIONS_PER_PAGE),
    }
    return _page(request, model_admin, "revisions", f"Revisions of {article}", shown)


@require_safe
def one_revision(request: HttpRequest, pk: int, record_pk: int, model_admin: Any) -> HttpResponse:
    """One revision: its text, what it changed, and what restoring it would change."""
    _allow(request, VIEW, HISTORY)
    article = get_object_or_404(Article, pk=pk)
    record = get_object_or_404(article.history.select_related("history_user"), pk=record_pk)
    shown = {
        "original": article,
        "revision": revision(article, record),
        "body": to_html(record.body_md),
        "would_change": changes(article, record),
    }
    return _page(request, model_admin, "revision", f"Revision {record.revision} of {article}", shown)


@require_POST
def restore_text(request: HttpRequest, pk: int, record_pk: int, model_admin: Any) -> HttpResponse:
    """Have the text of an earlier revision back, as a new one."""
    _allow(request, CHANGE, HISTORY)
    article = get_object_or_404(Article, pk=pk)
    record = get_object_or_404(article.history, pk=record_pk)
    if has_text_of(article, record):
        messages.info(request, "Nothing to restore: this is the text that the article has.")
        return redirect("admin:knowledge_article_history", pk)
    try:
        restore(article, record)
    except EmptyText as error:
        messages.error(request, f"Not restored. {error}")
        return redirect("admin:knowledge_article_revision", pk, record_pk)
    model_admin.log_change(request, article, f"Text of revision {record.revision} restored.")
    messages.success(request, f"The text of revision {record.revision} is back, as revision {article.revision}.")
    warn_of_suspicions(request, article)
    return redirect("admin:knowledge_article_change", pk)
