"""What it costs, or saves, that an agent holds several conversations at once.

An agent works on one message at a time. Between two messages of a conversation the customer
thinks. Two ways to live with that:

- *parked*: the conversation goes back to the queue and whoever is free answers the next message.
  Nobody idles for it, an agent can work the whole hour, and holding more would change nothing.
  This is asynchronous care and the way the live queue works.
- *held*: the conversation stays in one of its agent's `concurrency_max` slots, as in a live chat.
  With all slots filled the agent is a closed machine-repair system and works only the share
  `utilisation` of the time. Handling time divided by the slots would promise far too much.

Conversations are held when a queue allows more than one and its customers answer quickly.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

from wfm.errors import DemandError
from wfm.sla import WorkLaw

# A customer who takes longer than this on average is not waited for with a slot kept.
PARK_AFTER_S = 300.0
HOUR_S = 3600.0
# Relative difference of productivities that is only rounding.
SAME = 1e-6


def utilisation(held: int, *, work_s: float, think_s: float, messages: float) -> float:
    """Share of the time a saturated agent works, holding `held` conversations.

    work_s    work on one message
    think_s   customer's time between two messages
    messages  messages of a conversation; one that ends is replaced at once, so that the think time
              of a cycle is think_s x (messages - 1) / messages

    Insensitive to the law of the think time (closed machine-repair system).

    >>> round(utilisation(3, work_s=72, think_s=180, messages=2.5), 3)
    0.866
    """
    if held < 1 or messages < 1 or work_s <= 0 or think_s < 0:
        raise DemandError(
            f"{held} conversations of {messages} messages, {work_s} s of work and {think_s} s of "
            "thinking: want at least one conversation and message, and work above 0 s"
        )
    think = think_s * (messages - 1) / messages
    if think == 0:
        return 1.0
    term, total = 1.0, 1.0
    for i in range(1, held + 1):
        term *= (held - i + 1) * work_s / think
        total += term
    return 1.0 - 1.0 / total


def handle_time_s(held: int, *, work_s: float, think_s: float, messages: float) -> float:
    """Elapsed time from opening to closing a conversation at an agent who holds `held`.

    >>> round(handle_time_s(3, work_s=72, think_s=180, messages=2.5) / 60, 1)
    10.4
    """
    busy = utilisation(held, work_s=work_s, think_s=think_s, messages=messages)
    return held * messages * work_s / busy


def is_held(law: WorkLaw) -> bool:
    """Whether conversations stay with their agent between messages."""
    return law.concurrency_max > 1 and law.continue_p > 0 and 0 < law.think.mean_s <= PARK_AFTER_S


def productivity_curve(measured: Sequence[float]) -> list[float]:
    """Cases per agent-hour at 1, 2, .. open conversations, made rising ever more slowly.

    An agent who gets less done with more conversations would hold fewer, and one conversation more
    never brings more than the one before it: the smallest such curve from 0 that holds all points.

    >>> productivity_curve([8.0, 14.0, 15.0, 13.0])
    [8.0, 14.0, 15.0, 15.0]
    >>> productivity_curve([6.0, 14.0, 15.0])
    [7.0, 14.0, 15.0]
    """
    best = list(accumulate(measured, max))
    steps: list[tuple[float, int]] = []
    for step in (b - a for a, b in pairwise([0.0, *best])):
        mean, count = step, 1
        while steps and steps[-1][0] < mean:
            before, many = steps.pop()
            mean = (mean * count + before * many) / (count + many)
            count += many
        steps.append((mean, count))
    return list(accumulate(step for step, count in steps for _ in range(count)))


def stretch(law: WorkLaw) -> float:
    """Agent time that a second of work takes up: 1 when parked, 1 / utilisation when held.

    With a measured productivity, that of `concurrency_max` open conversations (the last one
    measured where there are fewer) takes the place of the formula. Never below 1.
    """
    if not is_held(law):
        return 1.0
    if law.productivity:
        return max(HOUR_S / _at_most(law) / law.aht_s, 1.0)
    messages = 1.0 / (1.0 - law.continue_p)
    return 1.0 / utilisation(
        law.concurrency_max,
        work_s=law.aht_s / messages,
        think_s=law.think.mean_s,
        messages=messages,
    )


def _at_most(law: WorkLaw) -> float:
    """Cases per agent-hour with as many conversations as may be open."""
    curve = productivity_curve(law.productivity)
    return curve[min(law.concurrency_max, len(curve)) - 1]


def curve_doubts(law: WorkLaw) -> list[str]:
    """What is odd about a law's measured productivity, with the way out; empty when nothing is."""
    if not law.productivity:
        return []
    measured = f"the measured productivity {_cases(law.productivity)}"
    if not is_held(law):
        return [
            f"{measured} is not used: conversations are held only when concurrency_max is above 1 "
            f"and customers answer within {PARK_AFTER_S:.0f} s on average; leave it out, or check "
            "concurrency_max and think"
        ]
    found = []
    curve = productivity_curve(law.productivity)
    if any(abs(a - b) > SAME * b for a, b in zip(curve, law.productivity, strict=True)):
        found.append(
            f"{measured} does not rise ever more slowly, as it must; it is read as "
            f"{_cases(curve)}, measure it again where they differ"
        )
    if len(curve) < law.concurrency_max:
        found.append(
            f"{measured} ends at {len(curve)} open conversations, {law.concurrency_max} are "
            "allowed; more than were measured are taken to bring nothing, measure them too"
        )
    most = HOUR_S / law.aht_s
    if _at_most(law) > most * (1 + SAME):
        found.append(
            f"{measured} is more than {law.aht_s:.0f} s of work on a case allow, {most:.1f} cases "
            "an hour; the work counts, check first_touch, follow_up and continue_p"
        )
    return found


def _cases(curve: Sequence[float]) -> str:
    return f"[{', '.join(f'{cases:g}' for cases in (round(c, 2) for c in curve))}]"
