"""Examine every part of the installation and say what to do."""

import json
import logging
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.text import Text

from fte_project.doctor import Part, examine
from fte_project.health import State

COLOURS = {State.OK: "green", State.OFF: "dim", State.FAILED: "bold red"}


class Command(BaseCommand):
    help = (
        "Say of every part of the installation whether it works, and what to do when it does not. "
        "Exit status: 0 when no part failed, 1 when one did."
    )
    requires_system_checks: list[str] = []  # they are the first part

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object on the last line")

    def handle(self, *args: Any, **options: Any) -> None:
        logging.getLogger().setLevel(logging.CRITICAL)  # what is away is told in the parts
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
        parts = []
        for part in examine():
            parts.append(part)
            if not options["json"]:
                self._print(part)
        ok = all(part.state != State.FAILED for part in parts)
        if options["json"]:
            self.stdout.write(json.dumps({"ok": ok, "parts": [asdict(part) for part in parts]}))
        sys.exit(0 if ok else 1)

    def _print(self, part: Part) -> None:
        line = Text.assemble(
            (f"{part.state:<8}", COLOURS[part.state]), f"{part.name.replace('_', ' '):<20}", part.message
        )
        Console(file=sys.stdout, soft_wrap=True).print(line)
