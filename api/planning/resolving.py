"""A draft is solved again near what it is: after edits, or when somebody is absent.

Three zones: what lies before now is frozen, what is pinned stands, all else of the draft is free. A
shift that stays where it is keeps its breaks and whatever a planner has put into it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pandas as pd

from api.planning.absences import KIND as TIME_OFF
from api.planning.absences import find_agent, give, has_begun
from api.planning.asked import check_seed
from api.planning.drafts import Edited, check_open, check_reason, keep, load_draft
from api.planning.rostered import carried_into
from scheduling.editing.changes import Change, Segment, applied, difference
from scheduling.editing.changes import worked as shift_of
from scheduling.editing.ground import EditGround
from scheduling.editing.judging import Judgement, judged
from scheduling.editing.timeoff import Absence, absence
from scheduling.fairness import Ledger
from scheduling.repair import repaired
from scheduling.roster import Limits, make_roster
from scheduling.rostering.cover import CoverLimits
from scheduling.rostering.refine import RefineLimits
from scheduling.worthwhile import worthwhile
from wfm.errors import Cancelled, RequestError
from wfm.frames import ROSTER
from wfm.people import TimeOff
from wfm.progress import Progress, part, silent
from wfm.store import jobs, requests
from wfm.store.documents import from_document, to_document
from wfm.store.engine import Store

# What an agent-day that changes costs beside money for uncovered hours: a missing shift of eight
# hours costs ten times as much.
CHANGE_PRICE = 8.0
MAX_CHANGE_PRICE = 1e6

# The draft is there to begin from and the shift mix only guides, so that it is not refined.
LIMITS = Limits(cover=CoverLimits(refine=RefineLimits(passes=0)))

# After an absence coverage comes first: how few shifts change is bounded anyway.
REPAIR_PRICE = 1.0


@dataclass(frozen=True)
class ResolveRequest:
    """How a draft is solved again.

    revision      of the draft, as it was seen; None: whatever it is
    seed          None: the base plan's
    change_price  what each agent-day that changes costs; a missing shift of eight hours costs 80
    """

    draft_id: int
    revision: int | None = None
    seed: int | None = None
    change_price: float = CHANGE_PRICE
    reason: str = ""

    def __post_init__(self) -> None:
        if self.seed is not None:
            check_seed(self.seed)
        if not 0 <= self.change_price <= MAX_CHANGE_PRICE:
            raise RequestError(
                f"the price of a change is {self.change_price}; it lies between 0 and "
                f"{MAX_CHANGE_PRICE:,.0f}"
            )
        check_reason(self.reason)

    def to_document(self) -> dict[str, Any]:
        document: dict[str, Any] = to_document(self)
        return document

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> ResolveRequest:
        return from_document(cls, document)


@dataclass(frozen=True)
class Resolved(Edited):
    """What solving a draft again has changed.

    messages  what a planner should know: reasons of a shortfall, a wall limit that was hit
    """

    messages: tuple[str, ...] = ()


def resolve(
    store: Store,
    request: ResolveRequest,
    *,
    actor: str,
    progress: Progress = silent,
    job_id: str | None = None,
) -> Resolved:
    """Solve the draft again near what it is, and keep the changes as one edit of kind "resolve".

    Where nothing is worth changing the draft stays at its revision.

    job_id  the job that does it, by which `wfm.store.drafts.edit_of_job` finds the edit

    Raises LostEdit when the draft was edited meanwhile, IllegalMove when it is not open, and what
    `make_roster` raises. Then nothing is kept.
    """
    draft = load_draft(store, request.draft_id)
    ground = draft.ground
    check_open(draft, request.revision)
    after, messages = _solved(
        draft.roster,
        ground,
        carried_into(store, ground),
        seed=draft.base.seed if request.seed is None else request.seed,
        change_price=request.change_price,
        progress=part(progress, 0.0, 0.97),
    )
    changes = difference(draft.roster, after, ground.brand.tz)
    judgement = judged(draft.roster, changes, ground)
    if not changes:
        return Resolved(draft.draft_id, draft.revision, changes, judgement, messages)
    progress(0.98, "keeping the changes")
    with store.writing(actor) as writing:
        if job_id is not None and not jobs.is_wanted(writing.connection, job_id):
            raise Cancelled(f"job {job_id} was cancelled; the draft is as it was")
        revision = keep(
            writing, draft.draft_id, draft.revision, changes,
            kind="resolve", reason=request.reason, job_id=job_id,
        )  # fmt: skip
    return Resolved(draft.draft_id, revision, changes, judgement, messages)


def repair(
    store: Store,
    draft_id: int,
    agent_id: str,
    first: date,
    last: date,
    *,
    actor: str,
    revision: int | None = None,
    reason: str = "",
    change_price: float = REPAIR_PRICE,
) -> Edited:
    """Take an absent agent's shifts away and cover them with few changes, as one edit.

    first, last  local days of the absence, both included; it becomes the agent's time off

    Days of shifts that have begun are left out; pinned ones of the absent agent fall away. Raises
    NotFound without the agent, RequestError when `last` is before `first` or no day is left, and
    errors of `drafts.edit`.
    """
    check_reason(reason)
    draft = load_draft(store, draft_id)
    check_open(draft, revision)
    ground = draft.ground
    agent = find_agent(ground.agents, agent_id)
    first = _not_begun(absence(draft.roster, agent_id, first, last, ground), ground)
    lost = absence(draft.roster, agent_id, first, last, ground).changes
    off = replace(agent, time_off=(*agent.time_off, TimeOff(first, last)))
    agents = tuple(off if a.agent_id == agent_id else a for a in ground.agents)
    without = replace(ground, agents=agents)
    changes = repaired(draft.roster, lost, without, change_price=change_price)
    judgement = _beside_absence(judged(draft.roster, changes, without), agent_id)
    with store.writing(actor) as writing:
        request_id = requests.insert(
            writing, TIME_OFF, agent_id, first=first, last=last, reason=reason
        )
        give(writing, agent_id, first, last)
        now = keep(writing, draft_id, draft.revision, changes, kind="repair", reason=reason)
        requests.decide(writing, TIME_OFF, request_id, "granted", draft_id=draft_id)
    return Edited(draft_id, now, changes, judgement)


def standing(roster: pd.DataFrame, ground: EditGround) -> pd.DataFrame:
    """The part of the ROSTER that no solution may touch, by whole agent-days.

    What has begun, what is pinned, and what holds more than a template's shift: a meeting, say.
    """
    empty = ROSTER.empty()
    days = difference(empty, roster, ground.brand.tz)
    return applied(empty, [day for day in days if _stands(day.after, ground)])


# -- inside --------------------------------------------------------------------------------------


def _not_begun(found: Absence, ground: EditGround) -> date:
    """The first day of the absence after those on which a shift has begun."""
    begun = [change.day for change in found.changes if has_begun(change.before, ground)]
    first = max(found.first, max(begun) + timedelta(days=1)) if begun else found.first
    if first > found.last:
        raise RequestError(
            f"the shift of {found.agent_id} on {max(begun)} has begun already; cut what is left of "
            "it, and repair from the day after",
            agent=found.agent_id,
            day=max(begun).isoformat(),
        )
    return first


def _beside_absence(judgement: Judgement, agent_id: str) -> Judgement:
    """The judgement without the rule that the absence itself made the agent's shifts break."""
    mended = [v for v in judgement.mended if (v.agent_id, v.rule) != (agent_id, "time_off")]
    return replace(judgement, mended=tuple(mended))


