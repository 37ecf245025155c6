"""What ends a conversation, and what only begins with thanks."""

import pytest

from agent_runner.closings import is_closing
from tests.agent_runner.test_cases import rows

CLOSINGS = """
thanks, that did it
perfect thx 👍
all sorted, you can close this
👍
👍🏽🙏
Thank you so much for your quick help!
That worked, thank you.
It works now, thanks a lot
Great, the problem is solved.
no further questions, thanks
ok got it
solved
cheers mate
Thanks again, have a nice weekend!
never mind, figured it out
that's all, thank you
The export works fine now. Thank you!
you're a star, all good now
Thanks Sam
gracias
Muchas gracias, ya funciona
perfecto, gracias por la ayuda
Vielen Dank für die schnelle Hilfe!
danke, hat geklappt
super, erledigt 👍
Merci beaucoup, ça marche maintenant
parfait, merci pour votre aide
Bonne journée et merci
obrigado, deu certo
Perfeito, muito obrigada!
grazie mille, risolto
Perfetto, grazie
bedankt, het werkt weer
dziękuję, już działa
"""
QUESTIONS = """
thanks, and how do I undo it?
Thanks. Where do I find the invoice
thanks but it still does not work
Works. However, the column is empty.
Thank you, one more question
perfect! can you also delete the old one
it works now only on firefox
thanks for nothing
great, another update that moves every button
Thanks in advance
thanks, please help
thank you, I need more time
the issue is not solved
is it fixed?
it worked yesterday
still waiting for an answer, thanks
That works for me but not for my colleague.
thanks, now the calendar shows the old date
Great, now I cannot log in
Danke, aber es geht nicht
Merci, mais comment faire pour les autres ?
gracias, pero no funciona
obrigado, mas ainda não funciona
grazie, ma come si fa
Thanks. The export is empty
ok thanks 😡
a card that works wirelessly
works for the first task, fails for the second
please get back to me, thanks
thanks can you help me
"""


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


@pytest.mark.parametrize("text", lines(CLOSINGS))
def test_thanks_and_what_is_solved_end_a_conversation(text: str) -> None:
    assert is_closing(text, is_answered=True, names=["Sam"])


@pytest.mark.parametrize("text", lines(QUESTIONS))
def test_what_may_still_want_an_answer_ends_nothing(text: str) -> None:
    assert not is_closing(text, is_answered=True)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("ok thanks bye", True),
        ("thank you!", True),
        ("danke", True),
        ("👍", False),
        ("perfect", False),
        ("it works now", False),
        ("How do I export a project?\nThanks", False),
        ("Thanks in advance, how do I export a project", False),
    ],
)
def test_before_any_answer_only_thanks_and_farewells_end_it(text: str, is_one: bool) -> None:
    assert is_closing(text, is_answered=False) is is_one


def test_quotes_and_signatures_say_nothing_for_or_against_it() -> None:
    below = "\n\nOn Mon, 3 Nov 2025, Support wrote:\n> Does it work now? If not, which error do you see?"
    assert is_closing(f"Perfect, thank you.\n\nKind regards\nIngrid Paulsen\nHead of Sales{below}", is_answered=True)


def test_no_labelled_question_is_taken_for_thanks() -> None:
    asked = [row["body"] for row in rows("questions") if "thanks" not in row["actions"]]
    asked += [row["body"] for row in rows("edge_cases") if "thanks" not in row["actions"]]
    asked += [row["messages"][-1]["text"] for row in rows("tickets") if "thanks" not in row["actions"]]
    assert [text for text in asked if is_closing(text, is_answered=True)] == []
