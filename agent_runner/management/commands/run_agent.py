"""The agent role as a process, with other roles beside it on request."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fte_project import roles


class Command(BaseCommand):
    help = "Answer customers' messages, until SIGTERM. `--with relay,delivery,schedule` runs these roles here too."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--with", dest="others", default="", metavar="ROLES", help="e.g. relay,delivery,schedule")

    def handle(self, *args: Any, **options: Any) -> None:
        others = [name.strip() for name in options["others"].split(",") if name.strip()]
        unknown = set(others) - set(roles.names())
        if unknown:
            raise CommandError(
                f"No such role: {', '.join(sorted(unknown))}. There are: {', '.join(roles.names())}.", returncode=2
            )
        sys.exit(roles.run(["agent", *others]))
