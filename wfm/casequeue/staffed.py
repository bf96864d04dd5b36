"""What is told of the staffing: that it changed, and that a gap opened.

On the live queue's path: standard library and SQLAlchemy only.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime

from wfm.brands import Brand
from wfm.casequeue.levels import levels_now
from wfm.casequeue.presence import here
from wfm.store import levels, queueevents, staffing
from wfm.store.engine import Store
from wfm.timegrid import floor_interval

ACTOR = "service:staffing"

# Agents short of the requirement at which a gap is told: less is within its rounding.
GAP = 0.5


@dataclass(frozen=True)
class StaffedNow:
    """One queue's staffing now; figures are agents, None where the plan says nothing.

    on_shift, present  who serves the queue by the roster, and who of them is there
    net                effective less required
    """

    queue: str
    version: int | None
    on_shift: int
    present: int
    effective: float | None
    required: float | None
    doubt: str

    @property
    def net(self) -> float | None:
        if self.effective is None or self.required is None:
            return None
        return self.effective - self.required


def staffed_now(store: Store, *, brand: Brand, now: datetime) -> tuple[StaffedNow, ...]:
    """The staffing of every queue, in the brand's order, by the last good levels if need be."""
    plan = levels_now(store, now=now, quarters=0)
    with store.reading() as connection:
        shifts = staffing.all_on_shift_at(connection, now)
        on_shift = Counter(name for shift in shifts for name in shift.queues)
        present = Counter(
            name for one in here(connection, brand, now).values() for name in one.shift.queues
        )
    found = []
    for queue in brand.queues:
        level = None if plan is None else plan.level(queue.name, floor_interval(now))
        found.append(
            StaffedNow(
                queue=queue.name,
                version=None if plan is None else plan.version,
                on_shift=on_shift[queue.name],
                present=present[queue.name],
                effective=None if level is None else round(level.effective, 3),
                required=None if level is None else round(level.required, 3),
                doubt="" if plan is None else plan.doubt,
            )
        )
    return tuple(found)


def tell_staffing(
    store: Store, *, brand: Brand, now: datetime | None = None
) -> tuple[StaffedNow, ...]:
    """Tell of each queue whose staffing is no longer what was told last; gives those.

    An event "staffing.changed" when people came or went, or the plan's level or version changed;
    "staffing.gap_opened" when the plan falls short of the requirement by `GAP`, once as long as it
    lasts. Beside "schedule.published", which publishing tells.
    """
    at = now or store.clock.now()
    staffed = staffed_now(store, brand=brand, now=at)
    with store.reading() as connection:
        told = levels.policy_documents(connection).get(levels.ALL, {}).get("staffing", {})
    changed = [one for one in staffed if told.get(one.queue) != _document(one)]
    if not changed:
        return ()
    with store.writing(ACTOR) as plain:
        writing = replace(plain, at=at)
        document = levels.lock_policy(writing, levels.ALL)
        told = dict(document.get("staffing", {}))
        for one in changed:
            body = _document(one)
            before = told.get(one.queue)
            if before == body:
                continue
            queueevents.add(writing, "staffing.changed", queue=one.queue, body=body)
            if body["gap"] and not (before or {}).get("gap"):
                queueevents.add(writing, "staffing.gap_opened", queue=one.queue, body=body)
            told[one.queue] = body
        levels.write_policy(writing, levels.ALL, {**document, "staffing": told})
    return tuple(changed)


def _document(one: StaffedNow) -> dict[str, object]:
    return {
        "version": one.version,
        "on_shift": one.on_shift,
        "present": one.present,
        "effective": one.effective,
        "required": one.required,
        "net": None if one.net is None else round(one.net, 3),
        "gap": one.net is not None and one.net <= -GAP,
    }
