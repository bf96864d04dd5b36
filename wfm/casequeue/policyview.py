"""How each queue's policy stands, to be shown.

On the live queue's path: standard library and SQLAlchemy only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from wfm.brands import Brand
from wfm.casequeue import policy
from wfm.store import levels, waiting

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True)
class StepNow:
    """A step of the policy as it stands for one queue.

    since  when it was taken; None: it is not
    held   whether people hold it taken (True) or not taken (False); None: the prediction decides
    what   what was done, e.g. whom to call
    """

    step: int
    action: str
    after_s: int
    since: datetime | None
    held: bool | None
    what: dict[str, Any]


@dataclass(frozen=True)
class PolicyNow:
    """A queue's policy; `outlook` is what was predicted last (`outlook_document`), None: nothing.

    predicted_since  when the present episode began; None: no breach is predicted
    put_off_s        by how much its own cases are put off, for this queue's sake or another's
    """

    queue: str
    looked_at: datetime | None
    breaks: bool
    predicted_since: datetime | None
    spike_mode: bool
    put_off_s: int
    steps: tuple[StepNow, ...]
    outlook: dict[str, Any] | None


def policies_now(connection: Connection, brand: Brand) -> tuple[PolicyNow, ...]:
    """Every queue's policy, in the brand's order."""
    documents = levels.policy_documents(connection)
    modes = waiting.modes(connection)
    found = []
    for queue in brand.queues:
        document = documents.get(queue.name, {})
        state = policy.from_document(document)
        taken = {one.step: one for one in state.taken}
        mode = modes.get(queue.name, waiting.AS_USUAL)
        steps = tuple(
            StepNow(
                step=number,
                action=step.action,
                after_s=step.after_s,
                since=taken[number].since if number in taken else None,
                held=state.holds.get(number),
                what=dict(taken[number].what) if number in taken else {},
            )
            for number, step in enumerate(brand.care.policy.steps, start=1)
        )
        found.append(
            PolicyNow(
                queue=queue.name,
                looked_at=state.looked_at,
                breaks=state.breaks,
                predicted_since=state.began_at,
                spike_mode=mode.spike_mode,
                put_off_s=mode.put_off_s,
                steps=steps,
                outlook=document.get("outlook"),
            )
        )
    return tuple(found)
