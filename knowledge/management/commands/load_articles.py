"""Load articles from files and index them."""

from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import Progress

from knowledge.indexing import index_waiting
from knowledge.loading import ArticleText, BadArticle, load, read_articles
from knowledge.models import Article
from knowledge.suspicions import ADVICE, in_article


class Command(BaseCommand):
    help = "Load articles from a folder of Markdown with front matter, or a .jsonl file. Loading twice changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            counts = load(self._looked_at(read_articles(options["path"])))
        except (BadArticle, OSError, UnicodeDecodeError) as error:
            raise CommandError(str(error), returncode=2) from error
        waiting = Article.objects.all().waiting().count()
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("Indexing", total=waiting)
            indexed = index_waiting(lambda: bar.advance(task))
        failed = Article.objects.all().waiting().count()
        self.stdout.write(
            f"{counts['new']} new, {counts['changed']} changed, {counts['unchanged']} unchanged; {indexed} indexed."
        )
        if failed:
            raise CommandError(f"{failed} articles could not be indexed; the desk shows why.")

    def _looked_at(self, texts: Iterable[ArticleText]) -> Iterator[ArticleText]:
        """The same, and what an editor would be warned of when saving them."""
        suspicious = 0
        for text in texts:
            found = in_article(title=text.title, summary=text.summary, body_md=text.body_md)
            for line in found:
                self.stderr.write(f"{text.slug}: {line}")
            suspicious += bool(found)
            yield text
        if suspicious:
            self.stderr.write(f"Please look at {suspicious} of the articles. {ADVICE}")
