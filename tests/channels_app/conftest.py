"""A running Gmail with our mailbox."""

from collections.abc import Iterator
from typing import Any

import pytest

from channels_app.gmail.sync import read_mailboxes
from channels_app.simulator.mailbox import Mailbox
from tests.channels_app.mailbox import OURS
from tests.fakes.gmail import FaultyGmail, gmail_server


@pytest.fixture
def server(settings: Any) -> Iterator[FaultyGmail]:
    with gmail_server(OURS) as running:
        settings.GMAIL_ADDRESS, settings.GMAIL_API_URL = OURS, running.url
        yield running


@pytest.fixture
def inbox(server: FaultyGmail) -> Mailbox:
    """Our mailbox, connected and empty."""
    read_mailboxes()
    return server.mailboxes[OURS]
