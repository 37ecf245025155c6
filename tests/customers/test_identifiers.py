"""Which spellings are the same person's address, and who owns it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.identifiers import normal_email, normal_phone
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


def test_e4_an_international_domain_is_one_name_in_every_spelling_and_never_another_companys() -> None:
    assert normal_email("ann@faß.example") == "ann@xn--fa-hia.example" != normal_email("ann@fass.example")
    assert normal_email("ann@Bücher.Example") == normal_email("ann@xn--bcher-kva.example")


@pytest.mark.parametrize(
    ("raw", "normal"),
    [
        ("+49 30 123456", "+4930123456"),
        ("+49 (0)30 123456", "+4930123456"),
        ("0049 30/123456", "+4930123456"),
        ("whatsapp:+4930123456", "+4930123456"),
        ("tel:+49-30-123456", "+4930123456"),
        ("٠٠٤٩٣٠١٢٣٤٥٦", "+4930123456"),
        ("+４９ ３０ １２３４５６", "+4930123456"),
        ("+५५ ११ ९८७६५ ४३२१", "+5511987654321"),
        ("+5215512345678", "+525512345678"),
        ("+52 55 1234 5678", "+525512345678"),
        ("+54 9 11 2345-6789", "+541123456789"),
        ("+54 11 15 2345-6789", "+541123456789"),
        ("+551187654321", "+5511987654321"),
        ("+551133334444", "+551133334444"),  # a landline gets no ninth digit
        ("+882 16 12345678", "+8821612345678"),  # a satellite phone
        ("+1 200 555 0123", "+12005550123"),  # not given out: no reason to refuse what a provider sends
    ],
)
def test_e4_spellings_of_a_phone_number_have_one_normal_form(raw: str, normal: str) -> None:
    assert normal_phone(raw) == normal
    assert normal_phone(normal) == normal


def test_a_national_number_needs_its_region() -> None:
    assert normal_phone("030 123456", region="DE") == normal_phone("+49 30 123456", region="DE") == "+4930123456"
    with pytest.raises(ValueError, match="country code"):
        normal_phone("030 123456")


@pytest.mark.parametrize(
    "raw", ["", "+", "ann", "+49", "12345", "+0 30 123456", "+49 30 1 ext. 5", "+4930123456x12", "1" * 99]
)
def test_what_has_no_shape_of_a_number_is_refused(raw: str) -> None:
    with pytest.raises(ValueError, match="phone number"):
        normal_phone(raw)


@given(st.text(max_size=45) | st.from_regex(r"(whatsapp:)?\+?[0-9 ()./-]{3,24}", fullmatch=True))
def test_e4_any_text_has_a_stable_phone_form_or_is_refused(raw: str) -> None:
    for region in ("", "DE"):
        try:
            normal = normal_phone(raw, region=region)
        except ValueError:
            continue
        assert re.fullmatch(r"\+[1-9][0-9]{6,14}", normal)
        assert normal_phone(normal, region=region) == normal


SCRIPTS = [ord(c) for c in "0٠۰०০๐０"]


@given(st.from_regex(r"\+(49|44|1|33|34|39|351|91|52|54|55)[1-9][0-9]{7,10}", fullmatch=True), st.sampled_from(SCRIPTS))
def test_e4_the_script_of_its_digits_does_not_change_a_number(number: str, zero: int) -> None:
    written = "".join(chr(zero + int(c)) if c.isdecimal() else c for c in number)
    assert normal_phone(written) == normal_phone(number)


@given(st.from_regex(r"[a-z][a-z0-9.]{0,9}(\+[a-z]{1,5})?@[a-z]{1,8}\.(com|example)", fullmatch=True))
def test_e4_case_never_makes_another_person_and_dots_and_tags_never_the_same(email: str) -> None:
    try:
        normal = normal_email(email)
    except ValueError:
        return
    assert normal_email(email.upper()) == normal == email
