"""Normal forms of addresses: what makes two spellings the same person's address. The raw value is kept beside it."""

import re
import unicodedata

import idna
import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

_validate = EmailValidator(allowlist=[])  # no exception for localhost: nobody can be answered there
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_PREFIX = re.compile(r"(?:whatsapp|tel|sms):", re.IGNORECASE)
# What one mobile phone is called twice, the old way first: by WhatsApp, and since the country changed its numbers.
_TWICE = (
    (re.compile(r"\+521([2-9][0-9]{9})"), r"+52\1"),  # Mexico, without the 1 since 2019
    (re.compile(r"\+549([0-9]{10})"), r"+54\1"),  # Argentina: the 9 is only dialled from abroad
    (re.compile(r"\+55([1-9][1-9])([6-9][0-9]{7})"), r"+55\g<1>9\2"),  # Brazil, with the ninth digit since 2016
)


def normal_email(raw: str) -> str:
    """`raw` in NFC and lower case with the domain in ASCII (IDNA). Dots and +tags stay: they may be other people.

    Raises ValueError when it is not one plain address.
    """
    address = unicodedata.normalize("NFC", raw).strip()
    local, _, domain = address.rpartition("@")
    if "=?" in local:  # mail programs would take it for an encoded word, and send to what is in it
        raise ValueError("This is not a valid e-mail address.")
    try:
        normal = f"{local.lower()}@{_ascii_domain(domain.lower())}"
        _validate(normal)
    except (ValidationError, UnicodeError) as error:
        raise ValueError("This is not a valid e-mail address.") from error
    if len(normal) > 254:
        raise ValueError("This e-mail address is too long.")
    return normal


def _ascii_domain(domain: str) -> str:
    if domain.isascii():
        return domain.encode("idna").decode("ascii")  # looks at the lengths
    # IDNA 2008: the codec of the standard library makes fass.de of faß.de, which is another company's.
    return idna.encode(domain, uts46=True).decode("ascii")


def normal_phone(raw: str, *, region: str = "") -> str:
    """`raw` as E.164 (+4930123456), whatever its digits and punctuation; `region` (DE) is for national numbers.

    Only the shape is checked, because phonenumbers calls real WhatsApp senders invalid. Raises ValueError for what has
    no shape of a number, and for an extension: many people share the number before it.
    """
    written = ascii_digits(unicodedata.normalize("NFKC", raw)).strip()
    written = _PREFIX.sub("", written, count=1)
    if not region:
        written = re.sub(r"^\(?00(?=[1-9])", "+", written)
    if len(written) > 40:
        raise ValueError("This phone number is too long.")
    normal = _e164(written, region)
    if not _E164.fullmatch(normal) or _e164(normal, "") != normal:  # nothing but zeros, for example
        raise ValueError("This is not a phone number with its country code.")
    return one_name(normal)


def _e164(written: str, region: str) -> str:
    try:
        number = phonenumbers.parse(written, region or None)
    except phonenumbers.NumberParseException as error:
        raise ValueError("This is not a phone number with its country code.") from error
    if number.extension:
        raise ValueError("A phone number with an extension is shared by many people.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def one_name(e164: str) -> str:
    """The one form of a number that has two."""
    for old, new in _TWICE:
        if old.fullmatch(e164):
            return old.sub(new, e164)
    return e164


def ascii_digits(text: str) -> str:
    """`text` with the decimal digits of every script as 0 to 9."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
