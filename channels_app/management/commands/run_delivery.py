"""The delivery role as a process."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from fte_project import roles


class Command(BaseCommand):
    help = "Send queued replies on their channels, until SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(roles.run(["delivery"]))
