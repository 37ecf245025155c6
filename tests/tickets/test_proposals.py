"""Proposals: what makes them, what takes them back, and that they change nothing by themselves."""

import time

import pytest

from tests.customers.people import form, is_proposed, knows, mail, owner, the_proposal, whatsapp
from tests.factories import make_staff
from tickets.evidence import may_be_one_name, mentions
from tickets.merging import NotMergeable, accept, dismiss, unmerge
from tickets.models import Conversation, CustomerMerge, Mention, MergeProposal, Trust
from tickets.proposals import SHARED_BY_AT_MOST, evidence_key

PHONE = "+49 151 12345678"
SAID = "My e-mail is ann@example.com."


@pytest.mark.django_db
def test_e2_saying_that_an_address_is_mine_merges_nothing_and_shows_nothing() -> None:
    victim = mail("ann@example.com", text="My secret is 4711.").send()
    eve = whatsapp("+4917000000", "Eve", f"{SAID} What did I ask last week?").send()
    assert is_proposed(victim, eve)
    assert owner(victim) != owner(eve)
    assert not knows(eve, victim)
    assert not knows(victim, eve)
    assert not CustomerMerge.objects.exists()
    assert Conversation.objects.get(pk=eve.conversation_id).trust == Trust.CHANNEL_VERIFIED


@pytest.mark.django_db
def test_a_proposal_keeps_ids_and_codes_and_no_words() -> None:
    one, two = mail("ann@example.com").send(), whatsapp(PHONE, text=SAID).send()
    (evidence,) = the_proposal().evidence
    assert evidence == {
        "code": "other_email",
        "key": evidence_key("email", "ann@example.com"),
        "messages": [one.messages.get().pk, two.messages.get().pk],
        "dismissed": False,
    }
    assert "ann" not in str(evidence)


@pytest.mark.django_db
def test_what_many_share_says_nothing_whoever_came_first() -> None:
    tickets = [mail(f"ann{n}@firm.example", signature=PHONE).send() for n in range(SHARED_BY_AT_MOST)]
    assert MergeProposal.objects.count() == 3
    tickets.append(mail("ann9@firm.example", signature=PHONE).send())
    assert not MergeProposal.objects.exists()
    mail("ann0@firm.example", text="My order number is 4711-2290").send()
    mail("ann1@firm.example", text="My order number is 4711-2290").send()
    assert is_proposed(*tickets[:2]), "other evidence still counts"
    assert MergeProposal.objects.count() == 1


@pytest.mark.django_db
def test_a_dismissed_pair_comes_back_for_new_evidence_only() -> None:
    sam = make_staff("sam", "agent")
    mail("ann@example.com", signature=PHONE).send()
    mail("ann@work.example", signature=PHONE).send()
    dismiss(the_proposal(), sam)
    with pytest.raises(NotMergeable, match="decided before"):
        dismiss(the_proposal(), sam)
    with pytest.raises(NotMergeable, match="decided before: not the same"):
        accept(the_proposal(), sam)
    mail("ann@work.example", signature=PHONE).send()
    assert the_proposal().state == "dismissed"
    mail("ann@example.com", text="My order number is 4711-2290").send()
    mail("ann@work.example", text="The order 4711-2290 again").send()
    proposal = the_proposal()
    assert proposal.state == "open"
    assert [e["code"] for e in proposal.current_evidence()] == ["same_order"]


@pytest.mark.django_db
def test_a_dismissal_holds_for_whom_they_are_merged_into() -> None:
    sam = make_staff("sam", "agent")
    oldest = mail("ann@c.example", "Ann C").send()
    mail("ann@a.example", "Ann A", signature=PHONE).send()
    mail("ann@b.example", "Ann B", signature=PHONE).send()
    dismiss(the_proposal(), sam)
    mail("ann@c.example", "Ann C", text="My e-mail is ann@b.example.").send()
    accept(MergeProposal.objects.get(state="open"), sam)
    assert owner(oldest) == owner(mail("ann@b.example", "Ann B", signature=PHONE).send())
    assert not MergeProposal.objects.filter(state="open").exists()


@pytest.mark.django_db
def test_after_a_merge_is_undone_what_was_proposed_meanwhile_is_about_who_said_it() -> None:
    sam = make_staff("sam", "agent")
    kept = mail("ann@a.example", "Ann A").send()
    gone = mail("ann@b.example", "Ann B", "My e-mail is ann@a.example.").send()
    done = accept(the_proposal(), sam)
    mail("ann@b.example", "Ann B", signature=PHONE).send()
    third = mail("ann@c.example", "Ann C", signature=PHONE).send()
    assert is_proposed(kept, third)
    unmerge(done, by=sam)
    assert is_proposed(gone, third)
    assert not is_proposed(kept, third)


