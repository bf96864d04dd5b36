"""The seam of classification: what a message is, where it goes and who may take it.

On the live queue's path: standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from wfm.care import AuthorFacts, Complexity
from wfm.cases import Contact

# What opens no case is counted apart from the volume.
Sort = Literal["case", "own", "spam", "repost"]


@dataclass(frozen=True)
class Triaged:
    """What a classifier says of a contact.

    queue        where its case waits
    needs_level  skill level there that its agent must have
    flags        why it is handled with care: regulator, influencer, press, sensitive, complaint
    reason       one sentence, shown beside what was left out or sent to specialists
    """

    sort: Sort
    queue: str
    severity: int = 0
    complexity: Complexity = "basic"
    needs_level: int = 1
    flags: tuple[str, ...] = ()
    reason: str = ""


class Classifier(Protocol):
    """Anything that can say what a contact is. It reads no clock and no store."""

    def classify(self, contact: Contact, author: AuthorFacts) -> Triaged:
        """What the contact is; NotFound when it names no queue that the brand has."""
        ...
