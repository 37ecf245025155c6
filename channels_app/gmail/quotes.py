"""What is new in a mail: the text without the earlier messages below, above or between it, and without signatures.

Every pattern looks at one line, or at a few joined ones of bounded length, in time that grows with it at most.
"""

import re
from dataclasses import dataclass

TEXT_LIMIT = 100_000  # characters that are looked at; the raw body is kept in full
INTRO_LINES = 6
INTRO_LENGTH = 320

QUOTED = re.compile(r"\s{0,3}(>|[A-Z][A-Za-z]{0,14}>)")
# A year or a time: who wrote when.
DATED = re.compile(r"\b(?:19|20)\d\d\b|\b\d{1,2}[:.]\d\d\b|\b\d{1,2}/\d{1,2}/\d{2,4}\b")
ADDRESS = re.compile(r"[^\s<>@]{1,64}@[^\s<>@]{1,255}")
WROTE = re.compile(
    r"\b(?:wrote|writes|said|schrieb|écrit|escribió|escreveu|ha scritto|scrisse|schreef|geschreven|skrev|skrifaði|"
    r"kirjoitti|napisał\(?a?\)?|napsal\(?a?\)?|írta|a scris|написала?|писал|пише|пишет|написав|yazdı|ได้เขียน|viết)\b",
    re.IGNORECASE,
)
WROTE_EAST_ASIAN = re.compile(r"写道|寫道|のメール|が書きました|님이 작성|작성:")
STAMPED = re.compile(r"\d{4}-\d\d-\d\d \d\d?:\d\d (?:GMT|UTC)[+-]\d\d:?\d\d \S")
OPENS = re.compile(r"(?:on|am|le|el|il|op|em|den|dne|w dniu|at)\b|\d|[\"<]", re.IGNORECASE)

FROM = "From|Von|De|Da|Van|Från|Fra|Lähettäjä|Od|Feladó|От|От кого|Від|Gönderen|差出人|发件人|寄件者|보낸 사람"
OTHER_HEADERS = (
    "Sent|Date|To|Cc|Subject|Reply-To|Importance|Gesendet|Datum|An|Betreff|Envoyé|Objet|À|Enviado|Enviado el|"
    "Enviada em|"
    "Fecha|Para|Asunto|Assunto|Data|Inviato|A|Oggetto|Verzonden|Aan|Onderwerp|Skickat|Till|Ämne|Sendt|Til|Emne|"
    "Lähetetty|Vastaanottaja|Aihe|Wysłano|Wysłane|Do|Temat|Odesláno|Komu|Předmět|Küldve|Címzett|Tárgy|Отправлено|Дата|"
    "Кому|Тема|Надіслано|Gönderildi|Kime|Konu|送信日時|宛先|件名|发送时间|收件人|主题|寄件日期|收件者|主旨|"
    "보낸 날짜|받는 사람|제목"
)
HEADER_FROM = re.compile(rf"[\s*>]{{0,4}}(?:{FROM})\s?\*?\s?[:：]", re.IGNORECASE)
HEADER_LINE = re.compile(rf"[\s*>]{{0,4}}(?:{FROM}|{OTHER_HEADERS})\s?\*?\s?[:：]", re.IGNORECASE)
SEPARATOR = re.compile(
    r"\s*(?:-{2,}|_{2,})?\s*(?:(?:original|forwarded|begin forwarded|weitergeleitete|ursprüngliche|mensaje original|"
    r"message d'origine|messaggio originale|oorspronkelijk|исходное|пересылаемое|原始邮件|元のメッセージ)"
    r"[\w\s]{0,24}|mensagem original)\s*(?:-{2,}|_{2,}|:)\s*$",
    re.IGNORECASE,
)
RULE = re.compile(r"\s*[_\-–—=*]{5,}\s*$")
SIGNATURE = re.compile(r"--\s?$|_{3,}\s*$")
SENT_FROM = re.compile(
    r"(?:sent from|sent via|get outlook for|von meinem .{1,40} gesendet|gesendet von|envoyé de|envoyé depuis|"
    r"enviado desde|enviado do|inviato da|verzonden vanaf|skickat från|отправлено с|送信元)\b.{0,80}$",
    re.IGNORECASE,
)
SIGNATURE_LINES = 12


@dataclass(frozen=True, kw_only=True)
class _Cut:
    """Where somebody else's words are introduced: lines `at` up to `end`. `is_header`: by a block of mail headers."""

    at: int
    end: int
    is_header: bool


def new_text(body: str) -> str:
    """The customer's own words in a plain body; the whole body when nothing else can be told apart from them."""
    return split_text(body)[0]


def split_text(body: str) -> tuple[str, str]:
    """The customer's own words in a plain body, and the signature that stood right below them ('' for none)."""
    lines = body[:TEXT_LIMIT].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    cut = _first_cut(lines)
    kept = _without_trailing_quote(lines) if cut is None else _around(lines, cut)
    kept = _without_signature(kept)
    text = "\n".join(kept).strip("\n")
    if not text.strip():
        return "\n".join(lines).strip("\n"), ""
    is_on_top = lines[: len(kept)] == kept
    below = lines[len(kept) : cut.at if cut else None] if is_on_top else []
    own = [line for line in below[: SIGNATURE_LINES + 1] if not QUOTED.match(line)]
    return text, "\n".join(own).strip("\n -")


