"""What customers' own words tell of who they are: phone numbers, order numbers, addresses they call their own.

Six languages: English, Spanish, German, French, Portuguese, Italian. It is a hint for people, never proof.
"""

import re
import string
import unicodedata
from collections.abc import Iterator

from django.conf import settings
from phonenumbers import Leniency, PhoneNumberMatcher

from customers.identifiers import ascii_digits, normal_email, normal_phone
from tickets.links import Mention

Kind = Mention.Kind
HEAD, TAIL = 4000, 1500  # characters that are read: signatures stand at the end
MOST = 10  # mentions of one message
TRIES = 50  # of the phone matcher, for hostile text

EMAIL = r"[^\s<>@,;:\"()\[\]\\]{1,64}@[\w.-]{1,200}\w"
# Between "my e-mail is" and the address: a colon, brackets, "now".
_GAP = r"[\s:*<(\"']{1,4}(?:(?:now|jetzt|ahora|maintenant|agora|ora|adesso)\s+)?<?"
_OWN_EMAIL = re.compile(
    r"\b(?:"
    # en
    r"my\s+(?:\w+\s+)?(?:e-?mail|mail)(?:\s+address)?(?:\s+is|:)|(?:write|mail|e-?mail|reach|answer|reply)\s+(?:to\s+)?me\s+(?:at|on|under)"
    r"|i\s+also\s+(?:write|wrote)\s+from"
    # de
    r"|meine\s+(?:\w+\s+)?(?:e-?mail|mail)(?:-?\s?adresse)?(?:\s+(?:ist|lautet)|:)"
    r"|(?:schreib(?:en\s+sie|t)?|antworten?(?:\s+sie)?)\s+mir\s+(?:bitte\s+)?(?:an|unter)"
    # es
    r"|mi\s+(?:\w+\s+)?(?:correo|e-?mail)(?:\s+electr[oó]nico)?(?:\s+\w+)?(?:\s+es|:)|escr[ií]b(?:ame|eme|anme|idme|a)\s+a"
    # fr
    r"|mon\s+(?:\w+\s+)?(?:adresse\s+)?(?:e-?mail|mail|courriel)(?:\s+\w+)?(?:\s+est|\s?:)"
    r"|mon\s+adresse(?:\s+[eé]lectronique)?(?:\s+est|\s?:)|(?:[eé]crivez|[eé]cris|r[eé]pondez)-moi\s+[aà]"
    # pt
    r"|(?:o\s+)?meu\s+(?:\w+\s+)?e-?mail(?:\s+\w+)?(?:\s+[eé]|:)|(?:escrev[ae]m?|respond[ae]m?)(?:-me)?\s+para(?:\s+mim\s+em)?"
    # it
    r"|(?:la\s+)?mia\s+(?:\w+\s+)?(?:e-?mail|mail)(?:\s+[eè]|:)|(?:il\s+)?mio\s+indirizzo(?:\s+(?:e-?mail|mail))?(?:\s+[eè]|:)"
    r"|(?:scriv(?:imi|etemi|ermi)|rispond(?:imi|etemi))\s+a"
    r")" + _GAP + rf"({EMAIL})",
    re.IGNORECASE,
)
_ORDER = re.compile(
    r"\b(?:"
    r"orders?|invoice|receipt|case|booking"
    r"|bestell(?:ung|nummer|nr)|auftrag(?:s?nummer|snr|s-nr)?|rechnung(?:s?nummer|snr|s-nr)?|vorgang(?:s?nummer)?|kundennummer"
    r"|pedidos?|factura|orden|caso|encomenda|fatura|nota\s+fiscal"
    r"|commande|facture|dossier"
    r"|ordine|fattura|pratica"
    r")\b[\s.:#(\"']*"
    r"(?:(?:numbers?|num|no|nr|nummer|n[uú]mero|num[eé]ro|n°|n|id|is|es|ist|lautet|est|[eé]|[eè])(?![\w])[\s.:#°(\"']*){0,3}"
    r"([A-Z]{0,5}[-/ ]?[0-9][A-Z0-9]*(?:[-/][A-Z0-9]+){0,4})(?![\w%€$£])",
    re.IGNORECASE,
)
_NO_ORDER = re.compile(
    r"(?:19|20)[0-9]{2}|T-[0-9]+|[0-9]{1,2}[-/][0-9]{1,2}[-/][0-9]{2,4}|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}", re.IGNORECASE
)
# A number that follows these words is somebody else's.
_OTHERS = re.compile(
    r"\b(?:your|his|her|their|wife|husband|mother|father|mom|mum|dad|son|daughter|brother|sister|boss|colleague|friend|neighbou?r|courier"
    r"|ihre[rn]?|eure[rn]?|deine[rn]?|seine[rn]?|frau|mann|mutter|vater|sohn|tochter|bruder|schwester|chef|kollege|kollegin|freund|freundin|nachbar"
    r"|vuestro|tu|su|esposa|esposo|marido|madre|padre|hijo|hija|hermano|hermana|jefe|vecino|amigo|amiga"
    r"|votre|ton|sa|son|femme|mari|m[eè]re|p[eè]re|fils|fille|fr[eè]re|s[oœ]e?ur|coll[eè]gue|voisin|ami|amie"
    r"|seu|sua|mulher|m[aã]e|pai|filho|filha|irm[aã]o|irm[aã]|chefe|vizinho"
    r"|vostro|tuo|suo|moglie|marito|figlio|figlia|fratello|sorella|capo|collega|vicino|amico|amica)\b[^.!?\n]{0,30}$",
    re.IGNORECASE,
)
_BEFORE = 48


