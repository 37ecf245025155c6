"""What only real commits can show: threads with their own connections, and what to clean up after them."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections

# Such a test empties every table at its end; the rows that migrations made come back before it (serialized_rollback)
# and, for the next module, after it (rows_of_migrations).
real_commits = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def at_once[T](times: int, call: Callable[[int], T]) -> list[T | Exception]:
    """`call(0)`, `call(1)` … in as many threads that begin together; their results, or exceptions, in order."""
    begin = threading.Barrier(times)

    def run(number: int) -> T | Exception:
        try:
            begin.wait(20)
            return call(number)
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


def rows_of_migrations(blocker: pytest.FixtureRequest) -> Iterator[None]:
    """For a module's fixture: after its tests, put back what the flush took from the modules that follow."""
    yield
    with blocker.unblock():
        connection.creation.deserialize_db_from_string(connection._test_serialized_contents)
        connection.close()
