"""What other apps show on a customer's page: registered by the app that owns it, in its AppConfig.ready."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.utils.safestring import SafeString

if TYPE_CHECKING:
    from django.http import HttpRequest

    from customers.models import Customer

type Panel = Callable[[Customer, HttpRequest], SafeString]
_panels: dict[str, Panel] = {}


def register(name: str, panel: Panel) -> None:
    """Add a panel to every customer's page; it is empty for those who may not see it."""
    _panels[name] = panel


def panels(customer: "Customer", request: "HttpRequest") -> list[SafeString]:
    return [panel(customer, request) for panel in _panels.values()]
