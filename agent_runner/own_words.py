"""What a customer says in their own words: without quotes of others, signature, addresses, file names, code and logs."""

import re
import unicodedata

LONGEST = 3000  # characters that are looked at: the patterns below may take their square

_CUT = re.compile(
    r"^[^\S\n]*(?:-{2,}[^\S\n]*(?:original message|forwarded message|ursprüngliche nachricht|mensaje original"
    r"|message d'origine|messaggio originale|mensagem original)[^\S\n]*-*"
    r"|(?:on|am|le|el|il|em)\b.{3,150}\b(?:wrote|schrieb|écrit|escribió|ha scritto|escreveu)[^\S\n]?:)[^\S\n]*$",
    re.IGNORECASE | re.MULTILINE,
)
_SIGNATURE = re.compile(r"^--[^\S\n]*$", re.MULTILINE)
_FAREWELL = re.compile(
    r"^[^\S\n]*(?:(?:many |with )?(?:best|kind|warm|kindest)?[^\S\n]?(?:regards|wishes|greetings)|yours(?: sincerely| truly)?"
    r"|sincerely|cheers|all the best|best|(?:mit )?(?:freundliche[nm]?|viele|beste|liebe)[^\S\n]gr(?:ü|ue)(?:ß|ss)e?n?|mfg|lg|vg"
    r"|(?:un |muchos |cordiales )?saludos?(?: cordial(?:es)?)?|atentamente|cordialement|(?:bien )?cordialement|sinc[èe]res salutations"
    r"|atenciosamente|(?:com os melhores )?cumprimentos|abraços?|(?:cordiali |distinti )?saluti|met vriendelijke groet(?:en)?"
    r"|pozdrawiam|z poważaniem)[^\S\n]*[,.!]*[^\S\n]*$",
    re.IGNORECASE | re.MULTILINE,
)
_FAREWELL_LINES, _FAREWELL_LENGTH = 6, 60  # what follows a farewell and is longer is no name and no title

_DROPPED = re.compile(
    r"(?s:```.*?(?:```|\Z))|`[^`\n]{1,200}`"  # code in marks
    r"|^[^\S\n]*>.*$"  # quoted lines
    r"|^[^\S\n]*(?:sent from my|get outlook for|von meinem|gesendet von|envoyé de(?:puis)?|enviado desde|enviado do|inviato da)\b.{0,60}$"
    r"|(?:https?://|www\.)\S+|[^\s<>@]+@[^\s<>@]+\.\w+"  # addresses
    r"|(?<!\S)[\w./\\-]{1,120}\.(?:png|jpe?g|gif|heic|pdf|docx?|xlsx?|pptx?|csv|txt|zip|log|mp4|mov|eml|msg|json|xml|html?)\b"
    r"|</?[a-z][^<>\n]{0,200}>"
    # Logs and code: a time stamp or a level first; a line that is set in, or ends as only code does.
    r"|^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*$|^\W?(?:ERROR|WARN(?:ING)?|INFO|DEBUG|FATAL|TRACE|Traceback)\b.*[\]\[:=].*$"
    r"|^(?: {4,}|\t)\S.*[():;={}\]].*$|^.*(?:[)\"'\]];|=.*;|\)[^\S\n]*\{)[^\S\n]*$|^[^\S\n]*[)}\]]+[;,]?[^\S\n]*$|^(?: {4,}|\t)(?:return|break|pass|else)\b.*$"
    r"|^(?:def|class|for|while|if|function|const|var|let|import|public)\b[^\n]*[(.=][^\n]*[:;{]$",
    re.IGNORECASE | re.MULTILINE,
)


def folded(text: str) -> str:
    """In lower case and without accents, as many people write and as word lists hold it."""
    text = unicodedata.normalize("NFD", text.lower().replace("’", "'").replace("ß", "ss").replace("ł", "l"))
    return "".join(letter for letter in text if not unicodedata.combining(letter))


def own_words(text: str) -> str:
    """The beginning of `text` without what its author did not say, or did not say in words; may be empty."""
    text = text[:LONGEST].replace("\r\n", "\n")
    for end in (_CUT, _SIGNATURE):
        if found := end.search(text):
            text = text[: found.start()]
    text = _without_farewell(text)
    return _DROPPED.sub(" ", text).strip()


def _without_farewell(text: str) -> str:
    for found in _FAREWELL.finditer(text):
        below = [line for line in text[found.end() :].split("\n") if line.strip()]
        is_all = not below and not text[: found.start()].strip()  # "Cheers!" alone is a word of thanks
        if (
            not is_all
            and len(below) <= _FAREWELL_LINES
            and all(len(line) <= _FAREWELL_LENGTH and "?" not in line for line in below)
        ):
            return text[: found.start()]
    return text
