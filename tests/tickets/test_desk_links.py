"""Who is who on the desk: what staff see of it, what they can do about it, and who may."""

import html
import re

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from customers.models import Customer
from tests.customers.people import form, knows, mail, owner, the_proposal, whatsapp
from tests.factories import fresh, make_staff, write
from tickets.merging import accept, unmerge
from tickets.models import Conversation, CustomerMerge, MergeProposal, Ticket, TicketEvent, Trust

PHONE = "+4915112345678"
SAID = "My e-mail is ann@example.com."
LIST = "/admin/tickets/mergeproposal/"


@pytest.fixture
def two(db: None) -> tuple[Ticket, Ticket]:
    """Ann by mail, and somebody on WhatsApp who says that they are Ann."""
    return mail("ann@example.com").send(), whatsapp(PHONE, "Ann", SAID).send()


def ticket_page(ticket: Ticket) -> str:
    return reverse("admin:tickets_ticket_change", args=[ticket.pk])


def customer_page(ticket: Ticket) -> str:
    return reverse("admin:customers_customer_change", args=[owner(ticket)])


def text_of(response: HttpResponse) -> str:
    assert response.status_code == 200
    return re.sub(r"\s+", " ", html.unescape(response.content.decode()))


def doors(ticket: Ticket) -> dict[str, str]:
    """Every door of this kind, for what is there."""
    proposal, merge = MergeProposal.objects.first(), CustomerMerge.objects.first()
    return {
        "merge": reverse("admin:tickets_mergeproposal_merge", args=[proposal.pk if proposal else 0]),
        "dismiss": reverse("admin:tickets_mergeproposal_dismiss", args=[proposal.pk if proposal else 0]),
        "undo": reverse("admin:tickets_customermerge_undo", args=[merge.pk if merge else 0]),
        "verify": reverse("admin:tickets_ticket_verify", args=[ticket.pk]),
    }


def test_both_pages_show_who_may_be_the_same_with_the_evidence(desk: Client, two: tuple[Ticket, Ticket]) -> None:
    for ticket, other in (two, two[::-1]):
        for path in (ticket_page(ticket), customer_page(ticket)):
            said = text_of(desk.get(path))
            assert "May be the same person" in said
            assert "One of them calls ann@example.com their own e-mail address, the other writes from it." in said
            assert f"#message-{other.messages.get().pk}" in said
            assert "Not the same" in said
            assert "only claimed" not in said


def test_evidence_from_a_claimed_address_says_so(desk: Client) -> None:
    one, _ = mail("ann@example.com").send(), form("eve@evil.example", "Eve", SAID).send()
    assert "Said from an address that is only claimed." in text_of(desk.get(ticket_page(one)))


def test_a_person_merges_and_undoes_on_the_customers_page(desk: Client, two: tuple[Ticket, Ticket], sam: User) -> None:
    one, other = two
    back = customer_page(one)
    done = desk.post(doors(one)["merge"], {"back": back}, follow=True)
    assert done.redirect_chain[-1][0] == back
    said = text_of(done)
    assert "The two are one customer now." in said
    assert "Merged from" in said
    assert "A person decided: sam" in said
    assert "May be the same person" not in said
    assert owner(one) == owner(other)
    assert knows(one, other)
    gone = CustomerMerge.objects.get().gone
    assert "was merged into" in text_of(desk.get(reverse("admin:customers_customer_change", args=[gone.pk])))
    assert "Sam joined two customers".lower() in text_of(desk.get(ticket_page(other))).lower()
    undone = text_of(desk.post(doors(one)["undo"], {"back": back}, follow=True))
    assert "They are two customers again" in undone
    assert "Merged from" not in undone
    assert owner(one) != owner(other)
    again = desk.post(doors(one)["undo"], {"back": back}, follow=True)
    assert "was undone before" in text_of(again)


def test_what_is_not_the_same_is_gone_from_both_pages(desk: Client, two: tuple[Ticket, Ticket]) -> None:
    desk.post(doors(two[0])["dismiss"])
    for ticket in two:
        assert "May be the same person" not in text_of(desk.get(ticket_page(ticket)))
    assert the_proposal().state == "dismissed"
    assert owner(two[0]) != owner(two[1])


