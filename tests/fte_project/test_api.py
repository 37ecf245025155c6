"""The API's own manners: errors are JSON sentences, staff endpoints are for staff and keys."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from fte_project.models import ApiKey
from tests.factories import make_staff, write


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "/api/support/submit", 405),
        ("delete", "/api/support/ticket/abc", 405),
        ("put", "/api/support/ticket/abc/messages", 405),
        ("get", "/api/nothing/here", 404),
        ("get", "/api/support/ticket/abc", 404),
    ],
)
def test_errors_under_api_are_json_sentences(client: Client, db: None, method: str, path: str, status: int) -> None:
    response = getattr(client, method)(path)
    assert response.status_code == status
    said = response.json()
    assert said["detail"].endswith(".")
    assert said["errors"] == []
    assert status != 405 or response["Allow"]


def test_staff_endpoints_answer_a_key_with_the_scope_and_nobody_else(client: Client, db: None) -> None:
    ticket = write().ticket
    path = f"/api/tickets/{ticket.reference}"
    good, other = ApiKey.issue("one", ["read"]), ApiKey.issue("two", ["write"])
    assert client.get(path).status_code == 401
    assert client.get(path, headers={"X-API-Key": "fte_wrong"}).status_code == 401
    assert client.get(path, headers={"X-API-Key": other}).status_code == 401
    assert client.get(path, headers={"X-API-Key": good}).json()["reference"] == ticket.reference
    ApiKey.objects.filter(name="one").update(revoked_at="2026-01-01T00:00Z")
    assert client.get(path, headers={"X-API-Key": good}).status_code == 401
    assert not ApiKey.objects.filter(sha256=good).exists(), "only the hash is stored"


def test_staff_endpoints_answer_staff_who_may_see_tickets(client: Client, sam: User) -> None:
    ticket = write().ticket
    path = f"/api/conversations/{ticket.conversation_id}"
    client.force_login(make_staff("eda", "editor"))
    assert client.get(path).status_code == 401
    client.force_login(sam)
    said = client.get(path).json()
    assert said["tickets"][0]["reference"] == ticket.reference
    assert said["messages"][0]["author"] == "customer"
    assert client.get("/api/conversations/999999999999999999999").status_code == 404
    assert client.get("/api/tickets/T-1").status_code == 404
