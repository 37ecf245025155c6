"""A reply on its way through Gmail: as a draft first. One draft is made for it, and Gmail sends a draft only once."""

from collections.abc import Callable
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formataddr, make_msgid

from django.conf import settings
from django.template.loader import render_to_string
from google.auth.exceptions import GoogleAuthError
from googleapiclient.errors import HttpError

from channels_app.gmail.bounces import last_bounce
from channels_app.gmail.client import GMAIL_ERRORS, Gmail
from channels_app.gmail.marks import DELIVERY_HEADER, conversation_mark, mark_of
from channels_app.gmail.models import GmailMail
from channels_app.mailing import test_words
from channels_app.posting import asked_wait
from channels_app.registry import Provider, SendError, Sent
from channels_app.web_form.sender import copy_body, copy_subject, signature_of
from fte_project.crash import crash
from fte_project.events import Channel
from fte_project.markup import to_absolute, to_html
from fte_project.text import clean_line
from tickets.models import Delivery, Message, Trust
from tickets.tokens import status_url

DRAFT = "draft:"  # before the id of a draft that was made and perhaps sent
REFERENCES = 20
BUSY = {"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"}


def send_reply(delivery: Delivery, check: Callable[[], None]) -> Sent:
    """Send the reply in its thread, after `check`. Raises SendError; what may be on its way is not `refused`."""
    if (bounce := last_bounce(delivery)) is not None:
        error = f"Mail to {delivery.address} came back on {bounce.bounced_at:%-d %B}: {bounce.detail}"
        raise SendError(error, permanent=True, refused=True)
    gmail = _gmail()
    try:
        draft_id = _draft(delivery, gmail)
    except GMAIL_ERRORS as error:
        raise _said(error, has_left=False) from error
    check()
    try:
        return Sent(external_id=gmail.send_draft(draft_id))
    except GMAIL_ERRORS as error:
        raise _said(error, has_left=True) from error


def look_up(delivery: Delivery) -> Sent | None:
    """The mail that the draft has become; None while it is a draft still. Raises SendError when Gmail cannot say."""
    if not delivery.external_id.startswith(DRAFT):
        raise SendError("It is not known whether a draft was made.")
    gmail = _gmail()
    try:
        if gmail.has_draft(delivery.external_id.removeprefix(DRAFT)):
            return None
        read = GmailMail.objects.filter(mailbox__address=gmail.address, fate=GmailMail.Fate.OWN)
        if (own := read.filter(delivery=delivery.pk).first()) is not None:
            return Sent(external_id=own.gmail_id)
        sent, mark = gmail.ids("in:sent newer_than:2d"), mark_of(delivery.pk)
        known = set(read.filter(gmail_id__in=sent).values_list("gmail_id", flat=True))  # as others
        for gmail_id in reversed([gmail_id for gmail_id in sent if gmail_id not in known]):
            if gmail.header(gmail_id, DELIVERY_HEADER) == mark:
                return Sent(external_id=gmail_id)
    except GMAIL_ERRORS as error:
        raise _said(error, has_left=True) from error
    raise SendError("The draft is gone, and what it has become was not found yet.")


def _gmail() -> Gmail:
    try:
        return Gmail(settings.GMAIL_ADDRESS)
    except GMAIL_ERRORS as error:
        raise SendError(f"Gmail cannot be used: {error}"[:500], refused=True) from error


def _draft(delivery: Delivery, gmail: Gmail) -> str:
    """The draft of an earlier try, or a new one, whose id is stored before anything can leave. Raises SendError."""
    if delivery.external_id.startswith(DRAFT):
        made = delivery.external_id.removeprefix(DRAFT)
        if not gmail.has_draft(made):
            raise SendError("The draft of an earlier try is gone: it may have been sent after all.")
        return made
    thread = _thread(delivery)
    is_claimed = delivery.reply.conversation.trust == Trust.CLAIMED
    draft_id = gmail.create_draft(
        _mail(delivery, thread).as_bytes(), thread[0].thread_id if thread and not is_claimed else None
    )
    crash("draft_made")
    ours = Delivery.objects.filter(pk=delivery.pk, lease_token=delivery.lease_token)
    ours.update(external_id=f"{DRAFT}{draft_id}")
    delivery.external_id = f"{DRAFT}{draft_id}"
    crash("draft_stored")
    return draft_id