def test_e1_a_person_who_has_checked_opens_the_customers_history_to_this_conversation_alone(
    desk: Client, sam: User
) -> None:
    told = mail("ann@example.com", text="My secret is 4711.").send()
    checked, another = write().ticket, write().ticket
    assert "Verify: I have checked who they are" in text_of(desk.get(ticket_page(checked)))
    desk.post(doors(checked)["verify"])
    assert Conversation.objects.get(pk=checked.conversation_id).trust == Trust.STAFF_VERIFIED
    assert knows(checked, told)
    assert not knows(another, told)
    event = TicketEvent.objects.get(code="trust_checked")
    assert (event.ticket_id, event.actor) == (checked.pk, f"staff:{sam.pk}")
    assert "Verify: I have checked" not in text_of(desk.get(ticket_page(checked)))
    again = desk.post(doors(checked)["verify"], {"back": ticket_page(checked)}, follow=True)
    assert "known already who writes here" in text_of(again)


def test_e1_a_claimed_conversation_sees_nothing_whatever_staff_do_about_duplicates(sam: User) -> None:
    told = mail("ann@example.com", text="My secret is 4711.").send()
    claimed = write(message="What did I ask you last week? Tell me everything.").ticket
    whatsapp(PHONE, "Ann", SAID).send()
    assert not knows(claimed, told)
    merge = accept(the_proposal(), sam)
    assert owner(claimed) == owner(told)
    assert not knows(claimed, told)
    assert not knows(told, claimed)
    unmerge(merge, by=sam)
    assert not knows(claimed, told)


def test_the_list_of_duplicates_begins_with_those_to_decide(desk: Client, two: tuple[Ticket, Ticket]) -> None:
    said = text_of(desk.get(LIST))
    assert "Ann Lee" in said
    assert "One of them calls ann@example.com" in said
    desk.post(doors(two[0])["dismiss"])
    assert "One of them calls" not in text_of(desk.get(LIST))
    assert "Ann Lee" in text_of(desk.get(LIST, {"which": "dismissed"}))
    assert desk.get(LIST, {"which": "nonsense", "q": "ann"}).status_code == 200


@pytest.mark.parametrize(("group", "may"), [("agent", True), ("lead", True), ("auditor", False), ("editor", False)])
def test_agents_decide_and_auditors_only_see(group: str, may: bool, two: tuple[Ticket, Ticket]) -> None:
    client = Client()
    client.force_login(make_staff("kim", group))
    claimed = write().ticket
    for name in ("verify", "merge", "undo"):
        status = client.post(doors(claimed)[name]).status_code
        assert status == (302 if may else 403) or (name == "undo" and not may and status in {403, 404}), name
    if group == "auditor":
        said = text_of(client.get(ticket_page(two[0])))
        assert "May be the same person" in said
        assert "Yes, merge the two" not in said
        assert "I have checked" not in said
        assert client.get(LIST).status_code == 200
    if group == "editor":
        assert client.get(LIST).status_code == 403


def test_the_doors_need_a_login_a_post_and_a_token(two: tuple[Ticket, Ticket], sam: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    for name, path in doors(two[0]).items():
        assert Client().post(path).status_code == 302, name
        assert "/login/" in Client().post(path).headers["Location"]
        strict.force_login(sam)
        assert strict.get(path).status_code == 405, name
        assert strict.post(path).status_code == 403, name
    assert the_proposal().state == "open"


@pytest.mark.parametrize(
    "back", ["https://evil.example/admin/", "//evil.example/", "/support/", "javascript:alert(1)", ""]
)
def test_a_door_leads_back_to_the_desk_only(back: str, desk: Client, two: tuple[Ticket, Ticket]) -> None:
    response = desk.post(doors(two[0])["dismiss"], {"back": back})
    assert response.headers["Location"] == "/admin/tickets/ticket/"


def test_what_is_not_there_is_not_found(desk: Client, db: None) -> None:
    for name in ("mergeproposal_merge", "mergeproposal_dismiss", "customermerge_undo", "ticket_verify"):
        assert desk.post(reverse(f"admin:tickets_{name}", args=[999_999_999])).status_code == 404
    assert desk.get("/admin/customers/customer/999999/change/").status_code in {302, 404}


def test_words_of_customers_stay_words_on_the_card(desk: Client, two: tuple[Ticket, Ticket]) -> None:
    Customer.objects.update(name="<script>alert(1)</script>")
    for path in (ticket_page(two[0]), customer_page(two[0]), LIST):
        assert "<script>alert(1)" not in desk.get(path).content.decode()
    assert fresh(two[0]).conversation.customer.name.startswith("<script>")
