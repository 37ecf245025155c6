"""A ticket becomes an evaluation case: who may, what it holds, what is downloaded, and that it goes with the ticket."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from agent_runner.cases import make_case
from agent_runner.models import EvaluationCase
from knowledge.models import Article
from knowledge.question_files import read_questions
from tests.factories import browser, write
from tickets.models import Message, Ticket
from tickets.replies import reply

LIST = "/admin/agent_runner/evaluationcase/"
BUTTON = "Make an evaluation case"
SOURCES = [{"slug": "reset", "passage": "Choose Forgot."}, {"slug": "other", "passage": None}]


def door(ticket: Ticket) -> str:
    return reverse("admin:agent_runner_evaluationcase_make", args=[ticket.pk])


def form(case: EvaluationCase) -> str:
    return reverse("admin:agent_runner_evaluationcase_change", args=[case.pk])


def said(response: HttpResponse) -> str:
    return " ".join(str(m) for m in get_messages(response.wsgi_request))


def download(client: Client, *cases: EvaluationCase) -> HttpResponse:
    return client.post(LIST, {"action": "download", "_selected_action": [case.pk for case in cases]})


@pytest.fixture
def lead(db: None) -> Client:
    return browser("lead")


@pytest.fixture
def ticket(db: None) -> Ticket:
    """Ann's question, with an article that would answer it."""
    for slug in ("reset", "other"):
        Article.objects.create(slug=slug, title=f"About {slug}", body_md="x", status=Article.Status.PUBLISHED)
    return write(subject="Password", message="I <b>forgot</b> it.").ticket


def answered(ticket: Ticket, sam: User) -> None:
    sent = reply(ticket, body="Choose Forgot.", staff=sam)
    Message.objects.filter(pk=sent.pk).update(sources=SOURCES)


def test_a_lead_makes_a_case_that_holds_the_question_and_what_the_answer_quotes(
    ticket: Ticket, lead: Client, sam: User
) -> None:
    answered(ticket, sam)
    assert BUTTON in lead.get(reverse("admin:tickets_ticket_change", args=[ticket.pk])).content.decode()
    response = lead.post(door(ticket))
    case = EvaluationCase.objects.get()
    assert response.headers["Location"] == form(case)
    assert (case.title, case.body, case.made_by) == ("Password", "I <b>forgot</b> it.", response.wsgi_request.user)
    assert [article.slug for article in case.gold.all()] == ["reset"]
    assert "I &lt;b&gt;forgot&lt;/b&gt; it." in lead.get(form(case)).content.decode()


def test_the_same_ticket_leads_to_the_case_it_has_as_it_was_corrected(ticket: Ticket, lead: Client, sam: User) -> None:
    case, is_new = make_case(ticket, sam)
    assert is_new
    EvaluationCase.objects.update(title="Corrected")
    answered(ticket, sam)
    response = lead.post(door(ticket))
    assert response.headers["Location"] == form(case)
    assert "already" in said(response)
    assert [(c.title, c.gold.count()) for c in EvaluationCase.objects.all()] == [("Corrected", 0)]


@pytest.mark.parametrize("group", ["agent", "editor", "auditor"])
def test_only_who_may_make_cases_and_see_tickets_can(group: str, ticket: Ticket) -> None:
    client = browser(group)
    assert client.post(door(ticket)).status_code == 403
    assert BUTTON not in client.get(reverse("admin:tickets_ticket_change", args=[ticket.pk])).content.decode()
    assert not EvaluationCase.objects.exists()


def test_a_case_is_made_by_a_post_with_its_token_only(ticket: Ticket, lead: Client) -> None:
    assert lead.get(door(ticket)).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = lead.cookies
    assert strict.post(door(ticket)).status_code == 403
    assert Client().post(door(ticket)).status_code == 302
    assert not EvaluationCase.objects.exists()
    assert lead.post(reverse("admin:agent_runner_evaluationcase_make", args=[10**12])).status_code == 404


@pytest.mark.parametrize("group", ["lead", "editor"])
def test_the_downloaded_file_is_one_that_evaluate_reads(group: str, ticket: Ticket, sam: User, tmp_path: Path) -> None:
    answered(ticket, sam)
    second = write(subject="Ünicode", message="In two\nlines", email="ben@example.com").ticket
    third = write(subject="Nobody knows", message="What is this?", email="eve@example.com").ticket
    cases = [make_case(one, sam)[0] for one in (ticket, second, third)]
    cases[1].gold.set(Article.objects.all())
    response = download(browser(group), *cases)
    assert response.headers["Content-Disposition"] == 'attachment; filename="cases.jsonl"'
    assert said(response).startswith("1 left out")
    file = tmp_path / "cases.jsonl"
    file.write_bytes(response.content)
    found = {q.id: q for q in read_questions(file)}
    assert set(found) == {ticket.reference, second.reference}
    assert (found[second.reference].title, found[second.reference].body) == ("Ünicode", "In two\nlines")
    assert found[second.reference].gold == ("other", "reset")
    assert found[ticket.reference].asked_at == ticket.opened_at


def test_cases_without_an_article_make_no_file(ticket: Ticket, lead: Client, sam: User) -> None:
    response = download(lead, make_case(ticket, sam)[0])
    assert response.status_code == 302
    assert "1 left out" in said(response)


def test_auditors_see_cases_and_download_none(ticket: Ticket, sam: User) -> None:
    answered(ticket, sam)
    case, auditor = make_case(ticket, sam)[0], browser("auditor")
    assert ticket.reference in auditor.get(LIST).content.decode()
    assert auditor.get(form(case)).status_code == 200
    assert "attachment" not in download(auditor, case).headers.get("Content-Disposition", "")


def test_a_lead_corrects_a_case_and_adds_none_by_hand(ticket: Ticket, lead: Client, sam: User) -> None:
    case, _ = make_case(ticket, sam)
    values = {"title": "Shorter", "body": "", "note": "n", "gold": [Article.objects.get(slug="other").pk]}
    assert lead.post(form(case), values).status_code == 302
    case.refresh_from_db()
    assert (case.title, case.body, [a.slug for a in case.gold.all()]) == ("Shorter", "", ["other"])
    assert lead.get(f"{LIST}add/").status_code == 403
    assert "About other" in lead.get(LIST, {"q": "other"}).content.decode()


def test_who_erases_the_conversation_erases_the_case(ticket: Ticket, sam: User) -> None:
    make_case(ticket, sam)
    ticket.conversation.delete()
    assert not EvaluationCase.objects.exists()
