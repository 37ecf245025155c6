"""What is quoted of an article: a section as its author wrote it, its lists whole."""

from knowledge.passages import LONGEST, Part, quoted

LONG = "word " * (LONGEST // 10)  # two of them just fit


def parts(*rows: tuple[str, str], start: int = 0) -> list[Part]:
    return [Part(n, section, text) for n, (section, text) in enumerate(rows, start)]


def test_a_section_is_quoted_under_its_heading_and_the_first_one_without() -> None:
    assert quoted(parts(("Title › Open it", "Press **Open**.")), 0) == ("**Open it**\n\nPress **Open**.", True)
    assert quoted(parts(("Title", "Press **Open**.")), 0) == ("Press **Open**.", True)


def test_the_pieces_of_a_section_are_put_together_in_reading_order() -> None:
    rows = parts(("T › A", "1. One.\n2. Two."), ("T › A", "3. Three."), start=4)
    assert quoted(rows, 5) == ("**A**\n\n1. One.\n2. Two.\n\n3. Three.", True)


def test_what_stands_below_a_section_is_part_of_it() -> None:
    rows = parts(("T › A", "Two ways:"), ("T › A › By hand", "Type it."), ("T › A › By mail", "Send it."))
    assert quoted(rows, 0) == ("**A**\n\nTwo ways:\n\n**By hand**\n\nType it.\n\n**By mail**\n\nSend it.", True)


def test_when_that_is_too_long_the_section_alone_is_quoted() -> None:
    rows = parts(("T › A", "Press A."), ("T › A › More", LONG), ("T › A › Even more", LONG), ("T › A › Last", LONG))
    assert quoted(rows, 0) == ("**A**\n\nPress A.", True)


def test_what_announces_something_that_does_not_follow_is_not_whole() -> None:
    rows = parts(("T › A", "Do this:"), ("T › A › First", LONG), ("T › A › Then", LONG), ("T › A › Last", LONG))
    assert quoted(rows, 0) == ("**A**\n\nDo this:", False)


def test_two_sections_of_the_same_name_are_not_mixed() -> None:
    rows = [Part(1, "T › Windows", "First."), Part(7, "T › Windows", "Second.")]
    assert quoted(rows, 7) == ("**Windows**\n\nSecond.", True)


def test_of_a_section_that_is_too_long_the_best_piece_is_quoted_with_the_whole_list_around_it() -> None:
    rows = parts(
        ("T › A", LONG),
        ("T › A", LONG),
        ("T › A", "To do it:\n\n1. One."),
        ("T › A", "2. Two."),
        ("T › A", "After it."),
    )
    text, is_whole = quoted(rows, 3)
    assert "1. One.\n\n2. Two." in text
    assert is_whole
    assert len(text) <= LONGEST + len("**A**\n\n\n\n\n\n\n\n")


def test_a_list_that_does_not_fit_is_said_to_be_cut() -> None:
    rows = parts(("T › A", f"1. {LONG}"), ("T › A", f"2. {LONG}"), ("T › A", f"3. {LONG}"))
    text, is_whole = quoted(rows, 1)
    assert f"2. {LONG}".strip() in text
    assert not is_whole


def test_headings_that_are_steps_are_quoted_together_or_not_as_whole() -> None:
    rows = parts(("T › Set up › 1. Open it", "Press."), ("T › Set up › 2. Type", "Your name."))
    text, is_whole = quoted(rows, 1)
    assert text == "**1. Open it**\n\nPress.\n\n**2. Type**\n\nYour name."
    assert is_whole
    long = parts(*((f"T › Set up › {n}. Step", LONG) for n in range(1, 5)))
    assert not quoted(long, 1)[1]
