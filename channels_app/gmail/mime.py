"""Raw mail taken apart: headers, bodies, attachments. Whatever the bytes, this gives something and never raises."""

import codecs
import email
import email.header
import email.message
import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError, MessageError

RAW_LIMIT = 40 * 1024 * 1024
BODY_LIMIT = 2_000_000  # bytes of one text part
HEADER_LIMIT = 20_000
PARTS_LIMIT = 500
FALLBACK_CHARSETS = ("utf-8", "windows-1252")
HEADERS_LIMIT = 400_000  # characters of all headers together
BOUNDARIES_LIMIT = 300
LINE_ENDS = re.compile(r"[\r\n]+")
# Charsets that take far longer than the text is long, or that are none for text.
ODD_CHARSETS = {"punycode", "idna", "unicode_escape", "raw_unicode_escape"}
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
REPORTS = {"message/delivery-status", "message/feedback-report", "message/disposition-notification"}  # for machines
type Message = email.message.Message[str, str]


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A part that is not text to read: `name` and `content_type` are the sender's claims."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Parts:
    """A mail in parts. `headers` maps lower-case names to their decoded values, topmost first."""

    headers: dict[str, list[str]]
    authors: tuple[str, ...]  # the From headers as they came: an address is none that appears by decoding
    content_type: str
    types: tuple[str, ...]  # of every part
    report_type: str
    report: str  # what a machine says of a delivery (RFC 3464), '' without it
    calendar_method: str
    text: str
    html: str
    attachments: tuple[Attachment, ...] = ()

    def header(self, name: str) -> str:
        """The topmost value of the header, '' without one."""
        return next(iter(self.headers.get(name.lower(), [])), "")


def take_apart(raw: bytes) -> Parts:
    """The mail in parts; bytes that are no mail become its text."""
    raw = raw[:RAW_LIMIT]
    try:
        if raw.count(b"boundary=") > BOUNDARIES_LIMIT:
            raise ValueError("nested beyond reason")
        message: Message = email.message_from_bytes(raw, policy=email.policy.compat32)
    except (RecursionError, MessageError, ValueError, LookupError, TypeError, IndexError, AttributeError):
        # Nested beyond reason: the first headers, and the rest as it stands.
        head, _, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
        message = email.message_from_bytes(head + b"\n\n", policy=email.policy.compat32)
        return _collected(message, [], text=decoded(body[:BODY_LIMIT], None))
    return _collected(message, list(_leaves(message)))


def _collected(message: Message, leaves: list[Message], *, text: str = "") -> Parts:
    texts = [text] if text else []
    htmls: list[str] = []
    attachments: list[Attachment] = []
    method = report = ""
    for leaf in leaves:
        kind, content = _content_type(leaf), _content(leaf)
        if kind == "text/calendar":
            method = method or _parameter(leaf, "method") or _calendar_method(content)
        if kind in REPORTS:
            report = report or decoded(content[:HEADERS_LIMIT], None)
            continue
        if _is_to_read(leaf, kind):
            (htmls if kind == "text/html" else texts).append(decoded(content[:BODY_LIMIT], _parameter(leaf, "charset")))
        else:
            attachments.append(Attachment(name=_name(leaf), content_type=kind, content=content))
    return Parts(
        headers=_headers(message),
        authors=tuple(one_line(str(value)) for name, value in message.raw_items() if name.lower() == "from"),
        content_type=_content_type(message),
        types=tuple(_content_type(leaf) for leaf in leaves),
        report_type=_parameter(message, "report-type").lower(),
        report=report,
        calendar_method=method.upper()[:20],
        text="\n\n".join(texts),
        html="\n".join(htmls),
        attachments=tuple(attachments),
    )


