"""Rosters are put in force: a draft as a new plan, or an earlier version again.

A new plan is made of the base plan's forecast and requirement and the roster as it was edited. It
is checked against every rule, proven on freshly sampled days, and published in one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from api.planning.drafts import MAX_REASON, Draft, check_open, load_draft
from api.planning.plan import certificate_figures
from api.planning.records import MAX_REPLICATIONS, StoredPlan, Which, load_plan
from api.planning.restaging import check_queues, fresh_seed
from api.planning.rostered import as_worked, ground_for, roster_of
from forecasting.scenarios.paths import Noise, paths_from
from scheduling.certificate import Certificate, certify
from scheduling.check import Violation, check_roster
from scheduling.editing.changes import difference
from scheduling.editing.changes import told as told_change
from scheduling.editing.coverage import heads_of, short_of
from scheduling.editing.ground import EditGround
from scheduling.rostering.need import INTERVAL_H
from scheduling.staffing import on_shift_of, staffing_of
from wfm.errors import Cancelled, Conflict, IllegalMove, RequestError, RuleConflict
from wfm.progress import Progress, part, silent
from wfm.store import certificates, drafts, forecasts, jobs, plans
from wfm.store.documents import from_document, to_document
from wfm.store.engine import Store
from wfm.store.forecasts import Version

if TYPE_CHECKING:
    from sqlalchemy import Connection

REPLICATIONS = 200

# How many broken rules an error names; the others are counted.
SHOWN = 5


@dataclass(frozen=True)
class PublishRequest:
    """How a roster is put in force.

    revision      of the draft, as it was seen; None: whatever it is
    force         publish although rules are broken; wants a reason, which is kept
    replications  sampled days that the certificate simulates, 2 to 2,000
    """

    revision: int | None = None
    force: bool = False
    reason: str = ""
    replications: int = REPLICATIONS

    def __post_init__(self) -> None:
        if not 2 <= self.replications <= MAX_REPLICATIONS:
            raise RequestError(
                f"replications is {self.replications}; it lies between 2 and {MAX_REPLICATIONS:,}"
            )
        if self.force and not self.reason.strip():
            raise RequestError("to publish in spite of broken rules, say why: give a reason")
        if len(self.reason) > MAX_REASON:
            raise RequestError(f"the reason is longer than {MAX_REASON:,} characters; shorten it")

    def to_document(self) -> dict[str, Any]:
        document: dict[str, Any] = to_document(self)
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> PublishRequest:
        return from_document(cls, document)


@dataclass(frozen=True)
class Published:
    """The roster that is in force now.

    violations  broken rules that it was forced over
    """

    plan_id: int
    version: int
    violations: tuple[str, ...] = ()


def publish(
    store: Store,
    draft_id: int,
    request: PublishRequest | None = None,
    *,
    actor: str,
    progress: Progress = silent,
    job_id: str | None = None,
) -> Published:
    """Make the draft a plan and put it in force; the draft is closed.

    What was worked since the draft was opened is taken from the roster that was in force.

    job_id  the job that does it: carried out again, it finds the plan it has published

    Raises RuleConflict when rules are broken and nobody forced it, Conflict when another plan of
    its days was published since it was opened, LostEdit and IllegalMove of a draft that was changed
    or closed meanwhile, DataError where the brand has changed its queues. Then nothing is kept.
    """
    request = request or PublishRequest()
    if (done := _done_by(store, job_id)) is not None:
        return done
    draft = load_draft(store, draft_id)
    check_open(draft, request.revision)
    with store.reading() as connection:
        _check_base(connection, draft)
    made = _made(draft.base, draft.roster, f"draft {draft_id}", request, progress)
    lineage = {"base": draft.plan_id, "draft": draft_id, "revision": draft.revision}
    progress(0.98, "publishing")
    return _put_in_force(
        draft.base, made, request, lineage, draft=draft, actor=actor, job_id=job_id
    )


def republish(
    store: Store,
    which: Which,
    request: PublishRequest | None = None,
    *,
    actor: str,
    progress: Progress = silent,
    job_id: str | None = None,
) -> Published:
    """Put an earlier version's roster in force again, as a new version; what was worked stays.

    job_id  as of `publish`

    Raises IllegalMove for a plan that is in force or was never published, and as `publish` does.
    """
    request = request or PublishRequest()
    if (done := _done_by(store, job_id)) is not None:
        return done
    base = load_plan(store, which)
    check_superseded(base)
    made = _made(base, roster_of(base), f"plan {base.plan_id}", request, progress)
    lineage = {"base": base.plan_id, "republished": base.version}
    progress(0.98, "publishing")
    return _put_in_force(base, made, request, lineage, draft=None, actor=actor, job_id=job_id)


def check_superseded(plan: StoredPlan) -> None:
    """IllegalMove for a plan that cannot be published again."""
    if plan.state != "superseded":
        raise IllegalMove(
            f"plan {plan.plan_id} is {plan.state}; only a version that another has superseded "
            "can be published again",
            plan_id=plan.plan_id,
            state=plan.state,
        )


# -- inside --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Made:
    """What a new plan is made of beside its lineage."""

    version: Version = field(repr=False)
    frames: dict[plans.OwnFrame, pd.DataFrame] = field(repr=False)
    certificate: Certificate = field(repr=False)
    summary: dict[str, Any] = field(repr=False)
    violations: tuple[str, ...]


def _done_by(store: Store, job_id: str | None) -> Published | None:
    """What a run of the job before has published."""
    if job_id is None:
        return None
    with store.reading() as connection:
        plan_id = plans.made_by(connection, job_id)
        held = None if plan_id is None else plans.find(connection, plan_id)
    if held is None or held.version is None:
        return None
    return Published(held.plan_id, held.version, tuple(held.lineage.get("forced_over", ())))


def _check_base(connection: Connection, draft: Draft) -> None:
    """Conflict when a roster of the draft's days was published since it was opened."""
    newer = plans.published_since(
        connection, draft.over_version, start=draft.base.start, end=draft.base.end
    )
    if newer is not None:
        raise Conflict(
            f"plan {newer.plan_id} was published as version {newer.version} since draft "
            f"{draft.draft_id} was opened on plan {draft.plan_id}, and holds some of its days; "
            f"open a draft of plan {newer.plan_id} and make the changes there",
            draft_id=draft.draft_id,
            base=draft.plan_id,
            plan_id=newer.plan_id,
            version=newer.version,
        )


