"""Embed what waits, and switch to another embedding model."""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import Progress

from knowledge import switching
from knowledge.embeddings import configured_model_id
from knowledge.indexing import models_in_use
from knowledge.keeping_up import NotEmbedded, embed_now, switch_now
from knowledge.switching import SwitchRefused, coverage


class BadArguments(ValueError):
    """Options that do not go together."""


class Command(BaseCommand):
    help = (
        "Embed now what waits for the embedding model in use. With --switch, prepare another model in the background, "
        "which takes over once it knows every published article and resolved question."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--switch", action="store_true", help="prepare another model; the one in use answers until then"
        )
        what.add_argument("--cancel", action="store_true", help="give up the model that is being prepared")
        parser.add_argument("--model", help="with --switch: its id; default: the one that the settings ask for")
        parser.add_argument(
            "--wait", action="store_true", help="prepare it here and now, and say when it has taken over"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(self._do(**options))
        except (SwitchRefused, BadArguments) as error:
            raise CommandError(str(error), returncode=2) from error
        except NotEmbedded as error:
            raise CommandError(str(error)) from error

    def _do(self, *, switch: bool, cancel: bool, model: str | None, wait: bool, **_: Any) -> str:
        if (model and not switch) or (wait and cancel):
            raise BadArguments("--model and --wait go with --switch.")
        if cancel:
            given_up = switching.cancel()
            return f"{given_up} is given up." if given_up else "No model is being prepared."
        if switch:
            switching.start(model or configured_model_id())
        active, following = models_in_use()
        if wait and not following:
            raise BadArguments("No model is being prepared: name one with --switch.")
        if wait:
            return self._with_progress(following, switch_now)
        if switch:
            return (
                f"{following} is being prepared by the schedule role ({coverage(following)} so far); {active} answers "
                "until then. `manage.py doctor` shows how far it is."
            )
        return self._with_progress(active, embed_now)

    def _with_progress(self, model_id: str, work: Callable[[Callable[[], None]], str]) -> str:
        known = coverage(model_id)
        with Progress(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(f"Embedding with {model_id}", total=known.articles - known.articles_done)
            return work(lambda: bar.advance(task))
