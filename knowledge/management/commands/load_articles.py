"""Load articles from files and index them."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import Progress

from knowledge.indexing import index_waiting
from knowledge.loading import BadArticle, load, read_articles
from knowledge.models import Article


class Command(BaseCommand):
    help = "Load articles from a folder of Markdown with front matter, or a .jsonl file. Loading twice changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            counts = load(read_articles(options["path"]))
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