def _thread(delivery: Delivery) -> list[GmailMail]:
    """The mails of the conversation, newest first; none for a reply to the form."""
    if delivery.reply.ticket.channel != Channel.EMAIL:
        return []
    mails = GmailMail.objects.filter(mailbox__address=settings.GMAIL_ADDRESS)
    said = mails.exclude(fate=GmailMail.Fate.AUTOMATIC)  # a bounce belongs to a reply, and is none
    return list(said.filter(message__conversation=delivery.reply.conversation_id)[:REFERENCES])


def _mail(delivery: Delivery, thread: list[GmailMail]) -> EmailMessage:
    reply, ticket = delivery.reply, delivery.reply.ticket
    words = {"reply": reply, "ticket": ticket, "company": settings.COMPANY_NAME, "signature": signature_of(reply)}
    words["html"] = to_html(to_absolute(reply.body))
    mail = EmailMessage(policy=policy.default.clone(max_line_length=998))  # a folded Message-ID is another one
    mail["From"] = formataddr((settings.COMPANY_NAME, settings.GMAIL_ADDRESS))
    mail["To"] = Address(addr_spec=delivery.address)  # as it stands: nothing in it is decoded to another one
    if reply.cc:
        mail["Cc"] = [Address(addr_spec=address) for address in reply.cc]
    mail["Message-ID"] = make_msgid(idstring=str(delivery.pk), domain=settings.GMAIL_ADDRESS.rpartition("@")[2])
    mail[DELIVERY_HEADER] = mark_of(delivery.pk)
    if reply.author != Message.Author.STAFF:
        mail["Auto-Submitted"] = "auto-replied"
        mail["X-Auto-Response-Suppress"] = "All"
    if ticket.channel == Channel.EMAIL:
        # Of a sender nobody vouched for nobody knows who they are: their words must not go out in our name.
        is_claimed = reply.conversation.trust == Trust.CLAIMED
        subject = copy_subject(ticket) if is_claimed else clean_line(thread[-1].subject if thread else ticket.subject)
        mail["Subject"] = subject if is_claimed or subject.lower().startswith("re:") else f"Re: {subject}"
        mail.set_content(render_to_string("email/reply.txt", words))
    else:
        mail["Subject"] = copy_subject(ticket)
        mail.set_content(copy_body(reply))
        words["url"] = status_url(ticket)
    mail.add_alternative(render_to_string("email/reply.html", words), subtype="html")
    names = [earlier.rfc822_id for earlier in reversed(thread) if earlier.rfc822_id]
    if names:
        mail["In-Reply-To"] = names[-1]
    mail["References"] = " ".join([conversation_mark(reply.conversation_id), *names])
    return mail


def _said(error: Exception, *, has_left: bool) -> SendError:
    """What an error of Gmail means. Before `drafts.send` nothing can have left."""
    if isinstance(error, GoogleAuthError):
        return SendError(f"Gmail does not let us in: {error}"[:500], refused=True)
    if not isinstance(error, HttpError):
        return SendError(f"Gmail does not answer: {error}"[:500], refused=not has_left)
    status, reason = int(error.resp.status), str(error.reason)
    text = f"Gmail answered {status}: {reason}"[:500]
    is_busy = status == 429 or (status == 403 and any(word in str(error) for word in BUSY))
    if is_busy or status in {401, 403}:
        return SendError(text, refused=True, retry_after=asked_wait(str(error.resp.get("retry-after", ""))))
    if status == 404 and has_left:
        return SendError(text)  # the draft is gone: the request may have been repeated on its way
    if 400 <= status < 500:
        return SendError(text, refused=True, permanent=not has_left and status == 400)
    return SendError(text, refused=not has_left)


def send_test(address: str) -> None:
    """Send a test from our mailbox, in a thread of its own. Raises SendError."""
    words = test_words("Gmail")
    mail = EmailMessage()
    mail["From"], mail["To"] = formataddr((settings.COMPANY_NAME, settings.GMAIL_ADDRESS)), address
    mail["Subject"], mail["Auto-Submitted"] = words["subject"], "auto-generated"
    mail.set_content(words["body"])
    gmail = _gmail()
    try:
        gmail.send_draft(gmail.create_draft(mail.as_bytes(), None))
    except GMAIL_ERRORS as error:
        raise _said(error, has_left=True) from error


GMAIL = Provider(send=send_reply, look_up=look_up, test=send_test)
