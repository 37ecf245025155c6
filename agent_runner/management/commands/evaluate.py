"""Measure how well the product does on questions whose answers are known."""

import json
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from rich.console import Console
from rich.progress import Progress

from agent_runner.evaluation import KINDS, BadFile, Measured
from agent_runner.reports import report
from agent_runner.retrieval import NotEvaluated
from fte_project.embedded import EmbeddedUnavailable


class Command(BaseCommand):
    help = (
        "Measure on files of questions, through the product's own code, in a temporary database on the embedded "
        "server; the installation's own is not touched. Exit status: 0 it ran, 1 it could not, 2 a file or an argument "
        "is wrong."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        kinds = parser.add_subparsers(dest="kind", required=True, metavar="WHAT")
        for name, kind in KINDS.items():
            one = kinds.add_parser(name, help=kind.help, description=kind.help)
            kind.add_arguments(one)
            one.add_argument("--out", type=Path, help="write a row for each of them into this file")
            one.add_argument("--report", type=Path, help="write an HTML page with the figures and every failure")
            one.add_argument("--json", action="store_true", help="one JSON object on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        out: Path | None = options["out"]
        page: Path | None = options["report"]
        _try_to_write(out)
        _try_to_write(page)
        try:
            with Progress(console=Console(stderr=True), transient=True) as bar:
                measured = KINDS[options["kind"]].measure(options, lambda what, times: _step(bar, what, times))
        except BadFile as error:
            raise CommandError(str(error), returncode=2) from error
        except (NotEvaluated, EmbeddedUnavailable) as error:
            raise CommandError(f"Not measured: {error}") from error
        except KeyboardInterrupt as stop:
            raise CommandError("Stopped.", returncode=130) from stop
        if out is not None:
            out.write_text("".join(f"{json.dumps(row)}\n" for row in measured.rows), encoding="utf-8")
        if page is not None:
            kind = KINDS[options["kind"]]
            page.write_text(report(options["kind"], kind, _read(options), measured, timezone.now()), encoding="utf-8")
        self._print(measured, as_json=options["json"])

    def _print(self, measured: Measured, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(measured.summary))
        else:
            Console().print(measured.tables)


def _read(options: dict[str, Any]) -> dict[str, Path]:
    """The files that it ran with, by the names of their options."""
    written = {"out", "report"}
    return {name: path for name, path in options.items() if isinstance(path, Path) and name not in written}


def _try_to_write(out: Path | None) -> None:
    """Now, not after ten minutes of work."""
    try:
        if out is not None:
            out.open("a").close()
    except OSError as error:
        raise CommandError(f"{out} cannot be written: {error.strerror}", returncode=2) from error


def _step(bar: Progress, what: str, times: int) -> Callable[[], None]:
    task = bar.add_task(what, total=times)
    return lambda: bar.advance(task)
