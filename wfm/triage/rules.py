"""The classifier by rules: who wrote it and which words it holds decide, as the brand lists them.

On the live queue's path: standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from wfm.brands import Brand
from wfm.care import FLAGGED, AuthorFacts, AuthorKind, Complexity, Handle, Triage
from wfm.cases import Contact
from wfm.errors import NotFound
from wfm.triage.classifier import Classifier, Triaged
from wfm.triage.handles import Accounts, handles_of
from wfm.triage.words import Folded, WordList

# How pressing a case is, 0 to 100, where its sender does not say more: the second key of the order.
SEVERITY = {"regulator": 80, "press": 60, "influencer": 60, "sensitive": 60, "complaint": 20}

# Passed on in the old way, by hand.
_RETWEET = re.compile(r"RT @\w+:")

_WHO = {"regulator": "a regulator", "press": "of the press", "influencer": "an influencer"}

REASON_MAX = 200


def rules_of(brand: Brand) -> Classifier:
    """The classifier that works by the brand's lists.

    What opens no case, in this order: posts of our own accounts, posts of blocked authors, what
    merely passes on another post, what holds a word of spam. A regulator, an influencer and the
    press are heard whatever words they use.

    Cases of those three, and messages with a sensitive word, are for specialists: they wait in the
    specialists' queue, or, where there is none, for an agent of the specialists' level.

    Reads no clock and no store; a message of usual length takes some microseconds.
    """
    return _rules(brand.care.triage, handles_of(brand), _Queues.of(brand))


@dataclass(frozen=True)
class _Queues:
    brand: str
    names: tuple[str, ...]

    @classmethod
    def of(cls, brand: Brand) -> _Queues:
        return cls(brand.name, tuple(queue.name for queue in brand.queues))

    def check(self, name: str) -> str:
        if name not in self.names:
            known = ", ".join(self.names)
            raise NotFound(f"no queue {name!r}; {self.brand} has {known}", queue=name)
        return name


@dataclass(frozen=True)
class _Words:
    spam: WordList
    complaint: WordList
    sensitive: WordList


class _Rules:
    def __init__(self, triage: Triage, handles: Sequence[Handle], queues: _Queues) -> None:
        self._accounts = Accounts(handles)
        self._queues = queues
        self._specialist_queue = triage.specialist_queue
        self._specialist_level = triage.specialist_level
        self._influencer_reach = triage.influencer_reach
        self._words = _Words(
            WordList(triage.spam_words),
            WordList(triage.complaint_words),
            WordList(triage.sensitive_words),
        )
        # Who stands in two lists is taken for what comes last here.
        listed: tuple[tuple[tuple[str, ...], AuthorKind], ...] = (
            (triage.blocked_authors, "blocked"),
            (triage.influencers, "influencer"),
            (triage.press, "press"),
            (triage.regulators, "regulator"),
            (triage.own_authors, "own"),
        )
        self._kinds = {author: kind for authors, kind in listed for author in authors}

    def classify(self, contact: Contact, author: AuthorFacts) -> Triaged:
        queue = self._queues.check(
            contact.queue or self._accounts.handle(contact.account, contact.platform).queue
        )
        kind = self._kind(contact, author)
        if kind == "own":
            return Triaged("own", queue, reason="one of our own accounts wrote it")
        if kind == "blocked":
            return Triaged("spam", queue, reason="its author is a known sender of spam")
        if contact.repost_of or _RETWEET.match(contact.text) is not None:
            return Triaged("repost", queue, reason="it merely passes on another post")
        folded = Folded.of(contact.text)
        if kind not in FLAGGED and (word := self._words.spam.find(folded)) is not None:
            return Triaged("spam", queue, reason=_clipped(f"it holds the word of spam {word!r}"))
        return self._case(contact, queue, kind, folded)

    def _kind(self, contact: Contact, author: AuthorFacts) -> AuthorKind:
        """What people have said of the author; else what the lists say; else what its reach."""
        kind = author.kind or self._kinds.get(contact.author, "")
        if kind or self._influencer_reach is None:
            return kind
        reach = contact.reach if contact.reach is not None else author.reach
        return "influencer" if reach is not None and reach >= self._influencer_reach else ""

    def _case(self, contact: Contact, queue: str, kind: AuthorKind, folded: Folded) -> Triaged:
        sensitive = self._words.sensitive.find(folded)
        complaint = self._words.complaint.find(folded)
        if kind not in FLAGGED and sensitive is None and complaint is None:
            return Triaged("case", queue, contact.severity)
        flags: list[str] = []
        reasons: list[str] = []
        if kind in FLAGGED:
            flags.append(kind)
            reasons.append(f"its author is {_WHO[kind]}")
        if sensitive is not None:
            flags.append("sensitive")
            reasons.append(f"it holds the sensitive word {sensitive!r}")
        is_special = bool(flags)
        complexity: Complexity = "basic"
        if complaint is not None:
            complexity = "complaint"
            flags.append("complaint")
            reasons.append(f"it holds the word of complaint {complaint!r}")
        return Triaged(
            "case",
            self._specialist_queue if is_special and self._specialist_queue else queue,
            max(contact.severity, *(SEVERITY[flag] for flag in flags)),
            complexity,
            self._specialist_level if is_special and not self._specialist_queue else 1,
            tuple(flags),
            _clipped("; ".join(reasons)),
        )


# Made anew only when the brand's lists change; a batch takes the one made before.
_rules = lru_cache(maxsize=8)(_Rules)


def _clipped(reason: str) -> str:
    return reason if len(reason) <= REASON_MAX else reason[: REASON_MAX - 3] + "..."
