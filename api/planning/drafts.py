"""Drafts of a roster: opened on a plan, edited, undone, compared; `publishing` puts one in force.

A draft is the roster of its base plan with its edits in order, less those undone. Nothing of it is
seen by the live queue until it is published, and then all of it at once. What lies before now is
frozen where a roster was in force then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import pandas as pd

from api.planning.records import StoredPlan, Which, load_plan, which_plan
from api.planning.rostered import Rostered, ground_for, roster_of, shelved
from api.planning.shelf import Shelf
from scheduling.check import Violation, check_roster
from scheduling.editing.changes import Change, applied
from scheduling.editing.changes import difference as changed_days
from scheduling.editing.edits import Edit, edit_document, kind_of
from scheduling.editing.ground import EditGround
from scheduling.editing.judging import Judgement, judged
from scheduling.editing.making import changes_of
from wfm.errors import LostEdit, RequestError
from wfm.store import drafts, plans
from wfm.store.documents import from_document, to_document
from wfm.store.drafts import DraftRow, DraftState, EditRow
from wfm.store.engine import Store, Writing

MAX_REASON = 2_000

# Before the number of a draft where people name a roster.
DRAFT_PREFIX = "draft-"


@dataclass(frozen=True)
class Draft(DraftRow):
    """A draft as it stands at its revision.

    base    the plan whose roster is edited
    edits   in the order they were made, undone ones too; `changes_in` reads what one changed
    roster  ROSTER, the edits that count in it; not to be changed
    """

    base: StoredPlan = field(repr=False)
    edits: tuple[EditRow, ...] = field(repr=False)
    roster: pd.DataFrame = field(repr=False)

    @property
    def store(self) -> Store:
        return self.base.store

    @property
    def ground(self) -> EditGround:
        """What its rules and its coverage are judged by, as it is known now."""
        return ground_for(self.base)

    @property
    def standing(self) -> tuple[EditRow, ...]:
        """The edits that count."""
        return tuple(edit for edit in self.edits if not edit.undone)

    @property
    def can_redo(self) -> bool:
        return any(edit.undone and not edit.passed_over for edit in self.edits)


@dataclass(frozen=True)
class Edited:
    """What an edit does, or has done.

    revision  of the draft after it
    """

    draft_id: int
    revision: int
    changes: tuple[Change, ...]
    judgement: Judgement


# -- reading -------------------------------------------------------------------------------------

_COMPOSED: Shelf[pd.DataFrame] = Shelf(8)


def load_draft(store: Store, draft_id: int) -> Draft:
    """The draft with its edits and its roster; NotFound when there is none."""
    with store.reading() as connection:
        row = drafts.find(connection, draft_id)
        edits = drafts.edits(connection, draft_id)
        base = StoredPlan(**vars(plans.find(connection, row.plan_id)), store=store)

    def compose() -> pd.DataFrame:
        changes = [change for one in edits if not one.undone for change in changes_in(one)]
        return applied(roster_of(base), changes)

    roster = _COMPOSED.get((*shelved(base), draft_id, row.revision), compose)
    return Draft(**vars(row), base=base, edits=edits, roster=roster)


def list_drafts(
    store: Store,
    state: DraftState | None = None,
    *,
    limit: int = 50,
    before: int | None = None,
) -> tuple[DraftRow, ...]:
    """Drafts of a state or of all, the newest first; `before` continues after the draft of it."""
    with store.reading() as connection:
        return tuple(drafts.listing(connection, state=state, limit=limit, before=before))


def changes_in(edit: EditRow) -> tuple[Change, ...]:
    """What an edit of a draft has changed."""
    return tuple(from_document(Change, change) for change in edit.document["changes"])


def broken_rules(draft: Draft) -> tuple[Violation, ...]:
    """Every rule that the draft's roster breaks, whoever broke it."""
    ground = draft.ground
    return check_roster(
        draft.roster,
        ground.brand,
        ground.agents,
        start=ground.start,
        end=ground.end,
        history=ground.past,
    )


def rostered(store: Store, which: str | int) -> Rostered:
    """The roster that people name: a plan by its id, `latest`, `current`, a draft as `draft-5`.

    RequestError for what names neither, NotFound for what is not there.
    """
    text = str(which)
    number = text.removeprefix(DRAFT_PREFIX)
    if number != text and (found := which_plan(number)) not in ("latest", "current"):
        draft = load_draft(store, int(found))
        return Rostered(text, draft.base, draft.roster, draft.draft_id, draft.revision)
    plan = load_plan(store, which_plan(text))
    return Rostered(str(plan.plan_id), plan, roster_of(plan))


def difference(store: Store, one: str | int, other: str | int) -> tuple[Change, ...]:
    """What to change in the one roster to get the other, by agent and day; named as `rostered`.

    Of rosters of different spans only what both could hold is compared.
    """
    first, second = rostered(store, one), rostered(store, other)
    start = max(first.plan.start, second.plan.start)
    end = min(first.plan.end, second.plan.end)
    if end <= start:
        raise RequestError(
            f"{first.name} and {second.name} have no day in common, so there is nothing to compare"
        )
    zone = first.ground.brand.tz
    changes = changed_days(first.roster, second.roster, zone)
    return tuple(c for c in changes if start <= _begins(c) < end)


def _begins(change: Change) -> datetime:
    return min(segment.start for segment in (*change.before, *change.after))


# -- changing ------------------------------------------------------------------------------------


def open_draft(store: Store, which: Which, *, actor: str, name: str = "") -> int:
    """Open a draft of the plan; gives its id. NotFound without the plan."""
    with store.writing(actor) as writing:
        plan = plans.find(writing.connection, which)
        return drafts.insert(writing, plan.plan_id, name=name or f"Draft of plan {plan.plan_id}")


