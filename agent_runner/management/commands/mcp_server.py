"""The five tools over stdio, for a client that speaks MCP."""

import asyncio
from typing import Any

from django.core.management.base import BaseCommand

from fte_project import worker_role


class Command(BaseCommand):
    help = "Serve the assistant's five tools over stdio (MCP). stdout is the protocol; the log is on stderr."

    def handle(self, *args: Any, **options: Any) -> None:
        from agent_runner.mcp_server import server

        worker_role.connect(alone=True)
        asyncio.run(server().run_stdio_async())
