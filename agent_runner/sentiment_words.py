"""Words of strong feeling, reviewed by people: what the vector of a sentence says is moved by them, never replaced."""

import re
from dataclasses import dataclass

STRONG = 2.0
MILD = 0.8
SIGN = 0.4


@dataclass(frozen=True)
class Words:
    """What the words of a sentence add to the log odds of negative and of positive."""

    negative: float
    positive: float


def _any(*alternatives: str) -> re.Pattern[str]:
    return re.compile(r"(?<![\w'’-])(?:" + "|".join(alternatives) + r")(?![\w-])", re.IGNORECASE)


_VERY = r"(?:(?:so|very|really|extremely|deeply|bitterly|beyond|truly|most|quite|absolutely|more than|thoroughly) )"
_ANGER = _any(
    "furious",
    "livid",
    "enraged",
    "outrag(?:ed|eous)",
    "disgust(?:ed|ing)",
    "appall?(?:ed|ing)",
    "infuriat(?:ed|ing)",
    "pathetic",
    "shameful",
    "disgrace(?:ful)?",
    "shame on you",
    "ashamed of yourselves",
    "incompeten(?:t|ce)",
    "rip(?:ped|ping) (?:me |us )?off",
    "(?:total |complete |absolute |utter |such a |a )waste of (?:my |our )?(?:time|money)",
    r"wast(?:ed|ing) (?:my|our) (?:time|whole|entire|day|money)",
    "(?:a|total|complete|absolute|sick|bad) joke",
    r"worst (?:[\w-]+ ){0,4}(?:ever|service|support|company|airline|bank|shop|experience|customer)",
    "fed up",
    "sick (?:and tired )?of (?:you|your|this|these|it|being|explaining|waiting|calling)",
    "had enough",
    "last straw",
    "never again",
    r"(?:never|not|won'?t) (?:be )?(?:ever )?(?:buy|use|fly|order|book|come back|buying|using|flying|coming back)"
    r"(?: [\w']+){0,4} again",
    "lost (?:a|another|me as a) (?:loyal )?customer",
    "thanks? (?:you )?for (?:nothing|ruining|losing|wasting|breaking|ignoring|cancelling|canceling)",
    r"don'?t (?:even )?(?:give a (?:damn|shit|toss)|care about (?:your |the )?customers?)",
    r"(?:you|u|guys|service|support|company|airline) (?:\w+ )?sucks?",
    "let (?:me|us) down",
    "(?:beyond|absolutely|so|totally|completely|utterly) (?:unacceptable|ridiculous|useless|frustrat(?:ed|ing))",
    _VERY + "(?:disappointed|unhappy|upset|angry|dissatisfied|displeased|frustrated|annoyed|mad)",
    "(?:you|your \\w+) (?:\\w+ )?(?:lied|liars?|thieves|crooks|scam\\w*)",
    "daylight robbery",
    "pack of lies",
    "how dare you",
    "(?:zero|no|less than one) stars?",
    r"(?:taking|moving|take|move) (?:my|our) (?:business|accounts?|money|custom) elsewhere",
    r"switch(?:ing)? to (?:another|a different|your) (?:\w+ )?(?:provider|company|bank|shop|competitor|supplier)",
    "is (?:this )?how you (?:treat|thank|reward)",
    "hung up on (?:me|us)",
    "get (?:it|your (?:act|stuff|shit)) together",
    r"(?:ruin(?:ed|ing)|wreck(?:ed|ing)) (?:my|our)",
    "(?:nobody|no one|no-one) (?:there |at your \\w+ )?(?:cares|gives a)",
    "(?:not even an?|no|without an?|zero) apolog(?:y|ies)",
    "(?:terrible|horrible|awful|poor|bad|horrendous|atrocious|lousy|crappy|shitty|worse) (?:customer )?"
    "(?:service|support|experience|communication|treatment|attitude)",
    "(?:service|support|experience|communication|attitude) (?:is|was|has been) (?:so |just |really |absolutely )?"
    "(?:terrible|horrible|awful|poor|bad|horrendous|atrocious|lousy|crap|shit)",
    "unprofessional",
    "you had one job",
    "what a (?:mess|circus|joke|disgrace|shambles|farce|disaster|let-?down)",
    "(?:won't|will not|not) be back",
    "smh",
    "screw(?:ed)? (?:me|us|you)",
)
_DISPLEASURE = _any(
    "disappoint(?:ed|ing|ment)",
    "unhappy",
    "dissatisfied",
    "angry",
    "upset",
    "ridiculous",
    "unacceptable",
    "useless",
    "terrible",
    "horrible",
    "awful",
    "dreadful",
    "nightmare",
    "garbage",
    "rubbish",
    "rude",
    "hate(?! to (?:ask|bother|trouble|disturb|nag))",
    "worst",
    "frustrat(?:ed|ing)",
    "unbelievable",
    "lied",
    "insult(?:ing|ed)?",
    "poor service",
    "no help",
    "for nothing",
    "dissatisfaction",
    "abomination",
    "losing my mind",
    "end of my tether",
)
# At the end of one's patience with a program is not yet angry with the people who made it.
_WORN_OUT = _any(
    "frustrat(?:ed|ing|ion)",
    "annoy(?:ed|ing)",
    "upset",
    "desperate",
    "confus(?:ed|ing)",
    "stuck",
    r"(?:going|driv\w+ (?:me|us)) (?:crazy|mad|nuts|insane)",
    "losing my mind",
    r"(?:at )?(?:my|our) wits?['’]? end",
    "end of my tether",
    "help",
)
_AT_SOMEBODY = _any(
    r"you(?:r|rs|['’]\w+|rselves)?",
    "u",
    "ur",
    "guys",
    "people",
    "staff",
    "team",
    "service",
    "support",
    "company",
    "customers?",
    "treat(?:ed|ment)",
    "answers?",
    "repl(?:y|ies|ied)",
    "wait(?:ed|ing)",
)
_POLITE = _any("(?:hate|sorry|afraid) to (?:ask|bother|trouble|disturb|nag)(?: you)?")
_JOY = _any(
    "thank(?:s| you) (?:so|very) much(?! in advance)",
    "thanks a (?:lot|million)",
    "excellent",
    "brilliant",
    "fantastic",
    "wonderful",
    "amazing",
    "awesome",
    "superb",
    "outstanding",
    "delighted",
    "thrilled",
    "impressed",
    "grateful",
    "well done",
    "great (?:job|help|service|work|support)",
    "love (?:it|this|the|your|you)",
    "(?:so|very|really) (?:happy|pleased|glad|satisfied|helpful|kind)",
    "happy (?:with|customer)",
    "helpful",
    "satisfied",
    "best (?:\\w+ ){0,3}ever",
    "best (?:support|service|help|shop|bank|hotline)",
    r"could(?:n'?t| not) (?:be|have been) (?:happier|more (?:pleased|satisfied|grateful|helpful))",
    r"(?:can'?t|cannot) thank you enough",
    "(?:no complaints|nothing to complain about|never had (?:a|any) reason to complain)",
    "(?:i|we) (?:really |much |do )?appreciate",
    "(?:what|it was|such) a pleasure",
    "perfectly",
    "so kind",
)
_NEGATED = re.compile(
    r"(?:\b(?:not|no|never|without|hardly|nothing|nobody)\b|n['’]?t\b)(?: (?!(?:but|so|been|more)\b)[\w'’]+){0,2}[ ]$",
    re.IGNORECASE,
)
_LOUD = re.compile(r"!!|\?!|!\?|\?\?")
_SHOUTED = re.compile(r"\b[A-Z]{4,}\b")