def mentions(body: str, signature: str = "") -> list[tuple[Kind, str]]:
    """What the words of one message name as their writer's, in normal form and without repeats; at most 10."""
    found: dict[tuple[Kind, str], None] = {}
    for text, is_signature in ((_cut(body), False), (_cut(signature), True)):
        for one in (*_phones(text), *_orders(text), *_emails(text, is_signature=is_signature)):
            found[one] = None
    return list(found)[:MOST]


def _cut(text: str) -> str:
    if len(text) > HEAD + TAIL:
        text = f"{text[:HEAD]}\n{text[-TAIL:]}"
    return ascii_digits(unicodedata.normalize("NFKC", text))[: 2 * HEAD]  # one character may become eighteen


def _phones(text: str) -> Iterator[tuple[Kind, str]]:
    text = re.sub(r"(\+52[ .-]?)1(?=[ .-]?[2-9])", r"\1 ", text)  # the matcher does not know WhatsApp's old form
    text = re.sub(r"(?<![\w+])00(?=[1-9][0-9])", "+", text)
    places: list[tuple[str | None, int]] = [(None, Leniency.POSSIBLE)]
    if settings.PHONE_REGION:
        places.append((settings.PHONE_REGION, Leniency.VALID))
    for region, leniency in places:
        for match in PhoneNumberMatcher(text, region, leniency, TRIES):
            if _OTHERS.search(text[max(0, match.start - _BEFORE) : match.start]):
                continue
            try:
                yield Kind.PHONE, normal_phone(match.raw_string, region=region or "")
            except ValueError:
                continue


def _orders(text: str) -> Iterator[tuple[Kind, str]]:
    for match in _ORDER.finditer(text):
        token = match[1].strip()
        plain = re.sub(r"[^A-Z0-9]", "", token.upper())
        digits = token.lstrip(string.ascii_letters + " ")
        is_none = _NO_ORDER.fullmatch(token) or _NO_ORDER.fullmatch(digits)
        if sum(c.isdecimal() for c in plain) >= 4 and not is_none and len(plain) <= 40:
            yield Kind.ORDER, plain


def _emails(text: str, *, is_signature: bool) -> Iterator[tuple[Kind, str]]:
    """After words that call an address their own; in a signature every one."""
    written = re.finditer(f"({EMAIL})", text) if is_signature else _OWN_EMAIL.finditer(text)
    for match in written:
        try:
            yield Kind.EMAIL, normal_email(match[1])
        except ValueError:
            continue


def may_be_one_name(some: set[str], others: set[str]) -> bool:
    """Whether two people who call themselves like this may be one: the first names agree, or one gave no name."""
    ours, theirs = ([words for n in names if (words := _name_words(n))] for names in (some, others))
    return not ours or not theirs or any(_agree(a, b) for a in ours for b in theirs)


_TITLES = {"mr", "mrs", "ms", "dr", "prof", "herr", "frau", "sr", "sra", "mme", "m", "sig", "dott"}


def _name_words(name: str) -> list[str]:
    plain = "".join(c for c in unicodedata.normalize("NFKD", name) if not unicodedata.combining(c))
    words = re.findall(r"[^\W\d_]+", re.sub("([aou])e", r"\1", plain.casefold()))  # Juergen is Jürgen
    return [w for w in words if w not in _TITLES] or words


def _agree(one: list[str], other: list[str]) -> bool:
    if set(one) == set(other):  # also with the family name first
        return True
    a, b = one[0], other[0]
    if min(len(a), len(b)) == 1:  # an initial
        return a[0] == b[0] and (one[-1] == other[-1] or min(len(one), len(other)) == 1)
    short = min(len(a), len(b))
    return a == b or (short >= 3 and a[:short] == b[:short])
