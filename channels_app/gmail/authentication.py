"""Who vouches for the sender: what our own mail server wrote about the mail when it came in (RFC 8601)."""

import re

COMMENT = re.compile(r"\([^()]{0,500}\)")
QUOTED = re.compile(r'"(?:[^"\\]|\\.){0,2000}"')


def is_vouched_for(results: list[str], sender: str, *, server: str) -> bool:
    """Whether `server` (our own) found that the From domain of `sender` stands behind this mail.

    `results`: every Authentication-Results header, topmost first. Only the topmost that names our server counts: the
    sender may have written others below. dmarc=pass is enough; so is DKIM or SPF that passed for the From domain.
    """
    domain = sender.rpartition("@")[2].lower().rstrip(".")
    if not domain:
        return False
    own = results[0] if results else ""
    own = QUOTED.sub("", own)  # what is quoted was chosen by the sender
    if '"' in own:
        return False
    identity, _, rest = COMMENT.sub(" ", own).partition(";")
    if identity.strip().split(" ")[0].lower() != server.lower():
        return False
    verdicts = [_verdict(part) for part in rest.split(";")]
    if any(method == "dmarc" and result not in {"pass", "none"} for method, result, _ in verdicts):
        return False  # its own policy says that this is not theirs
    for method, result, properties in verdicts:
        if result != "pass":
            continue
        if method == "dmarc" and properties.get("header.from", "").rstrip(".") == domain:
            return True
        if method == "dkim" and is_aligned(properties.get("header.d") or properties.get("header.i", ""), domain):
            return True
        if method == "spf" and is_aligned(properties.get("smtp.mailfrom", ""), domain):
            return True
    return False


def _verdict(part: str) -> tuple[str, str, dict[str, str]]:
    words = part.split()
    method, _, result = (words[0] if words else "").partition("=")
    pairs = (word.partition("=") for word in words[1:])
    return method.lower(), result.lower(), {name.lower(): value.strip("\"'").lower() for name, _, value in pairs}


def is_aligned(who: str, domain: str) -> bool:
    """Whether a domain (or an address at one) is `domain`, above it or below it."""
    other = who.rpartition("@")[2].strip("<>").rstrip(".").lower()
    return "." in other and (other == domain or other.endswith(f".{domain}") or domain.endswith(f".{other}"))