def _around(lines: list[str], cut: _Cut) -> list[str]:
    """What is the customer's own before, or else after, what `cut` introduces."""
    head, tail = lines[: cut.at], lines[cut.end :]
    is_quoted = any(QUOTED.match(line) for line in tail)
    own_below = _below_quotes(tail) if is_quoted else []
    if not _has_words(head):
        if cut.is_header or not is_quoted:
            return tail
        return _without_later_cut(own_below)
    if cut.is_header or not _has_words(own_below):
        return head
    # Between the quotes too: they stay, for without them nobody would know what is answered.
    return _without_trailing_quote([*head, *_without_later_cut(tail)])


def _below_quotes(tail: list[str]) -> list[str]:
    """The lines after the first block of quoted ones."""
    first = next(n for n, line in enumerate(tail) if QUOTED.match(line))
    if _has_words(tail[:first]):
        return []  # unquoted first: an earlier message whose own quotes come below
    rest = tail[first:]
    end = next((n for n, line in enumerate(rest) if line.strip() and not QUOTED.match(line)), len(rest))
    return rest[end:]


def _without_later_cut(lines: list[str]) -> list[str]:
    cut = _first_cut(lines)
    return lines if cut is None else lines[: cut.at]


def _without_trailing_quote(lines: list[str]) -> list[str]:
    """Without quoted lines at the end, unless there is nothing else."""
    kept = _without_signature(lines)
    end = len(kept)
    while end and (not kept[end - 1].strip() or QUOTED.match(kept[end - 1])):
        end -= 1
    return kept[:end] if end else lines


def _has_words(lines: list[str]) -> bool:
    return any(line.strip() for line in lines)


def _first_cut(lines: list[str]) -> _Cut | None:
    for n, line in enumerate(lines):
        if not line.strip() or QUOTED.match(line):
            continue
        cut = _header_block(lines, n) or _introduction(lines, n)
        if cut is not None:
            return cut
    return None


def _header_block(lines: list[str], at: int) -> _Cut | None:
    """A separator, or at least three lines of mail headers that begin with a From, and the blank lines around them."""
    has_separator = bool(SEPARATOR.match(lines[at].strip()[:INTRO_LENGTH]))
    n = at + 1 if has_separator or RULE.match(lines[at]) else at
    while n < len(lines) and n - at < 4 and not lines[n].strip():
        n += 1
    headers, folded = 0, 0
    if n < len(lines) and HEADER_FROM.match(lines[n]):
        while n < len(lines) and lines[n].strip() and folded < 3:
            is_header = bool(HEADER_LINE.match(lines[n]))
            headers, folded = headers + is_header, 0 if is_header else folded + 1
            n += 1
    if headers >= 3 or has_separator:
        return _Cut(at=at, end=n, is_header=True)
    return None


def _introduction(lines: list[str], at: int) -> _Cut | None:
    """Some lines that say who wrote when: with a word for it, with an address and a colon, or right before a quote."""
    if not OPENS.match(lines[at].lstrip()) and not ADDRESS.search(lines[at]) and not DATED.search(lines[at]):
        return None
    joined = ""
    for n in range(at, min(at + INTRO_LINES, len(lines))):
        line = lines[n].strip()
        if n > at and QUOTED.match(lines[n]) and not line.startswith("> "):
            line = line.lstrip(">")
        elif n > at and QUOTED.match(lines[n]) and not _closes_address(joined):
            return None
        joined = f"{joined} {line}".strip()
        if len(joined) > INTRO_LENGTH:
            return None
        if _introduces(joined, is_quoted_below=_next_is_quoted(lines, n + 1)):
            return _Cut(at=at, end=n + 1, is_header=False)
    return None


def _closes_address(joined: str) -> bool:
    return joined.count("<") > joined.count(">")


def _introduces(said: str, *, is_quoted_below: bool) -> bool:
    if not DATED.search(said):
        return False
    if WROTE_EAST_ASIAN.search(said) and said.endswith((":", "：")):
        return True
    ends = said.endswith((":", "：", ": *"))
    if ends and WROTE.search(said[-60:]):
        return True
    if ends and (ADDRESS.search(said) or is_quoted_below) and len(said) < 200:
        return bool(ADDRESS.search(said)) or bool(OPENS.match(said))
    return bool(STAMPED.match(said)) and len(said) < 100


def _next_is_quoted(lines: list[str], n: int) -> bool:
    following = next((line for line in lines[n : n + 4] if line.strip()), "")
    return bool(QUOTED.match(following))


def _without_signature(lines: list[str]) -> list[str]:
    """Without what a mail program or a habit puts below: from `-- ` on, or a last line that names the device."""
    for n in range(max(0, len(lines) - SIGNATURE_LINES), len(lines)):
        if SIGNATURE.match(lines[n]) and _has_words(lines[:n]):
            lines = lines[:n]
            break
    end = len(lines)
    while end and not lines[end - 1].strip():
        end -= 1
    if end and SENT_FROM.match(lines[end - 1].strip()) and _has_words(lines[: end - 1]):
        return lines[: end - 1]
    return lines[:end]
