"""Normal forms of addresses: what makes two spellings the same person's address. The raw value is kept beside it."""

import unicodedata

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator

_validate = EmailValidator(allowlist=[])  # no exception for localhost: nobody can be answered there


def normal_email(raw: str) -> str:
    """`raw` in NFC and lower case with the domain in ASCII (IDNA). Dots and +tags stay: they may be other people.

    Raises ValueError when it is not one plain address.
    """
    address = unicodedata.normalize("NFC", raw).strip()
    local, _, domain = address.rpartition("@")
    if "=?" in local:  # mail programs would take it for an encoded word, and send to what is in it
        raise ValueError("This is not a valid e-mail address.")
    try:
        normal = f"{local.lower()}@{domain.lower().encode('idna').decode('ascii')}"
        _validate(normal)
    except (ValidationError, UnicodeError) as error:
        raise ValueError("This is not a valid e-mail address.") from error
    if len(normal) > 254:
        raise ValueError("This e-mail address is too long.")
    return normal
