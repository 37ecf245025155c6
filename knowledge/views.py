"""Public help pages: published articles only, no login."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from fte_project.markup import to_html
from fte_project.text import clean_line
from knowledge.models import Article


def article(request: HttpRequest, slug: str) -> HttpResponse:
    """One published article; drafts and archived ones do not exist here."""
    found = get_object_or_404(Article.objects.all().published(), slug=clean_line(slug))
    return render(request, "help/article.html", {"article": found, "body": to_html(found.body_md)})
