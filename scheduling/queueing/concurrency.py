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

from wfm.errors import DemandError
from wfm.sla import WorkLaw

# A customer who takes longer than this on average is not waited for with a slot kept.
PARK_AFTER_S = 300.0


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


def stretch(law: WorkLaw) -> float:
    """Agent time that a second of work takes up: 1 when parked, 1 / utilisation when held.

    Requirement and simulation both lengthen the handling of messages by it.
    """
    if not is_held(law):
        return 1.0
    messages = 1.0 / (1.0 - law.continue_p)
    return 1.0 / utilisation(
        law.concurrency_max,
        work_s=law.aht_s / messages,
        think_s=law.think.mean_s,
        messages=messages,
    )
