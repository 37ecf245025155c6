"""What comes with a mail: kept within limits, with the type its bytes show, and only ever downloaded."""

import io
import zipfile
from email import policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.test import Client

from channels_app.gmail.files import kept, sniffed
from channels_app.gmail.mime import Attachment
from channels_app.simulator.mailbox import Mailbox
from tests.channels_app.mailbox import OURS, VOUCHED, read
from tickets.models import Message

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 30


def a_zip() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", b"0" * 10_000_000)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "image/png"),
        (b"%PDF-1.7\n", "application/pdf"),
        (b"MZ" + b"\x00" * 300, "application/x-msdownload"),
        (b"<!DOCTYPE html><script>alert(1)</script>", "text/html"),
        (b"\xef\xbb\xbf  <html>", "text/html"),
        (b"<!-- a --><?xml version='1.0'?><x>", "text/html"),
        (b'<?xml version="1.0"?>\n<!-- x --><svg onload="alert(1)">', "image/svg+xml"),
        (b"just words\n", "text/plain"),
        ("Grüße".encode(), "text/plain"),
        (b"\x00\x01\x02", "application/octet-stream"),
        (b"\xff\xfe\xfa words", "application/octet-stream"),
        (b"", "text/plain"),
    ],
    ids=lambda v: repr(v)[:24],
)
def test_d15_the_type_is_what_the_bytes_show(content: bytes, kind: str) -> None:
    assert sniffed(content) == kind


def test_d15_a_text_that_is_cut_inside_a_character_is_still_text() -> None:
    assert sniffed("ü".encode() * 4096) == "text/plain"


def attachments(count: int, content: bytes = PNG, name: str = "a.png") -> list[Attachment]:
    return [Attachment(name=name, content_type="image/png", content=content)] * count


def test_d15_so_many_are_kept_and_the_others_are_named(settings: Any) -> None:
    files, dropped = kept(attachments(200))
    assert len(files) == settings.MAIL_ATTACHMENTS
    assert dropped[0] == f"a.png is one more than {settings.MAIL_ATTACHMENTS}."


def test_d15_what_is_too_large_is_not_kept(settings: Any) -> None:
    settings.MAIL_ATTACHMENT_MAX_BYTES = 1_000_000
    files, dropped = kept(attachments(1, PNG * 60_000, "../../etc/passwd"))
    assert (files, len(dropped)) == ((), 1)


@pytest.mark.django_db
def test_d15_hostile_attachments_are_stored_under_random_names_and_only_downloaded(
    inbox: Mailbox, desk: Client, settings: Any
) -> None:
    settings.MAIL_ATTACHMENTS = 3
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"], mail["Authentication-Results"] = "ann@example.com", OURS, VOUCHED
    mail.set_content("See these.")
    mail.add_attachment(b"<script>alert(1)</script>", maintype="image", subtype="png", filename="../../evil.png")
    mail.add_attachment(b"MZ" + b"\x00" * 300, maintype="image", subtype="png", filename="picture.png")
    mail.add_attachment(a_zip(), maintype="application", subtype="zip", filename="bomb.zip")
    mail.add_attachment(b"one more", maintype="text", subtype="plain", filename="more.txt")
    inbox.receive(mail.as_bytes())
    read()
    message = Message.objects.get()
    found = list(message.attachments.order_by("id"))
    types = ["text/html", "application/x-msdownload", "application/zip"]
    assert [a.content_type for a in found] == types
    assert not any(part in a.file.name for a in found for part in ("evil", "..", ".png"))
    assert message.raw.metadata["files_not_kept"] == ["more.txt is one more than 3."]
    answer = desk.get(f"/admin/tickets/ticket/{message.ticket_id}/files/{found[0].pk}/")
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("attachment")
    assert "/" not in answer["Content-Disposition"].partition("filename=")[2]
    page = desk.get(f"/admin/tickets/ticket/{message.ticket_id}/change/").content.decode()
    assert "they are in the mailbox only" in page


@pytest.mark.django_db
def test_d15_without_permission_there_is_no_attachment(inbox: Mailbox, client: Client) -> None:
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"], mail["To"], mail["Authentication-Results"] = "ann@example.com", OURS, VOUCHED
    mail.add_attachment(PNG, maintype="image", subtype="png", filename="a.png")
    inbox.receive(mail.as_bytes())
    read()
    message = Message.objects.get()
    path = f"/admin/tickets/ticket/{message.ticket_id}/files/{message.attachments.get().pk}/"
    assert client.get(path).status_code == 302