def preview(store: Store, draft_id: int, wanted: Edit | Sequence[Change]) -> Edited:
    """What the edit would do; nothing is kept. Errors of `edit`."""
    draft = load_draft(store, draft_id)
    return _worked_out(draft, wanted)


def edit(
    store: Store,
    draft_id: int,
    wanted: Edit | Sequence[Change],
    *,
    actor: str,
    revision: int | None = None,
    reason: str = "",
    kind: str = "",
    job_id: str | None = None,
) -> Edited:
    """Make an edit, or changes that were worked out elsewhere, and keep it.

    revision  the one that it is meant for; None: whatever it is now
    kind      what it is kept as; "": the edit's own kind, or "changes"
    job_id    the job that makes it

    A broken rule is no error: the judgement tells. Raises RequestError for what cannot be done or
    is frozen, LostEdit when the draft has another revision, IllegalMove when it is not open.
    """
    draft = load_draft(store, draft_id)
    check_open(draft, revision)
    done = _worked_out(draft, wanted)
    check_reason(reason)
    asked = None if isinstance(wanted, Sequence) else wanted
    with store.writing(actor) as writing:
        keep(
            writing, draft_id, draft.revision, done.changes,
            kind=kind, asked=asked, reason=reason, job_id=job_id,
        )  # fmt: skip
    return done


def check_reason(reason: str) -> None:
    """RequestError for a reason that is too long to be kept."""
    if len(reason) > MAX_REASON:
        raise RequestError(f"the reason is longer than {MAX_REASON:,} characters; shorten it")


def keep(
    writing: Writing,
    draft_id: int,
    revision: int,
    changes: Sequence[Change],
    *,
    kind: str = "",
    asked: Edit | None = None,
    reason: str = "",
    job_id: str | None = None,
) -> int:
    """Add changes that were worked out for the draft's revision to it; gives its new revision.

    asked  the edit they come of

    Errors of `wfm.store.drafts.add_edit`.
    """
    return drafts.add_edit(
        writing,
        draft_id,
        kind=kind or ("changes" if asked is None else kind_of(asked)),
        document={
            "edit": None if asked is None else edit_document(asked),
            "changes": to_document(tuple(changes)),
        },
        reason=reason,
        revision=revision,
        job_id=job_id,
    )


def home_of_changes(store: Store, draft_id: int | None, revision: int | None = None) -> Rostered:
    """The roster that a granted request changes: the draft's, or that of the plan in force.

    Errors of `edit`; NotFound when no draft is named and no plan is in force.
    """
    if draft_id is None:
        return rostered(store, "current")
    check_open(load_draft(store, draft_id), revision)
    return rostered(store, f"{DRAFT_PREFIX}{draft_id}")


def draft_of(writing: Writing, home: Rostered, *, name: str) -> tuple[int, int]:
    """The draft of `home_of_changes` and its revision; opened where it is a plan.

    LostEdit when another plan has come into force meanwhile.
    """
    if home.draft_id is not None and home.revision is not None:
        return home.draft_id, home.revision
    current = plans.find(writing.connection, "current")
    if current.plan_id != home.plan.plan_id:
        raise LostEdit(
            f"plan {current.plan_id} has come into force meanwhile; look at it and try again",
            plan_id=current.plan_id,
        )
    return drafts.insert(writing, current.plan_id, name=name), 0


def undo(store: Store, draft_id: int, *, actor: str, revision: int | None = None) -> Edited:
    """Undo the last edit that counts; IllegalMove when there is none. Errors of `edit`."""
    return _turned(store, draft_id, drafts.undo, actor=actor, revision=revision)


def redo(store: Store, draft_id: int, *, actor: str, revision: int | None = None) -> Edited:
    """Take the last undo back; IllegalMove when an edit was made since. Errors of `edit`."""
    return _turned(store, draft_id, drafts.redo, actor=actor, revision=revision)


def discard(store: Store, draft_id: int, *, actor: str, revision: int | None = None) -> None:
    """Give the draft up; it stays on record. Errors of `edit`."""
    with store.writing(actor) as writing:
        held = drafts.find(writing.connection, draft_id)
        seen = held.revision if revision is None else revision
        drafts.discard(writing, draft_id, revision=seen)


def check_open(draft: Draft, revision: int | None = None) -> None:
    """IllegalMove when the draft is not open, LostEdit when it is at another revision."""
    drafts.check_open(draft, draft.revision if revision is None else revision)


def _worked_out(draft: Draft, wanted: Edit | Sequence[Change]) -> Edited:
    ground = draft.ground
    if isinstance(wanted, Sequence):
        changes = tuple(wanted)
    else:
        changes = changes_of(draft.roster, wanted, ground)
    judgement = judged(draft.roster, changes, ground)
    return Edited(draft.draft_id, draft.revision + 1, changes, judgement)


class _Turn(Protocol):
    def __call__(self, writing: Writing, draft_id: int, *, revision: int) -> int: ...


def _turned(
    store: Store, draft_id: int, turn: _Turn, *, actor: str, revision: int | None
) -> Edited:
    before = load_draft(store, draft_id)
    check_open(before, revision)
    with store.writing(actor) as writing:
        turn(writing, draft_id, revision=before.revision)
    after = load_draft(store, draft_id)
    ground = after.ground
    changes = changed_days(before.roster, after.roster, ground.brand.tz)
    return Edited(draft_id, after.revision, changes, judged(before.roster, changes, ground))
