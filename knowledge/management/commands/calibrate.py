"""Set the active embedding model's floor and confidence by this installation's own articles and questions."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import Progress

from knowledge.calibrating import calibrate, probes
from knowledge.calibration import CannotCalibrate
from knowledge.embeddings import EmbeddingFailed
from knowledge.question_files import BadQuestion, read_offtopic, read_questions


class Command(BaseCommand):
    help = (
        "Find out what nearness means for the active embedding model here: from the articles' headings and resolved "
        "questions against off-topic ones. Until it has run for a model that ships without, the assistant only drafts."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--questions", type=Path, help="{id, title, body, gold: [slug]}, beside the resolved ones")
        parser.add_argument("--offtopic", type=Path, help="{title, body, kind}, in place of the shipped set")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            questions = probes(read_questions(options["questions"])) if options["questions"] else []
            offtopic = probes(read_offtopic(options["offtopic"])) if options["offtopic"] else None
        except BadQuestion as error:
            raise CommandError(str(error), returncode=2) from error
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("Asking", total=None)
            try:
                figures = calibrate(questions, offtopic, lambda: bar.advance(task))
            except (CannotCalibrate, EmbeddingFailed) as error:
                raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(figures))