def _made(
    base: StoredPlan,
    roster: pd.DataFrame,
    name: str,
    request: PublishRequest,
    progress: Progress,
) -> _Made:
    """The roster checked, staffed and certified."""
    progress(0.0, "checking the rules")
    ground = ground_for(base)
    forecast = base.forecast()
    check_queues(base, forecast, ground.brand)
    roster, worked = as_worked(base, roster, ground)
    broken = _checked(roster, ground, name, request)
    history = ground.past
    late = (history["end"] > pd.Timestamp(ground.start)) & history["agent_id"].isin(ground.by_id)
    floor = pd.concat([history[late], roster], ignore_index=True)
    progress(0.05, "staffing")
    staffing = staffing_of(floor, ground.requirement, ground.brand, ground.agents)
    with base.store.reading() as connection:
        seed = fresh_seed(base, certificates.seeds(connection, base.plan_id))
        version = forecasts.version_of_plan(connection, base.plan_id)
    noise = Noise.from_document(base.lineage["noise"])
    progress(0.1, "sampling days")
    certificate = certify(
        on_shift_of(floor, ground.brand, ground.agents),
        forecast,
        paths_from(forecast, noise, count=request.replications, seed=seed),
        ground.brand,
        start=base.start,
        end=base.end,
        seed=seed,
        progress=part(progress, 0.15, 0.95),
    )
    told = tuple(str(violation) for violation in broken)
    edited = len(difference(roster_of(base), roster, ground.brand.tz))
    return _Made(
        version=version,
        frames={
            "requirement": ground.requirement,
            "roster": roster,
            "staffing": staffing,
            "on_shift": on_shift_of(roster, ground.brand, ground.agents),
        },
        certificate=certificate,
        summary={
            **{name: value for name, value in base.summary.items() if name not in _SOLVERS},
            **_figures(roster, ground),
            **certificate_figures(certificate),
            "violations": len(broken),
            "stages": [],
            "messages": [
                *(f"rule broken: {violation}" for violation in told),
                f"{edited} agent-days differ from plan {base.plan_id}",
                *(f"taken as it was worked: {told_change(c, ground.brand.tz)}" for c in worked),
                *version.summary.get("notes", ()),
            ],
        },
        violations=told,
    )


