"""When a queue takes the steps of its policy, and when it takes them back.

A step is taken once the breach has been predicted for as long as the step asks for; steps go in
the order in which they are configured, and back in reverse, when no breach was predicted for long
enough. People may hold a step: keep it taken, or keep it from being taken.

Pure: no clock, no store. Standard library only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from wfm.care import Policy, PolicyStep
from wfm.timegrid import INTERVAL_S, format_instant, parse_instant, span_words

# Spike mode goes on when the queue was predicted late for two intervals, and off after four quiet
# ones: the rule of the queue, whatever the configuration says.
SPIKE_ON_S = 2 * INTERVAL_S
SPIKE_OFF_S = 4 * INTERVAL_S

# A prediction that lapses for less than this is the same episode going on.
LAPSE_S = INTERVAL_S

# A prediction is told again when at least this many times, and so many, more are late.
WORSE = 2.0
WORSE_CASES = 5.0


@dataclass(frozen=True)
class Taken:
    """A step that is taken.

    step  its number in the configuration, from 1; action: what it was, should that change
    what  what was done, to be undone again
    """

    step: int
    action: str
    since: datetime
    what: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class State:
    """Where a queue's policy stands.

    looked_at    when the queue was last looked at; None: never
    breaks       whether its promise was predicted to break then
    predicted_s  for how long that has been predicted in this episode
    quiet_s      for how long it has not
    began_at     when the episode began; None: there is none
    told_late    how many late replies were last told; None: nothing was told in this episode
    reached      how many steps the prediction alone has led to
    holds        by number, steps that people hold taken (True) or not taken (False)
    """

    looked_at: datetime | None = None
    breaks: bool = False
    predicted_s: float = 0.0
    quiet_s: float = 0.0
    began_at: datetime | None = None
    told_late: float | None = None
    reached: int = 0
    taken: tuple[Taken, ...] = ()
    holds: Mapping[int, bool] = field(default_factory=dict)


def look(state: State, policy: Policy, *, breaks: bool, now: datetime) -> State:
    """The state after a look at the queue, with the steps that the prediction has led to.

    Time counts from one look to the next, if both saw the same; whoever looks after a long pause
    has seen one interval at most.
    """
    passed = 0.0
    if state.looked_at is not None and state.breaks == breaks:
        passed = (now - state.looked_at).total_seconds()
        passed = max(0.0, min(passed, INTERVAL_S))
    seen = replace(state, looked_at=now, breaks=breaks)
    steps = policy.steps
    reached = min(seen.reached, len(steps))
    if breaks:
        predicted_s = seen.predicted_s + passed
        while reached < len(steps) and predicted_s >= _after_s(steps[reached]):
            reached += 1
        return replace(
            seen,
            predicted_s=predicted_s,
            quiet_s=0.0,
            began_at=seen.began_at or now,
            reached=reached,
        )
    quiet_s = seen.quiet_s + passed
    while reached and quiet_s >= _back_after_s(steps[reached - 1], policy):
        reached -= 1
    if reached or quiet_s < LAPSE_S:
        return replace(seen, quiet_s=quiet_s, reached=reached)
    return replace(seen, predicted_s=0.0, quiet_s=quiet_s, began_at=None, told_late=None, reached=0)


def _after_s(step: PolicyStep) -> float:
    return max(step.after_s, SPIKE_ON_S) if step.action == "spike_mode" else step.after_s


def _back_after_s(step: PolicyStep, policy: Policy) -> float:
    return max(policy.quiet_s, SPIKE_OFF_S) if step.action == "spike_mode" else policy.quiet_s


def wanted(state: State, steps: Sequence[PolicyStep]) -> tuple[int, ...]:
    """Numbers of the steps that should be taken now."""
    return tuple(
        number
        for number in range(1, len(steps) + 1)
        if state.holds.get(number, number <= state.reached)
    )


def is_news(state: State, late: float) -> bool:
    """Whether the predicted breach is to be told: the first of its episode, or much worse."""
    if not state.breaks:
        return False
    told = state.told_late
    return told is None or (late >= WORSE * told and late >= told + WORSE_CASES)


def why_taken(state: State, number: int, reason: str) -> str:
    """Why a step is taken now, in a sentence."""
    if number in state.holds:
        return "it is held by hand"
    if state.predicted_s < 60:  # Just now: there is no length to tell.
        return reason
    return f"{reason} (predicted for {span_words(state.predicted_s)})"


def why_back(state: State, number: int) -> str:
    """Why a step is taken back now, in a sentence."""
    if number in state.holds:
        return "it is held back by hand"
    if state.reached >= number:
        return "the policy was changed"
    return f"no breach was predicted for {span_words(state.quiet_s)}"


# -- as it is kept -------------------------------------------------------------------------------


def to_document(state: State) -> dict[str, Any]:
    """The state as JSON."""
    return {
        "looked_at": _text(state.looked_at),
        "breaks": state.breaks,
        "predicted_s": state.predicted_s,
        "quiet_s": state.quiet_s,
        "began_at": _text(state.began_at),
        "told_late": state.told_late,
        "reached": state.reached,
        "taken": [
            {"step": t.step, "action": t.action, "since": _text(t.since), "what": dict(t.what)}
            for t in state.taken
        ],
        "holds": {str(number): on for number, on in state.holds.items()},
    }


def from_document(document: Mapping[str, Any]) -> State:
    """The state that `to_document` made; a new one of an empty document."""
    if "looked_at" not in document:
        return State()
    return State(
        looked_at=_instant(document["looked_at"]),
        breaks=document["breaks"],
        predicted_s=document["predicted_s"],
        quiet_s=document["quiet_s"],
        began_at=_instant(document["began_at"]),
        told_late=document["told_late"],
        reached=document["reached"],
        taken=tuple(
            Taken(t["step"], t["action"], parse_instant(t["since"]), t["what"])
            for t in document["taken"]
        ),
        holds={int(number): on for number, on in document["holds"].items()},
    )


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else format_instant(instant)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else parse_instant(text)
