"""Every figure and what it means, said once: the API, the command line and the docs repeat it.

On the live queue's path: standard library only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["count", "share", "s", "ratio"]


@dataclass(frozen=True)
class Definition:
    """A figure: its name, its unit, and one sentence that defines it.

    cases  whether the cases behind it can be listed
    """

    name: str
    unit: Unit
    text: str
    cases: bool = True


_FROM = "from the message that needs an answer until"
_WINDOW = "in time within the service window, without pauses"
_CLOCK = "by the clock on the wall, nights and pauses counted"


def _times(name: str, what: str, measured: str) -> tuple[Definition, ...]:
    """Mean, median and P90 of a time."""
    ends = (
        ("mean", "Mean time"),
        ("median", "Shortest time within which at least half lay:"),
        ("p90", "Shortest time within which at least nine tenths lay:"),
    )
    return tuple(
        Definition(f"{name}_{end}_s", "s", f"{words} {what}, {measured}.") for end, words in ends
    )


def _promise(name: str, what: str) -> tuple[Definition, ...]:
    """How a promise was kept."""
    return (
        Definition(
            f"{name}_attainment",
            "share",
            f"Share of {what} within their time; those still owed past it count as late.",
        ),
        Definition(
            f"{name}_judged",
            "count",
            f"What the attainment is a share of: {what} that were given, and those still owed "
            "past their time.",
        ),
        Definition(
            f"{name}_late", "count", f"Of {what}: given late, or still owed past their time."
        ),
    )


DEFINITIONS: tuple[Definition, ...] = (
    Definition("cases", "count", "Cases opened, without those merged into others."),
    Definition("contacts", "count", "Messages that these cases hold by now."),
    Definition(
        "wrote_again_share", "share", "Share of cases whose customer wrote two or more messages."
    ),
    Definition("merged", "count", "Cases merged into others; they are in no other figure."),
    Definition("spam", "count", "Messages left out as spam; they open no case.", cases=False),
    Definition("own_posts", "count", "Posts of our own; they open no case.", cases=False),
    Definition(
        "reposts", "count", "Messages that only pass on another; they open no case.", cases=False
    ),
    Definition("answered", "count", "Cases that a person has answered."),
    Definition("waiting", "count", "Cases without a person's answer that is not yet due."),
    Definition("waiting_late", "count", "Cases still without a person's answer past its time."),
    Definition(
        "closed_unanswered", "count", "Cases closed for a reason without an answer of any kind."
    ),
    Definition(
        "resolved_automatically",
        "count",
        "Cases closed after automatic answers alone; they are in no attainment and no rate.",
    ),
    Definition(
        "response_rate",
        "share",
        "Share of cases that a person has answered, of all but those resolved automatically.",
    ),
    Definition(
        "never_answered",
        "count",
        "Cases closed without an answer, and those still waiting past their time.",
    ),
    Definition(
        "never_answered_share", "share", "Share of cases never answered, of the same cases."
    ),
    *_promise("first_response", "first answers by a person to what came while the queue was open"),
    *_promise("opening", "first answers by a person to what came while the queue was shut"),
    *_promise("next_reply", "later answers by a person"),
    *_promise("resolution", "resolutions"),
    *_times("first_response", f"{_FROM} the first answer by a person", _WINDOW),
    *_times("first_response_clock", f"{_FROM} the first answer by a person", _CLOCK),
    *_times("first_any", f"{_FROM} the first answer of any kind", _WINDOW),
    *_times("first_any_clock", f"{_FROM} the first answer of any kind", _CLOCK),
    *_times("next_reply", f"{_FROM} a later answer by a person", _WINDOW),
    *_times("next_reply_clock", f"{_FROM} a later answer by a person", _CLOCK),
    *_times("resolution", "from the opening of a case until it was closed", _WINDOW),
    *_times("resolution_clock", "from the opening of a case until it was closed", _CLOCK),
    Definition("resolved", "count", "Cases that were answered in any way and are closed."),
    Definition(
        "contacts_per_resolution", "ratio", "Messages of resolved cases for each of these cases."
    ),
    Definition("reopened", "count", "Cases whose customer wrote again after they were closed."),
    Definition("reopened_share", "share", "Share of cases that were reopened."),
    Definition(
        "repeat_contacts",
        "count",
        "Cases whose customer, by any handle known to be theirs, had opened another not long "
        "before (`repeat_s` of the brand's care, seven days by default).",
    ),
    Definition("repeat_share", "share", "Share of cases that are repeat contacts."),
    Definition(
        "follow_ups_due", "count", "Follow-ups, callbacks and other tasks that fell due by now."
    ),
    Definition("follow_ups_done", "count", "Tasks that fell due and were done."),
    Definition("follow_ups_late", "count", "Tasks done after they were due, or still to be done."),
    Definition(
        "occupancy",
        "share",
        "Share of agents' time on hand in which they held a case; time on hand is time signed on "
        "and available, or with a case held. Of all queues together.",
        cases=False,
    ),
)

BY_NAME = {one.name: one for one in DEFINITIONS}
