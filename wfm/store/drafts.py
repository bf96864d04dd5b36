"""Drafts: a plan's roster with edits in their order, of which the undone ones do not count.

Every change moves the draft's revision up by one. Who changes names the revision they have seen, so
that of two who change at once one is told, and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from wfm.errors import IllegalMove, InternalFault, LostEdit, NotFound
from wfm.store import tables
from wfm.store.engine import Writing

DraftState = Literal["open", "published", "discarded"]
DRAFT_STATES: tuple[DraftState, ...] = ("open", "published", "discarded")

_d, _e = tables.drafts.c, tables.draft_edits.c


@dataclass(frozen=True)
class DraftRow:
    """A draft without its edits.

    plan_id            the plan whose roster the edits change
    over_version       the newest version there was when it was opened; 0 when there was none
    published_plan_id  the plan that it became
    actor, written_at  of the last change
    """

    draft_id: int
    plan_id: int
    name: str
    state: DraftState
    revision: int
    over_version: int
    published_plan_id: int | None
    actor: str
    written_at: datetime


_DRAFT = (
    _d.draft_id, _d.plan_id, _d.name, _d.state, _d.revision, _d.over_version, _d.published_plan_id,
    _d.actor, _d.written_at,
)  # fmt: skip


@dataclass(frozen=True)
class EditRow:
    """An edit of a draft.

    seq          1, 2, 3 ... in the order they were made
    document     {"edit": what was asked for, "changes": agent-days before and after}
    undone       it does not count
    passed_over  undone, and another edit was made since: it can no longer be redone
    job_id       the job that made it
    """

    seq: int
    kind: str
    reason: str
    document: dict[str, Any] = field(repr=False)
    undone: bool
    passed_over: bool
    actor: str
    at: datetime
    job_id: str | None = None


_EDIT = (
    _e.seq, _e.kind, _e.reason, _e.document, _e.undone, _e.passed_over, _e.actor, _e.at,
    _e.job_id,
)  # fmt: skip


# -- reading -------------------------------------------------------------------------------------


def find(connection: sa.Connection, draft_id: int) -> DraftRow:
    """The draft with the id; NotFound when there is none."""
    row = connection.execute(sa.select(*_DRAFT).where(_d.draft_id == draft_id)).one_or_none()
    if row is None:
        raise NotFound(
            f"there is no draft {draft_id}; `wfm roster drafts` lists them", draft_id=draft_id
        )
    return DraftRow(*tuple(row))


def listing(
    connection: sa.Connection,
    *,
    state: DraftState | None = None,
    limit: int = 50,
    before: int | None = None,
) -> list[DraftRow]:
    """Drafts of a state or of all, newest first; `before` continues a listing."""
    query = sa.select(*_DRAFT)
    if state is not None:
        query = query.where(_d.state == state)
    if before is not None:
        query = query.where(_d.draft_id < before)
    rows = connection.execute(query.order_by(_d.draft_id.desc()).limit(limit))
    return [DraftRow(*tuple(row)) for row in rows]


def edits(connection: sa.Connection, draft_id: int) -> tuple[EditRow, ...]:
    """The draft's edits in the order they were made, undone ones too."""
    query = sa.select(*_EDIT).where(_e.draft_id == draft_id).order_by(_e.seq)
    return tuple(EditRow(*tuple(row)) for row in connection.execute(query))


def edit_of_job(connection: sa.Connection, job_id: str) -> int | None:
    """The number of the edit that the job has made, or None."""
    return connection.scalar(sa.select(_e.seq).where(_e.job_id == job_id))


# -- changing ------------------------------------------------------------------------------------


def insert(writing: Writing, plan_id: int, *, name: str) -> int:
    """Open a draft of the plan, without an edit; gives its id."""
    newest = writing.connection.scalar(sa.select(sa.func.max(tables.plans.c.version)))
    draft_id: int = writing.connection.scalars(
        tables.drafts.insert()
        .values(
            plan_id=plan_id,
            name=name,
            state="open",
            revision=0,
            over_version=newest or 0,
            **writing.stamp,
        )
        .returning(_d.draft_id)
    ).one()
    writing.audit("draft.open", str(draft_id), after={"plan": plan_id, "name": name})
    return draft_id


