"""A message that ends a conversation: thanks, "that did it", a thumb up, and nothing that still wants an answer.

Every word must be one that such messages are made of; only who says in so many words that it is solved may say a little
more. A question that was taken for thanks would never be answered, thanks that were taken for a question cost a search.
"""

import re
from collections.abc import Iterable

from agent_runner.closing_words import AROUND, SOLVED, THANKS
from agent_runner.own_words import LONGEST, folded, own_words

MOST_WORDS = 40
MORE_WORDS = 4  # that are no closing words, in a message that says it is solved
MORE_SHARE = 0.4

# A thumb and its like, with any skin and any variant.
_GLAD = frozenset("👍👌🙏❤😊🙂😀😃😄😁🎉✅🥳💪😍🤝💯🙌👏☺🤗🥰💚💙")
_SAD = frozenset("😩😡😠🤬😢😭👎🙄😤😞😒😕🤔😫💔")

# Words of trouble that here say there is none.
_NO_TROUBLE = re.compile(r"\bno (?:problems?|worries|need)\b|\bno longer needed\b|\bnothing else\b")
_ENDS = re.compile(
    r"\bno (?:further|more|other) questions?\b|\b(?:that's|thats|that is|that was) (?:it|all)\b"
    r"|\b(?:problem|issue|error|bug|matter)s?(?: (?:is|was|has been|have been|are))?(?: now)?"
    r" (?:solved|resolved|fixed|sorted|gone|settled)\b"
    r"|\b(?:solved|resolved|fixed|sorted)(?: out)? (?:the|my|our|this|that)"
    r" (?:problem|issue|error|bug|matter)\b"
    r"|\bnever ?mind\b|(?:^|[.!,\n] ?|\b(?:ok|oh|ah|yes) )(?:i )?got it\b(?! to\b)|\bfigured (?:it|that) out\b"
    r"|\bthat did (?:it|the trick)\b|\bdid the trick\b|\ball (?:is )?(?:good|set|sorted|fine|done|solved)\b"
    r"|(?:^|[.!,\n] ?|\b(?:and|so|now|yes|great|perfect|ok|thanks|thank you) )"
    r"(?:it|that|this|everything)(?: all)?(?: now)?"
    r" (?:works|worked|is (?:now )?(?:working|fixed|solved|resolved|sorted))\b"
    r"|\bworks (?:now|again|fine|nicely|perfectly|great|like a charm)\b|\byou (?:can|may) (?:now )?close\b"
    r"|\bclose (?:this|the|my) (?:ticket|case|request)\b|\b(?:solved|fixed|sorted) (?:it|that|now)\b"
)
_OPEN = re.compile(
    r"[?？¿؟]"
    r"|\b(?:can|could|would|will) (?:you|i|we|someone|somebody|anyone)\b(?! (?:please |now )?(?:close|consider|try))"
    r"|\b(?:please|pls|plz) (?:help|do|have|get|take|try|forget|quick|fast|respond|reply|answer)\b"
    r"|\bhelp (?:me|us|please|with|to)\b"
    r"|\bget back\b|\bin advance\b"
    r"|(?:^|[.!,\n] ?)(?:is|are|was|do|did|have|has) (?:it|that|this|you|we|i|there)\b(?! (?:is|was)\b)"
)
# With these words somebody who says that it is solved goes on to something else.
_GOES_ON = re.compile(
    r"\b(?:not|no|never|cannot|but|however|except|only|still|yet|though|although|unless|until|instead|also|another|"
    r"next|one more|how|where|what|why|when|which|who|whether|if|would|want|wants|need|needs|like to|"
    r"wrong|errors?|fails?|failed|problems?|issues?|questions?|broken|lost|missing|slow|stuck|price|refund|disappeared|"
    r"crash\w*|today|yesterday|sometimes|half|old|"
    r"please)\b|n't\b|\b(?:do|does|did|ca|wo|is|was|has|have|are|could|would)nt\b|[:;]"
)
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


def is_closing(text: str, *, is_answered: bool, names: Iterable[str] = ()) -> bool:
    """Whether `text` ends the conversation and asks nothing. `is_answered`: we have said something that it may thank
    for; without it the words must be thanks or a farewell. `names` are words that say nothing."""
    said = folded(own_words(text))
    if len(text) > LONGEST or _OPEN.search(said) or any(sign in said for sign in _SAD):
        return False
    is_glad = any(sign in said for sign in _GLAD)
    rest = _ENDS.sub(" solved ", _NO_TROUBLE.sub(" ", said))
    known = {word for name in names for word in _WORD.findall(folded(name))}
    words = [word for word in _WORD.findall(rest) if word not in known]
    if not words or len(words) > MOST_WORDS:
        return is_glad and is_answered and not words
    if any(_is_made_of(code, words, is_glad=is_glad, is_answered=is_answered) for code in AROUND):
        return True
    return is_answered and _is_solved(said, rest, words)


def closing_languages(text: str) -> list[str]:
    """The languages that have all words of a closing among theirs; short thanks may be in several, a thumb in none."""
    words = _WORD.findall(_ENDS.sub(" solved ", folded(own_words(text))))
    return [code for code in AROUND if _is_made_of(code, words, is_glad=False, is_answered=True)]


def _is_made_of(code: str, words: list[str], *, is_glad: bool, is_answered: bool) -> bool:
    thanks, solved = THANKS[code], SOLVED[code]
    if not all(word in thanks or word in solved or word in AROUND[code] for word in words):
        return False
    if any(word in thanks for word in words):
        return True
    return is_answered and (is_glad or any(word in solved for word in words))


def _is_solved(said: str, rest: str, words: list[str]) -> bool:
    """It says that it is solved, perhaps what, but nothing that goes on from there."""
    more = [w for w in words if not any(w in table["en"] for table in (THANKS, SOLVED, AROUND))]
    is_short = len(more) <= MORE_WORDS and len(more) <= MORE_SHARE * len(words)
    return bool(_ENDS.search(said)) and is_short and not _GOES_ON.search(rest)
