"""What the console does with drafts of a roster: reads them, tries edits, keeps them, starts jobs.

The one place where the page Roster reaches `api.planning`'s drafts; `Shown` is what it then shows.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from api.planning import drafts, resolving, rosterreasons
from api.planning.drafts import Draft, Edited
from api.planning.publishing import PublishRequest
from api.planning.resolving import ResolveRequest
from scheduling.check import Violation, check_roster
from scheduling.editing.changes import Change, difference
from scheduling.editing.choices import Choice, choices
from scheduling.editing.edits import Edit
from scheduling.editing.openings import Opening, openings
from scheduling.editing.takers import Taker, takers, takers_of
from scheduling.why.gap import Gap
from scheduling.why.shift import Reason
from wfm.errors import TryLater
from wfm.store import jobs as job_rows
from wfm.store.drafts import DraftRow
from wfm.store.engine import Store
from wfm.store.jobs import Job

if TYPE_CHECKING:
    from api.console.views import PlanView
    from api.jobs import Jobs

RESOLVE_JOB = "resolve"
PUBLISH_JOB = "publish_draft"


@dataclass(frozen=True, eq=False)
class Shown:
    """The roster that the page shows: a plan's own, or a draft of it.

    changes  what differs from the plan's roster, by agent and local day
    """

    plan: PlanView = field(repr=False)
    draft: Draft | None = None
    changes: tuple[Change, ...] = field(default=(), repr=False)

    @property
    def start(self) -> datetime:
        return self.plan.start

    @property
    def end(self) -> datetime:
        return self.plan.end

    @property
    def roster(self) -> pd.DataFrame:
        return self.plan.tables.roster if self.draft is None else self.draft.roster

    @property
    def name(self) -> str:
        """How `api.planning` calls it: the plan's id, or `draft-5`."""
        if self.draft is None:
            return str(self.plan.plan_id)
        return f"{drafts.DRAFT_PREFIX}{self.draft.draft_id}"

    @property
    def editable(self) -> bool:
        return self.draft is not None and self.draft.state == "open"

    @property
    def revision(self) -> int | None:
        return None if self.draft is None else self.draft.revision

    @cached_property
    def changed(self) -> frozenset[tuple[str, date]]:
        """Agent-days that differ from the plan's roster."""
        return frozenset((c.agent_id, c.day) for c in self.changes)

    def of_agent(self, agent_id: str) -> pd.DataFrame:
        """The agent's rows of the roster."""
        return self.roster[self.roster["agent_id"] == agent_id]


@dataclass(frozen=True)
class Absent:
    """Who is away from when to when, local days, both included."""

    agent_id: str
    first: date
    last: date


