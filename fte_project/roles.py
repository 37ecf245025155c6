"""Roles are what a process does: relay, agent, delivery, schedule. Apps register theirs; commands run them."""

import asyncio
import faulthandler
import os
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog
from django.conf import settings
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from fte_project.db import unit_of_work
from fte_project.models import Heartbeat

log = structlog.get_logger()
Role = Callable[[asyncio.Event], Awaitable[None]]

# name -> dotted path of `async def role(stop: asyncio.Event)`; loaded only where the role runs.
_roles: dict[str, str] = {}
GRACE_SECONDS = 18.0
BEAT_SECONDS = 5.0
WATCH_SECONDS = 1.0
EXIT_STUCK = 70


def register(name: str, path: str) -> None:
    """Called from AppConfig.ready by the app that owns the role."""
    _roles[name] = path


def names() -> list[str]:
    return sorted(_roles)


def beat(role: str) -> None:
    """Record that this process runs `role` now."""
    Heartbeat.objects.update_or_create(
        role=role, instance=f"{socket.gethostname()}:{os.getpid()}", defaults={"beat_at": Now()}
    )


async def keep_beating(role: str) -> None:
    """Beat for ever. A process that stops beating, for any reason, is taken for dead: so nothing ends this."""
    while True:
        try:
            await unit_of_work(beat)(role)
        except Exception as error:
            log.warning("heartbeat_failed", role=role, error=error)
        await asyncio.sleep(BEAT_SECONDS)


class Watchdog(threading.Thread):
    """Ends the process when its event loop stands still: heartbeats and leases stop with it, a restart goes on.

    Counts its own looks instead of the clock: a process that was stopped and continued is not stuck.
    """

    def __init__(self) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._looks = 0
        self.is_over = threading.Event()

    async def feed(self) -> None:
        while True:
            self._looks = 0
            await asyncio.sleep(WATCH_SECONDS)

    def run(self) -> None:
        while self._looks * WATCH_SECONDS < settings.LOOP_STUCK_SECONDS:
            if self.is_over.wait(WATCH_SECONDS):
                return
            self._looks += 1
        log.critical("loop_stuck", seconds=settings.LOOP_STUCK_SECONDS)
        faulthandler.dump_traceback()
        os._exit(EXIT_STUCK)


async def _run(wanted: list[str]) -> int:
    """Run the roles until SIGTERM or SIGINT; then let each finish or release what it holds. Exit status."""
    stop = asyncio.Event()
    told: list[int] = []

    def tell(number: int) -> None:
        told.append(number)
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, tell, number)
    tasks: dict[asyncio.Task[None], str] = {}
    watchdog = Watchdog()
    beats: list[asyncio.Task[None]] = [asyncio.create_task(watchdog.feed())]
    watchdog.start()
    for name in wanted:
        role: Role = import_string(_roles[name])
        tasks[asyncio.ensure_future(role(stop))] = name
        beats.append(asyncio.create_task(keep_beating(name)))
        log.info("role_started", role=name)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
    # A role or a part of one that ends by itself is broken: the whole process goes, and its supervisor starts it again.
    broken = [tasks[task] for task in tasks if task.done()] if not stop.is_set() else []
    stop.set()
    _, late = await asyncio.wait(tasks, timeout=GRACE_SECONDS)
    watchdog.is_over.set()
    for task in [*late, *beats, stopping]:
        task.cancel()
    for task, name in tasks.items():
        (result,) = await asyncio.gather(task, return_exceptions=True)
        if isinstance(result, Exception):
            log.error("role_failed", role=name, exc_info=result)
            broken.append(name)
    log.info("roles_stopped", roles=wanted, broken=broken)
    return 1 if broken or not told else 0


async def together(stop: asyncio.Event, *parts: Coroutine[Any, Any, None]) -> None:
    """Run the parts of one role side by side; when one ends the others stop too, and the first error is raised."""

    async def beside(part: Coroutine[Any, Any, None]) -> None:
        try:
            await part
        except Exception:
            # Said at once: the other parts may need longer to finish than they are given.
            log.exception("role_part_failed")
            raise
        finally:
            stop.set()

    for result in await asyncio.gather(*map(beside, parts), return_exceptions=True):
        if result is not None:
            raise result


def listed(written: str) -> list[str]:
    """The roles of a comma-separated list. Raises ValueError for one that does not exist."""
    wanted = [name.strip() for name in written.split(",") if name.strip()]
    _must_exist(wanted)
    return wanted


def _must_exist(wanted: list[str]) -> None:
    if unknown := sorted(set(wanted) - set(_roles)):
        raise ValueError(f"No such role: {', '.join(unknown)}. There are: {', '.join(names())}.")


def run(wanted: list[str]) -> int:
    """Run the named roles in this process until it is told to stop; the exit status."""
    _must_exist(wanted)
    try:
        import uvloop
    except ImportError:  # Windows
        return asyncio.run(_run(wanted))
    return asyncio.run(_run(wanted), loop_factory=uvloop.new_event_loop)
