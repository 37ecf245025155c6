"""What other apps show in a ticket's timeline and do from its page: registered by them, in their AppConfig.ready."""

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


@dataclass(frozen=True, kw_only=True)
class Door:
    """A button on the ticket's page. It posts to the address that `url_name` has with the ticket's id."""

    words: str
    url_name: str
    permission: str


_panels: dict[str, Panel] = {}
_doors: dict[str, Door] = {}


def register(name: str, entries: Callable[[Ticket], Iterable[Entry]], *, permission: str) -> None:
    """Add a panel to every ticket page; the same name again replaces it."""
    _panels[name] = Panel(entries=entries, permission=permission)


def register_door(name: str, door: Door) -> None:
    """Add a button to every ticket page; the same name again replaces it. The view behind it checks permissions."""
    _doors[name] = door


def doors(viewer: "User") -> list[Door]:
    """The buttons that `viewer` may press."""
    return [door for door in _doors.values() if viewer.has_perm(door.permission)]


def panel_entries(ticket: Ticket, viewer: "User") -> Iterator[Entry]:
    """The entries of every panel that `viewer` may see, in no order."""
    for panel in _panels.values():
        if viewer.has_perm(panel.permission):
            yield from panel.entries(ticket)