def _solved(
    roster: pd.DataFrame,
    ground: EditGround,
    carried: Ledger,
    *,
    seed: int,
    change_price: float,
    progress: Progress,
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The ROSTER solved near what it is, and what is to be known of it.

    Days on which the shift stays are as they were, and changes that do not pay are left out.
    """
    outcome = make_roster(
        ground.requirement,
        ground.brand,
        ground.agents,
        start=ground.start,
        end=ground.end,
        seed=seed,
        history=ground.history,
        keep=roster,
        change_price=change_price,
        frozen=standing(roster, ground),
        frozen_until=ground.frozen_until,
        fairness=carried,
        limits=LIMITS,
        progress=progress,
    )
    changes = difference(roster, outcome.table, ground.brand.tz)
    moved = [c for c in changes if not _is_recut(c) and not _stands(c.before, ground)]
    worth = worthwhile(roster, moved, ground, change_price=change_price, owed=carried.debts)
    return applied(roster, worth), outcome.messages


def _is_recut(change: Change) -> bool:
    """Whether the shift stays and only its breaks would move."""
    spans = [
        (shift[0].template, shift[0].start, max(s.end for s in shift)) if shift else None
        for shift in map(shift_of, (change.before, change.after))
    ]
    return spans[0] == spans[1]


def _stands(day: Sequence[Segment], ground: EditGround) -> bool:
    """Whether no solution may touch an agent's day."""
    shift = shift_of(day)
    if len(shift) < len(day) or any(s.pinned for s in day) or has_begun(day, ground):
        return True
    if not shift:
        return False
    template = ground.templates.get(shift[0].template)
    if template is None:
        return True
    usual = {"on_queue", *(rule.activity for rule in template.breaks)}
    own_length = max(s.end for s in shift) - shift[0].start == timedelta(minutes=template.minutes)
    return not own_length or any(s.activity not in usual or s.queue for s in shift)
