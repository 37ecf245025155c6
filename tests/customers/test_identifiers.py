"""Which spellings are the same person's address, and who owns it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.identifiers import normal_email
from customers.models import Customer, Identifier


@pytest.mark.parametrize(
    ("raw", "normal"),
    [
        ("ann@example.com", "ann@example.com"),
        ("  Ann@EXAMPLE.com ", "ann@example.com"),
        ("ANN.LEE+desk@example.com", "ann.lee+desk@example.com"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("ann@BÜCHER.example", "ann@xn--bcher-kva.example"),
        ("ann@bu\u0308cher.example", "ann@xn--bcher-kva.example"),
        ("o'brien@example.co.uk", "o'brien@example.co.uk"),
        ("ann@[127.0.0.1]", "ann@[127.0.0.1]"),
    ],
)
def test_spellings_have_one_normal_form(raw: str, normal: str) -> None:
    assert normal_email(raw) == normal
    assert normal_email(normal) == normal


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "ann",
        "@",
        "ann@",
        "@example.com",
        "ann@example",
        "ann@@example.com",
        "ann lee@example.com",
        "Ann <ann@example.com>",
        "ann@example.com, ben@example.com",
        "ann@example.com\nBcc: x@example.com",
        "ann@exa mple.com",
        "ann@-example.com",
        "ann@example..com",
        ".@.",
        "ann@" + "x" * 64 + ".com",
        "a" * 250 + "@example.com",
        "ann@" + "a." * 200 + "com",
        "\x00@example.com",
        "ann@\ud800.com",
        "аnn@example.com",
    ],
)
def test_what_is_not_one_plain_address_is_refused(raw: str) -> None:
    with pytest.raises(ValueError, match="e-mail address"):
        normal_email(raw)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann@example.com", "ann@example.org"),
        ("ann.lee@example.com", "annlee@example.com"),
        ("ann+a@example.com", "ann@example.com"),
        ("ann@paypal.com", "ann@раypal.com"),
    ],
)
def test_addresses_that_may_be_other_people_stay_apart(one: str, other: str) -> None:
    assert normal_email(one) != normal_email(other)


@given(st.text(max_size=60) | st.from_regex(r"[\w.+-]{1,20}@[\w.-]{1,30}", fullmatch=True))
def test_any_text_has_a_stable_normal_form_or_is_refused(raw: str) -> None:
    try:
        normal = normal_email(raw)
    except ValueError:
        return
    assert normal_email(normal) == normal
    assert len(normal) <= 254
    assert normal.isascii()
    assert not set(normal) & set("\r\n\x00")


@pytest.mark.django_db
def test_an_address_has_one_owner_whatever_name_comes_with_it() -> None:
    known = Customer.objects.known_by("email", "ann@example.com", raw="Ann@example.com", name="Ann Lee")
    again = Customer.objects.known_by("email", "ann@example.com", raw="ann@EXAMPLE.com", name="Somebody Else")
    assert again == known
    assert again.name == "Ann Lee"
    assert Identifier.objects.get().raw == "Ann@example.com"
    assert Customer.objects.get().email == "ann@example.com"


@pytest.mark.django_db
def test_the_same_value_of_another_kind_is_another_identifier() -> None:
    Customer.objects.known_by("email", "4930123", raw="x", name="A")
    Customer.objects.known_by("phone", "4930123", raw="x", name="B")
    assert Customer.objects.count() == 2
    assert str(Customer.objects.create()).startswith("customer ")
    assert Customer.objects.last().email == ""
