"""Articles from files: a folder of Markdown with front matter, or a .jsonl file. Loading twice changes nothing."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from fte_project.text import clean_line, clean_text
from knowledge.models import Article


class BadArticle(ValueError):
    """A file or line that is not an article; the text says where and why."""


@dataclass(frozen=True, kw_only=True)
class ArticleText:
    """An article as a file holds it."""

    slug: str
    title: str
    body_md: str
    summary: str = ""
    topics: tuple[str, ...] = ()
    category: str = ""
    url: str = ""


def read_articles(path: Path) -> Iterator[ArticleText]:
    """The articles of a folder (every .md below it, sorted) or a .jsonl file. Raises BadArticle."""
    if path.is_dir():
        files = sorted(path.rglob("*.md"))
        if not files:
            raise BadArticle(f"{path} holds no .md files.")
        for file in files:
            yield _from_markdown(file)
    elif path.suffix == ".jsonl" and path.is_file():
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    where = f"{path.name}, line {number}"
                    yield _checked(json_object(line, where, BadArticle), where)
    else:
        raise BadArticle(f"{path} is neither a folder of Markdown files nor a .jsonl file.")


def _from_markdown(file: Path) -> ArticleText:
    text = file.read_text(encoding="utf-8")
    if not text.startswith("---\n") or "\n---" not in text[4:]:
        raise BadArticle(f"{file.name} does not begin with front matter between two lines of ---.")
    head, _, body = text[4:].partition("\n---")
    values = {}
    for line in head.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            values[name.strip().lower()] = value.strip().strip("\"'")
    topics = [t.strip() for t in values.get("topics", "").strip("[]").split(",") if t.strip()]
    return _checked({**values, "slug": values.get("slug", file.stem), "topics": topics, "body_md": body}, file.name)


def json_object(line: str, where: str, refused: type[ValueError]) -> dict[str, Any]:
    """The object of one line of a .jsonl file. Raises `refused`, saying where and why."""
    try:
        values = json.loads(line)
    except ValueError as error:
        raise refused(f"{where} is not valid JSON: {error}") from error
    if not isinstance(values, dict):
        raise refused(f"{where} is not a JSON object.")
    return values


def _checked(values: dict[str, object], where: str) -> ArticleText:
    found = {name: clean_text(str(values.get(name) or "")) for name in ("slug", "title", "body_md")}
    for name, value in found.items():
        if not value:
            raise BadArticle(f"{where} has no {name}.")
    topics = values.get("topics") or []
    if not isinstance(topics, list):
        raise BadArticle(f"{where}: topics must be a list.")
    text = ArticleText(
        **found,
        summary=clean_text(str(values.get("summary") or "")),
        topics=tuple(clean_line(str(t), limit=80) for t in topics),
        category=clean_line(str(values.get("category") or ""), limit=40),
        url=clean_line(str(values.get("url") or "")),
    )
    if len(text.slug) > 200 or text.slug != "".join(text.slug.split()):
        raise BadArticle(f"{where}: slug must be at most 200 characters without spaces.")
    try:  # a slug from elsewhere may have slashes and dots: it stays what questions refer to
        Article(title=text.title, url=text.url).clean_fields(exclude={"body_md", "slug"})
    except ValidationError as error:
        name, why = next(iter(error.message_dict.items()))
        raise BadArticle(f"{where}: {name}: {' '.join(why)}") from error
    return text


def load(texts: Iterator[ArticleText], progress: Callable[[ArticleText], None] | None = None) -> dict[str, int]:
    """Create published articles, or update their text by slug: how many were new, changed, unchanged.

    An archived one stays archived. Indexing comes after.
    """
    counts = {"new": 0, "changed": 0, "unchanged": 0}
    for text in texts:
        counts[_put(text)] += 1
        if progress is not None:
            progress(text)
    return counts


@transaction.atomic
def _put(text: ArticleText) -> str:
    fields = {
        "title": text.title,
        "summary": text.summary,
        "body_md": text.body_md,
        "topics": list(text.topics),
        "category": text.category,
        "url": text.url,
    }
    article, is_new = Article.objects.select_for_update().get_or_create(
        slug=text.slug, defaults={**fields, "status": Article.Status.PUBLISHED}
    )
    if is_new:
        return "new"
    if all(getattr(article, name) == value for name, value in fields.items()):
        return "unchanged"
    for name, value in fields.items():
        setattr(article, name, value)
    article.text_changed()
    article.changed_at = timezone.now()
    article.save()
    return "changed"