def words_of(sentence: str) -> Words:
    """What the strong words and the loudness of a sentence say about the mood of who wrote it."""
    anger, denied_anger = _found(_ANGER, sentence)
    displeasure, denied_displeasure = _found(_DISPLEASURE, sentence)
    joy, denied_joy = _found(_JOY, sentence)
    negative = STRONG * min(anger, 2) + MILD * min(displeasure, 2) + STRONG * min(denied_joy, 1)
    negative -= STRONG * min(denied_anger + denied_displeasure + len(_POLITE.findall(sentence)), 1)
    if _WORN_OUT.search(sentence) and not anger and not _AT_SOMEBODY.search(sentence):
        negative -= STRONG
    positive = STRONG * min(joy, 1) - STRONG * min(denied_joy, 1)
    if joy and negative <= 0:
        negative -= MILD
    if negative > 0:  # loudness has no side of its own: it only makes what is said louder
        negative += SIGN * bool(_LOUD.search(sentence)) + SIGN * (len(_SHOUTED.findall(sentence)) > 1)
        positive -= negative
    return Words(negative, positive)


def _found(words: re.Pattern[str], sentence: str) -> tuple[int, int]:
    """How often the words stand in the sentence as they are, and how often negated."""
    plain = negated = 0
    for match in words.finditer(sentence):
        if _NEGATED.search(sentence[: match.start()]):
            negated += 1
        else:
            plain += 1
    return plain, negated
