"""What other apps show in a ticket's timeline: registered by the app that owns it, in its AppConfig.ready."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tickets.models import Ticket

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing in the timeline: `template` shows it, as `entry.what`."""

    at: datetime
    ticket_id: int
    template: str
    what: Any


@dataclass(frozen=True, kw_only=True)
class Panel:
    """`entries` gives what happened in the ticket's whole conversation; shown to holders of `permission`."""

    entries: Callable[[Ticket], Iterable[Entry]]
    permission: str


_panels: dict[str, Panel] = {}


def register(name: str, entries: Callable[[Ticket], Iterable[Entry]], *, permission: str) -> None:
    """Add a panel to every ticket page; the same name again replaces it."""
    _panels[name] = Panel(entries=entries, permission=permission)


def panel_entries(ticket: Ticket, viewer: "User") -> Iterator[Entry]:
    """The entries of every panel that `viewer` may see, in no order."""
    for panel in _panels.values():
        if viewer.has_perm(panel.permission):
            yield from panel.entries(ticket)