class Drafting:
    """Drafts for one console, from any of its threads.

    jobs  who carries jobs out; without, none can be submitted
    """

    def __init__(self, store: Store, jobs: Jobs | None = None) -> None:
        self._store = store
        self._jobs = jobs
        self._lock = threading.Lock()
        self._openings: tuple[tuple[int, int], list[Opening]] | None = None

    def open_drafts(self) -> tuple[DraftRow, ...]:
        """Those that can be changed, the newest first."""
        return drafts.list_drafts(self._store, "open")

    def draft(self, draft_id: int) -> Draft:
        """The draft at its newest revision; NotFound without it."""
        return drafts.load_draft(self._store, draft_id)

    def changes(self, draft: Draft, base: pd.DataFrame) -> tuple[Change, ...]:
        """What differs from the plan's roster."""
        return difference(base, draft.roster, draft.ground.brand.tz)

    def violations(self, draft: Draft) -> tuple[Violation, ...]:
        """Rules that the whole draft breaks."""
        ground = draft.ground
        return check_roster(
            draft.roster,
            ground.brand,
            ground.agents,
            start=ground.start,
            end=ground.end,
            history=ground.history,
        )

    # -- what could be ----------------------------------------------------------------------------

    def choices(self, draft_id: int, agent_id: str, day: date) -> list[Choice]:
        """Shifts that the agent could have on the day, those that keep every rule first."""
        draft = self.draft(draft_id)
        return choices(draft.roster, agent_id, day, draft.ground)

    def takers_of(self, draft_id: int, agent_id: str, day: date) -> list[Taker]:
        """Who could have the agent's shift instead, those who may first."""
        draft = self.draft(draft_id)
        return takers_of(draft.roster, agent_id, day, draft.ground)

    def openings(self, draft_id: int) -> list[Opening]:
        """The open shifts of the draft as it is now, the most useful first."""
        draft = self.draft(draft_id)
        key = (draft_id, draft.revision)
        with self._lock:
            held = self._openings
        if held is not None and held[0] == key:
            return held[1]
        found = openings(draft.roster, draft.ground)
        with self._lock:
            self._openings = (key, found)
        return found

    def takers(self, draft_id: int, opening: Opening) -> list[Taker]:
        """Who could take the open shift, those who may first."""
        draft = self.draft(draft_id)
        return takers(opening, draft.roster, draft.ground)

    def why(self, name: str, agent_id: str, day: date) -> Reason:
        """Why the agent's day is as it is, in the roster of that name."""
        return rosterreasons.explain_shift(self._store, name, agent_id, day)

    def why_short(self, name: str, queue: str, at: datetime) -> Gap:
        """Why the queue is short at the moment."""
        return rosterreasons.explain_shortfall(self._store, name, queue, at)

    # -- changes ----------------------------------------------------------------------------------

    def open(self, plan_id: int, name: str, actor: str) -> int:
        """Open a draft of the plan; gives its id."""
        return drafts.open_draft(self._store, plan_id, actor=actor, name=name)

    def preview(self, draft_id: int, edit: Edit) -> Edited:
        """What the edit would do; RequestError for what cannot be."""
        return drafts.preview(self._store, draft_id, edit)

    def edit(self, draft_id: int, edit: Edit, *, revision: int, actor: str, reason: str) -> Edited:
        """Keep the edit; LostEdit when somebody else was faster."""
        return drafts.edit(
            self._store, draft_id, edit, revision=revision, actor=actor, reason=reason
        )

    def undo(self, draft_id: int, *, revision: int, actor: str) -> Edited:
        return drafts.undo(self._store, draft_id, revision=revision, actor=actor)

    def redo(self, draft_id: int, *, revision: int, actor: str) -> Edited:
        return drafts.redo(self._store, draft_id, revision=revision, actor=actor)

    def discard(self, draft_id: int, *, revision: int, actor: str) -> None:
        drafts.discard(self._store, draft_id, revision=revision, actor=actor)

    def repair(
        self, draft_id: int, absence: Absent, *, revision: int, actor: str, reason: str
    ) -> Edited:
        """Take the absent agent out and cover their shifts with few changes."""
        return resolving.repair(
            self._store,
            draft_id,
            absence.agent_id,
            absence.first,
            absence.last,
            revision=revision,
            actor=actor,
            reason=reason,
        )

    # -- jobs -------------------------------------------------------------------------------------

    def resolve(self, draft_id: int, *, revision: int, actor: str) -> str:
        """Submit the job that solves the draft anew; gives its id."""
        request = ResolveRequest(draft_id, revision)
        return self._submit(RESOLVE_JOB, request.to_document(), actor)

    def publish(self, draft_id: int, request: PublishRequest, actor: str) -> str:
        """Submit the job that puts the draft in force; gives its id."""
        document = {"draft_id": draft_id, **request.to_document()}
        return self._submit(PUBLISH_JOB, document, actor)

    def job(self, job_id: str) -> Job:
        with self._store.reading() as connection:
            return job_rows.load_job(connection, job_id)

    def open_job(self, draft_id: int) -> str | None:
        """The job of the draft that is open now, or None."""
        with self._store.reading() as connection:
            found = job_rows.list_jobs(connection, states=job_rows.OPEN)
        mine: Sequence[Job] = [
            job
            for job in found
            if job.kind in (RESOLVE_JOB, PUBLISH_JOB) and job.request.get("draft_id") == draft_id
        ]
        return mine[0].job_id if mine else None

    def cancel(self, job_id: str, actor: str) -> None:
        with self._store.writing(actor) as writing:
            job_rows.cancel_job(writing, job_id)

    def _submit(self, kind: str, request: dict[str, Any], actor: str) -> str:
        if self._jobs is None:
            raise TryLater("no jobs are carried out here; start the service with `wfm serve`")
        return self._jobs.submit(kind, request, actor)
