"""The agent role as a process, with other roles beside it on request."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fte_project import roles, worker_role


class Command(BaseCommand):
    help = "Answer customers' messages, until SIGTERM. `--with relay,delivery,schedule` runs these roles here too."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--with", dest="others", default="", metavar="ROLES", help="e.g. relay,delivery,schedule")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            others = roles.listed(options["others"])
        except ValueError as error:
            raise CommandError(str(error), returncode=2) from error
        worker_role.connect(alone=not others)
        sys.exit(roles.run(["agent", *others]))
