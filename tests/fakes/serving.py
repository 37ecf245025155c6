"""A fake server that runs while a test needs it."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def serving[S: socketserver.BaseServer](server: S) -> Iterator[S]:
    """Let `server` answer in a thread of its own until the block ends; then it is closed."""
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