def _leaves(message: Message) -> Iterator[Message]:
    """The parts that hold something, in order, without recursion; a mail in the mail is one attachment."""
    waiting, seen = [message], 0
    while waiting and seen < PARTS_LIMIT:
        part = waiting.pop(0)
        seen += 1
        if part.is_multipart() and not (_content_type(part).startswith("message/") and part is not message):
            waiting[:0] = [inner for inner in part.get_payload() if isinstance(inner, email.message.Message)]
        else:
            yield part


def _content(part: Message) -> bytes:
    if part.is_multipart():  # message/rfc822, message/delivery-status
        return b"\n".join(_flat(inner) for inner in part.get_payload())
    try:
        content = part.get_payload(decode=True)
    except (ValueError, LookupError, TypeError, AttributeError):
        part.del_param("charset")  # one that Python itself stumbles over
        content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _flat(message: object) -> bytes:
    if not isinstance(message, email.message.Message):
        return str(message).encode("utf-8", "replace")
    try:
        return message.as_bytes()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, MessageError, KeyError, IndexError):
        return "\n".join(f"{name}: {value}" for name, value in message.raw_items()).encode("utf-8", "replace")


def _is_to_read(part: Message, kind: str) -> bool:
    if kind not in {"text/plain", "text/html"}:
        return False
    disposition = str(part.get("Content-Disposition") or "").strip().lower()
    return not disposition.startswith("attachment") and not _name(part)


def _content_type(part: Message) -> str:
    try:
        return part.get_content_type()
    except (ValueError, LookupError, TypeError, AttributeError, IndexError):
        return "application/octet-stream"


def _parameter(part: Message, name: str) -> str:
    try:
        value = part.get_param(name)
    except (ValueError, LookupError, TypeError, AttributeError, IndexError):
        return ""
    if isinstance(value, tuple):  # RFC 2231
        return str(value[2])
    return str(value or "").strip()


def _name(part: Message) -> str:
    try:
        name = part.get_filename()
    except (ValueError, LookupError, TypeError, AttributeError, IndexError):
        return "unnamed"
    return in_words(str(name))[:255] if name else ""


def _calendar_method(content: bytes) -> str:
    found = re.search(rb"^METHOD:(\w{1,20})", content[:5000], re.MULTILINE | re.IGNORECASE)
    return found.group(1).decode() if found else ""


def _headers(message: Message) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    length = 0
    for name, value in message.raw_items():
        length += len(value)
        if length > HEADERS_LIMIT:
            break
        found.setdefault(name.lower(), []).append(in_words(str(value)))
    return found


def one_line(value: str) -> str:
    """A header's value without its folding, and no longer than anybody writes."""
    return " ".join(line.strip() for line in LINE_ENDS.split(value[:HEADER_LIMIT]))


def in_words(value: str) -> str:
    """A header's value as people read it: encoded words decoded, on one line, without control characters."""
    value = one_line(value)
    if "=?" in value:
        try:
            chunks = email.header.decode_header(value)
        except (HeaderParseError, ValueError, LookupError):
            chunks = [(value, None)]
        value = "".join(c if isinstance(c, str) else decoded(c, charset) for c, charset in chunks)
    elif not value.isascii():
        value = decoded(value.encode("ascii", "surrogateescape"), None) if _has_raw_bytes(value) else value
    return CONTROL.sub("", one_line(value)).strip()


def _has_raw_bytes(value: str) -> bool:
    return all(ord(c) < 128 or 0xDC80 <= ord(c) <= 0xDCFF for c in value)


def decoded(content: bytes, charset: str | None) -> str:
    """The bytes as text: by the charset they claim, else by what fits; never an error, never a NUL."""
    for name in [charset.strip("\"' ") if charset else "", *FALLBACK_CHARSETS]:
        try:
            if not name or codecs.lookup(name).name.replace("-", "_") in ODD_CHARSETS:
                continue
            return content.decode(name).replace("\x00", "")
        except (UnicodeError, LookupError, ValueError):
            continue
    return content.decode("utf-8", "replace").replace("\x00", "")