@pytest.mark.django_db
def test_of_two_the_one_with_a_name_is_kept() -> None:
    nameless = whatsapp(PHONE, "", SAID).send()
    named = mail("ann@example.com").send()
    accept(the_proposal(), make_staff("sam", "agent"))
    assert Conversation.objects.get(pk=nameless.conversation_id).customer.name == "Ann Lee"
    assert owner(nameless) == owner(named)


@pytest.mark.django_db
def test_the_phone_region_reads_national_numbers(settings: object) -> None:
    settings.PHONE_REGION = "DE"
    one, two = form("ann@x.example", text="Please call 0151 12345678.").send(), whatsapp(PHONE).send()
    assert is_proposed(one, two)


@pytest.mark.django_db
def test_a_message_is_mined_once_and_its_mentions_go_with_it() -> None:
    ticket = mail("ann@example.com", text=f"{SAID} {SAID} {PHONE} and again {PHONE}").send()
    said = set(Mention.objects.values_list("kind", "value"))
    assert said == {("email", "ann@example.com"), ("mailbox", "ann@example.com"), ("phone", "+4915112345678")}
    ticket.messages.get().delete()
    assert not Mention.objects.exists()


# --- Words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("My e-mail address is now ann@example.com.", {("email", "ann@example.com")}),
        ("Sie erreichen mich nicht. Meine Mail-Adresse: ann@example.com", {("email", "ann@example.com")}),
        ("mail ann@example.com for details", set()),
        ("My e-mail is not ann@example.com", set()),
        ("order 4711", {("order", "4711")}),
        ("order 471", set()),
        ("order of 2 for 1000 EUR", set()),
        ("case T-1042", set()),
        ("the invoice 2026", set()),
        ("Bestellung AB-20391, Rechnung RE-99120", {("order", "AB20391"), ("order", "RE99120")}),
        (f"Call {PHONE} or +44 20 7183 8750", {("phone", "+4915112345678"), ("phone", "+442071838750")}),
        ("card 4111 1111 1111 1111, IP 10.0.0.1, 2026-01-02", set()),
    ],
)
def test_words_that_tell_who_writes(said: str, found: set[tuple[str, str]]) -> None:
    assert {(str(k), v) for k, v in mentions(said)} == found


def test_in_a_signature_every_address_is_their_own() -> None:
    assert {(str(k), v) for k, v in mentions("Hello", "Ann Lee | ann@work.example | Tel. +49 30 123456")} == {
        ("email", "ann@work.example"),
        ("phone", "+4930123456"),
    }


@pytest.mark.parametrize(
    "hostile",
    [
        "my e-mail is " * 8000, "order number " * 8000, "+49 " * 25_000, "+49 1" * 20_000, "a@" * 50_000,
        "wife " * 20_000, "order " + "n° " * 30_000, "order A1" + "-A1" * 30_000, "my " + "a" * 100_000,
        "+1 (415) 555-2671 " * 5000, "meu e-mail é é " * 6000, "\u0660" * 100_000, "ﷺ" * 50_000,
    ],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_hostile_words_cost_little_and_give_few_mentions(hostile: str) -> None:
    began = time.perf_counter()
    assert len(mentions(hostile, hostile)) <= 10
    assert time.perf_counter() - began < 0.5


@pytest.mark.parametrize(
    ("one", "other", "may"),
    [
        ("Ann Lee", "Ann", True), ("Ann Lee", "Annie Lee", True), ("Ann Lee", "LEE Ann", True),
        ("A. Lee", "Ann Lee", True),
        ("Jürgen", "Juergen", True), ("José", "Jose", True), ("Dr. Ann Lee", "Ann Wood", True), ("", "Ann", True),
        ("🌸", "Ann", True), ("Ann Lee", "Tom Lee", False), ("A. Lee", "Ann Wood", False),
        ("B. Lee", "Ann Lee", False),
        ("Юлия", "Yulia", False), ("Jo", "Joanna", False),
    ],
)  # fmt: skip
def test_names_that_may_be_one_persons(one: str, other: str, may: bool) -> None:
    assert may_be_one_name({one}, {other}) is may
    assert may_be_one_name({other}, {one}) is may