# What the solver said of its own roster, and is not known of an edited one.
_SOLVERS = frozenset({"objective", "bound", "gap"})


def _checked(
    roster: pd.DataFrame, ground: EditGround, name: str, request: PublishRequest
) -> tuple[Violation, ...]:
    """The rules that are broken; RuleConflict when there are any and nobody forces it."""
    broken = check_roster(
        roster,
        ground.brand,
        ground.agents,
        start=ground.start,
        end=ground.end,
        history=ground.past,
    )
    if broken and not request.force:
        more = f"; and {len(broken) - SHOWN} more" if len(broken) > SHOWN else ""
        shown = "; ".join(str(violation) for violation in broken[:SHOWN])
        raise RuleConflict(
            f"{name} breaks rules {len(broken)} times: {shown}{more}. Mend them, or publish it "
            "by force with a reason",
            violations=[str(violation) for violation in broken],
        )
    return broken


def _figures(roster: pd.DataFrame, ground: EditGround) -> dict[str, Any]:
    hours = (roster["end"] - roster["start"]).dt.total_seconds() / 3600
    paid = [code for code, activity in ground.activities.items() if activity.paid]
    short = short_of(heads_of(roster, ground), ground, np.arange(len(ground.need.heads)))[1]
    return {
        "agents": len(ground.agents),
        "agents_rostered": int(roster["agent_id"].nunique()),
        "on_queue_hours": round(float(hours[roster["activity"] == "on_queue"].sum()), 1),
        "paid_hours": round(float(hours[roster["activity"].isin(paid)].sum()), 1),
        "shortfall_hours": round(float(short.sum()) * INTERVAL_H, 2),
    }


def _put_in_force(
    base: StoredPlan,
    made: _Made,
    request: PublishRequest,
    lineage: Mapping[str, Any],
    *,
    draft: Draft | None,
    actor: str,
    job_id: str | None,
) -> Published:
    """Write the new plan, publish it and close its draft, all or nothing."""
    forced = {"forced_over": list(made.violations), "reason": request.reason}
    with base.store.writing(actor) as writing:
        if job_id is not None and not jobs.is_wanted(writing.connection, job_id):
            raise Cancelled(f"job {job_id} was cancelled; nothing is published")
        if draft is not None:
            _check_base(writing.connection, draft)
        plan_id = plans.insert_draft(
            writing,
            start=base.start,
            end=base.end,
            seed=base.seed,
            lineage=base.lineage | dict(lineage) | (forced if made.violations else {}),
            summary=made.summary,
            certificate=made.certificate.to_document(),
            forecast=made.version,
            frames=made.frames,
            job_id=job_id,
        )
        version = plans.publish(writing, plan_id)
        if draft is not None:
            drafts.note_published(writing, draft.draft_id, plan_id, revision=draft.revision)
        if made.violations:
            writing.audit("plan.force", str(plan_id), after=forced)
    return Published(plan_id, version, made.violations)
