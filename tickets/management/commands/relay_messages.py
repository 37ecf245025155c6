"""The relay role as a process."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from fte_project import roles


class Command(BaseCommand):
    help = "Publish stored events to Kafka and ring again for work that is due, until SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(roles.run(["relay"]))