def add_edit(
    writing: Writing,
    draft_id: int,
    *,
    kind: str,
    document: Mapping[str, Any],
    reason: str,
    revision: int,
    job_id: str | None = None,
) -> int:
    """Add an edit after the others; gives the draft's new revision.

    revision  the one that the edit was made on
    job_id    the job that made it, by which `edit_of_job` finds it; a job makes one edit

    Edits that were undone before stay on record but can no longer be redone. LostEdit when the
    draft has another revision by now, IllegalMove when it is no longer open.
    """
    _claim(writing, draft_id, revision)
    last = writing.connection.scalar(sa.select(sa.func.max(_e.seq)).where(_e.draft_id == draft_id))
    seq = (last or 0) + 1
    writing.connection.execute(
        tables.draft_edits.update()
        .where(_e.draft_id == draft_id, _e.undone)
        .values(passed_over=True)
    )
    writing.connection.execute(
        tables.draft_edits.insert().values(
            draft_id=draft_id,
            seq=seq,
            kind=kind,
            reason=reason,
            document=dict(document),
            undone=False,
            passed_over=False,
            job_id=job_id,
            actor=writing.actor,
            at=writing.at,
        )
    )
    writing.audit(
        "draft.edit",
        str(draft_id),
        before={"revision": revision},
        after={"revision": revision + 1, "seq": seq, "kind": kind, "reason": reason, **document},
    )
    return revision + 1


def undo(writing: Writing, draft_id: int, *, revision: int) -> int:
    """Undo the last edit that counts; gives the draft's new revision.

    IllegalMove when there is none; errors of `add_edit`.
    """
    last = _last_standing(writing.connection, draft_id)
    if last is None:
        find(writing.connection, draft_id)
        raise IllegalMove(f"draft {draft_id} has no edit to undo", draft_id=draft_id)
    return _turn(writing, draft_id, seq=last, undone=True, revision=revision)


def redo(writing: Writing, draft_id: int, *, revision: int) -> int:
    """Take the last undo back; gives the draft's new revision.

    IllegalMove when nothing was undone since the last edit; errors of `add_edit`.
    """
    last = _last_standing(writing.connection, draft_id)
    following = writing.connection.scalar(
        sa.select(sa.func.min(_e.seq)).where(
            _e.draft_id == draft_id, _e.seq > (last or 0), ~_e.passed_over
        )
    )
    if following is None:
        find(writing.connection, draft_id)
        raise IllegalMove(
            f"draft {draft_id} has nothing to redo: nothing was undone since its last edit",
            draft_id=draft_id,
        )
    return _turn(writing, draft_id, seq=following, undone=False, revision=revision)


def discard(writing: Writing, draft_id: int, *, revision: int) -> None:
    """Give the draft up; it stays on record. Errors of `add_edit`."""
    _claim(writing, draft_id, revision, state="discarded")
    writing.audit("draft.discard", str(draft_id), before={"state": "open"})


def note_published(writing: Writing, draft_id: int, plan_id: int, *, revision: int) -> None:
    """Keep which plan the draft became. Errors of `add_edit`."""
    _claim(writing, draft_id, revision, state="published", published_plan_id=plan_id)
    writing.audit("draft.publish", str(draft_id), before={"state": "open"}, after={"plan": plan_id})


def _last_standing(connection: sa.Connection, draft_id: int) -> int | None:
    last: int | None = connection.scalar(
        sa.select(sa.func.max(_e.seq)).where(_e.draft_id == draft_id, ~_e.undone)
    )
    return last


def _turn(writing: Writing, draft_id: int, *, seq: int, undone: bool, revision: int) -> int:
    _claim(writing, draft_id, revision)
    writing.connection.execute(
        tables.draft_edits.update()
        .where(_e.draft_id == draft_id, _e.seq == seq)
        .values(undone=undone)
    )
    writing.audit(
        "draft.undo" if undone else "draft.redo",
        str(draft_id),
        before={"revision": revision},
        after={"revision": revision + 1, "seq": seq},
    )
    return revision + 1


def _claim(writing: Writing, draft_id: int, revision: int, **values: Any) -> None:
    """Move the open draft's revision up from the one given; one of those who try at once does."""
    moved = writing.connection.execute(
        tables.drafts.update()
        .where(_d.draft_id == draft_id, _d.revision == revision, _d.state == "open")
        .values(revision=revision + 1, **values, **writing.stamp)
    )
    if moved.rowcount:
        return
    held = find(writing.connection, draft_id)
    check_open(held, revision)
    raise InternalFault(f"draft {draft_id} at revision {held.revision} could not be moved up")


def check_open(draft: DraftRow, revision: int) -> None:
    """IllegalMove when the draft is not open, LostEdit when it is at another revision."""
    if draft.state != "open":
        raise IllegalMove(
            f"draft {draft.draft_id} is {draft.state}; open another with `wfm roster draft PLAN`",
            draft_id=draft.draft_id,
            state=draft.state,
        )
    if draft.revision != revision:
        raise LostEdit(
            f"draft {draft.draft_id} is at revision {draft.revision} by {draft.actor}, not at "
            f"{revision}; read it again",
            draft_id=draft.draft_id,
            revision=draft.revision,
        )
