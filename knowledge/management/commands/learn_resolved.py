"""Load questions that were answered by articles, as evidence for the search."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import Progress

from knowledge.embeddings import EmbeddingFailed
from knowledge.evidence import embed_questions, learn_rows
from knowledge.indexing import active_model_id
from knowledge.question_files import BadQuestion, read_resolved


class Command(BaseCommand):
    help = (
        "Load resolved questions from a .jsonl file with rows {title, body, gold: [slug], answer}, optionally with id "
        "and asked_at: what answered one is found sooner for questions like it. Loading twice changes nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            rows = read_resolved(options["file"])
        except BadQuestion as error:
            raise CommandError(str(error), returncode=2) from error
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("Learning", total=len(rows))
            counts = learn_rows(rows, lambda: bar.advance(task))
            for slug, times in sorted(counts.unknown.items()):
                self.stderr.write(f"No article is called {slug} ({times} of the questions name it).")
            self.stdout.write(f"{counts.new} new, {counts.known} known, {counts.left_out} without any article we have.")
            self._embed(bar)

    def _embed(self, bar: Progress) -> None:
        task = bar.add_task("Embedding", total=None)
        try:
            embed_questions(active_model_id(), progress=lambda size: bar.advance(task, size))
        except EmbeddingFailed as error:
            raise CommandError(f"The questions are stored; the schedule embeds them later. {error}") from error
