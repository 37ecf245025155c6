"""What went wrong, from the history alone: who wrote what, what a provider accepted, and in which order."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

Line = dict[str, Any]
ANOMALIES = ("lost", "duplicates", "phantom", "inversions", "cross_talk")


def check(history: Iterable[Line]) -> dict[str, int]:
    """Counts by anomaly over `sent` and `delivered` lines (their form: INTERFACES, `make chaos`).

    lost: a customer's message that no accepted message answers, unless people have its ticket (`with_people`);
    duplicates: messages answered more than once; phantom: accepted messages that answer nothing that was sent;
    inversions: an accepted message that answers an earlier message than one accepted before it in its conversation;
    cross_talk: an accepted message that answers somebody else's message.
    """
    lines = list(history)
    sent = {line["external_id"]: line for line in lines if line["kind"] == "sent"}
    delivered = sorted((line for line in lines if line["kind"] == "delivered"), key=lambda line: line["t"])
    answers = Counter(answered for line in delivered for answered in line["answers"])
    furthest: dict[Any, int] = defaultdict(lambda: -1)
    seen: set[str] = set()  # a second answer is a duplicate and not an inversion as well
    inversions = cross_talk = phantom = 0
    for line in delivered:
        known = [sent[answered] for answered in line["answers"] if answered in sent]
        phantom += not known or len(known) < len(line["answers"])
        cross_talk += any(one["conversation"] != line["conversation"] for one in known)
        new = [one for one in known if one["external_id"] not in seen]
        own = [one["n"] for one in new if one["conversation"] == line["conversation"]]
        seen.update(line["answers"])
        if own:
            inversions += min(own) < furthest[line["conversation"]]
            furthest[line["conversation"]] = max(furthest[line["conversation"]], *own)
    return {
        "lost": sum(1 for one, line in sent.items() if not answers[one] and not line.get("with_people")),
        "duplicates": sum(1 for external_id in sent if answers[external_id] > 1),
        "phantom": phantom,
        "inversions": inversions,
        "cross_talk": cross_talk,
    }
