"""What only real commits can show: threads with their own connections."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

real_commits = pytest.mark.django_db(transaction=True)


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
