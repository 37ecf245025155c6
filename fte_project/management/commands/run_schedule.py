"""The schedule role as a process, with other roles beside it on request."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fte_project import roles


class Command(BaseCommand):
    help = (
        "Run timed work (watchdog, timers, indexing) when it is due, until SIGTERM. `--with` runs other roles here too."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--with", dest="others", default="", metavar="ROLES", help="e.g. relay,delivery")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            others = roles.listed(options["others"])
        except ValueError as error:
            raise CommandError(str(error), returncode=2) from error
        sys.exit(roles.run(["schedule", *others]))
