"""`make demo`: everything on this machine, one box that says where, Ctrl-C stops it all."""

import logging
import signal
import sys
import threading
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from fte_project import embedded
from fte_project.instance import Instance, InstanceFailed


class Command(BaseCommand):
    help = "Start a whole instance on this machine (embedded services unless their addresses are set), until Ctrl-C."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--empty", action="store_true", help="without sample articles and questions")

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        if settings.PRODUCTION:
            sys.exit("The demo does not run with FTE_MODE=production.")
        logging.getLogger().setLevel(logging.WARNING)  # the parts log into files; here is room for the box
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        instance = Instance()
        missing = [
            name
            for name in embedded.missing_services()
            if (name == "PostgreSQL" and instance.postgres) or (name != "PostgreSQL" and instance.broker)
        ]
        if missing:
            sys.exit(
                f"This platform has no embedded build of {' and '.join(missing)}: start them with "
                "`docker compose -f deploy/compose.yaml up -d`, set the addresses that it names, and try again."
            )
        code = 0
        try:
            self._start(instance, empty=options["empty"])
            self._box(instance, time.monotonic() - began)
            while not stop.wait(0.5):
                instance.check()
        except (InstanceFailed, embedded.EmbeddedUnavailable) as error:
            self.stderr.write(str(error))
            code = 1
        finally:
            self.stdout.write("Stopping …")
            instance.stop()
        sys.exit(code)

    def _start(self, instance: Instance, *, empty: bool) -> None:
        instance.start_services()
        call_command("migrate", verbosity=0, interactive=False)
        from fte_project import demo_data

        password, key = demo_data.make_people()
        demo_data.fill(instance.gmail, empty=empty)
        instance.start_processes(
            service_key=key, logins=dict.fromkeys(demo_data.LOGINS, password), mail=str(settings.STATE_DIR / "mail")
        )

    def _box(self, instance: Instance, seconds: float) -> None:
        logins = embedded.read_instance(instance.state)["logins"]
        rows = Table.grid(padding=(0, 2))
        rows.add_row("Desk", f"{instance.base_url}/admin/")
        for name, password in logins.items():
            rows.add_row("", f"{name} / {password}")
        rows.add_row("Form", f"{instance.base_url}/support/")
        if instance.gmail:
            rows.add_row("Mail to", f"{instance.gmail['GMAIL_ADDRESS']} (simulated Gmail)")
        rows.add_row("API", f"{instance.base_url}/api/docs")
        rows.add_row("Mails, logs", str(instance.state))
        console = Console(file=sys.stdout, highlight=False)
        console.print(Panel(rows, title=f"{settings.COMPANY_NAME} support desk", expand=False))
        console.print(f"Ready after {seconds:.1f} s. Ctrl-C stops everything.", highlight=False)
