"""Rosters are edited: drafts of plans, their edits and their history."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.deps import Moment, StoreDep
from api.routes.paging import Before, Limit, page_of
from api.routes.rosterwire import (
    ChangeOut,
    DraftId,
    DraftLine,
    EditedOut,
    IfMatch,
    Planner,
    Reader,
    Reason,
    ViolationOut,
    changes_out,
    edited_out,
    etag_of,
    revision_in,
    violations_out,
)
from api.routes.tables import plain_rows
from wfm.store.drafts import DraftState

if TYPE_CHECKING:
    from api.planning.drafts import Draft, Edited

router = APIRouter(tags=["rosters"])


class DraftOrder(BaseModel):
    """What a new draft is called; without a name it is called after its plan."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(default="", max_length=200)


class EditOrder(BaseModel):
    """An edit and why it is made.

    The edit is an object with its `kind` and its fields: assign (agent_id, day, template,
    start_min), drop (agent_id, day), move (agent_id, day, to_start_min, to_day), lengthen
    (agent_id, day, minutes, by), swap (agent_id, day, other_agent, other_day), give (agent_id, day,
    to_agent), move_break (agent_id, day, index, minutes_after_start), activity (agent_id, start,
    end, activity, queue), pin (agent_id, day), unpin (agent_id, day).
    """

    model_config = ConfigDict(extra="forbid")

    edit: dict[str, Any]
    reason: Reason = ""


class RepairOrder(BaseModel):
    """Who is absent, on which local days, both included."""

    model_config = ConfigDict(extra="forbid")

    agent_id: str = Field(max_length=80)
    first: date
    last: date
    reason: Reason = ""


class DraftList(BaseModel):
    """Drafts, the newest first; `next` continues the list as `before`, null at its end."""

    items: list[DraftLine]
    next: int | None


class EditLine(BaseModel):
    """An edit of a draft: who made it, when and why, what was asked for and what it changed."""

    seq: int
    kind: str
    reason: str
    edit: dict[str, Any] | None
    changes: list[ChangeOut]
    undone: bool
    actor: str
    at: datetime


class DraftOut(DraftLine):
    """A draft with its edits in the order they were made, undone ones too."""

    edits: list[EditLine]


class RosterRows(BaseModel):
    """Rows of a draft's roster that start in [from, to)."""

    draft_id: int
    revision: int
    rows: list[dict[str, Any]] = Field(description="one object a row, instants as RFC 3339")


class ViolationList(BaseModel):
    """Every rule that a draft's roster breaks."""

    draft_id: int
    revision: int
    items: list[ViolationOut]


def _answer(draft: Draft, response: Response) -> DraftOut:
    from api.planning.drafts import changes_in

    response.headers["ETag"] = etag_of(draft)
    edits = [
        EditLine(
            seq=edit.seq,
            kind=edit.kind,
            reason=edit.reason,
            edit=edit.document["edit"],
            changes=changes_out(changes_in(edit)),
            undone=edit.undone,
            actor=edit.actor,
            at=edit.at,
        )
        for edit in draft.edits
    ]
    return DraftOut(**DraftLine.model_validate(draft).model_dump(), edits=edits)


# -- drafts --------------------------------------------------------------------------------------


@router.post("/plans/{which}/drafts", status_code=201)
def open_draft(
    which: str, order: DraftOrder, response: Response, store: StoreDep, caller: Planner
) -> DraftOut:
    """Open a draft of a plan's roster; its address is in `Location`."""
    from api.planning import drafts, records  # late: loads the planning libraries

    draft_id = drafts.open_draft(
        store, records.which_plan(which), actor=caller.actor, name=order.name
    )
    response.headers["Location"] = f"/api/v1/drafts/{draft_id}"
    return _answer(drafts.load_draft(store, draft_id), response)


@router.get("/drafts")
def list_drafts(
    store: StoreDep,
    _caller: Reader,
    state: DraftState | None = None,
    limit: Limit = 50,
    before: Before = None,
) -> DraftList:
    """Drafts of all states or of one."""
    from api.planning import drafts

    found = drafts.list_drafts(store, state, limit=limit + 1, before=before)
    page, following = page_of(found, limit, lambda one: one.draft_id)
    return DraftList(items=[DraftLine.model_validate(one) for one in page], next=following)


@router.get("/drafts/{draft_id}")
def get_draft(draft_id: DraftId, response: Response, store: StoreDep, _caller: Reader) -> DraftOut:
    """A draft and its history."""
    from api.planning import drafts

    return _answer(drafts.load_draft(store, draft_id), response)


@router.get("/drafts/{draft_id}/roster")
def get_draft_roster(
    draft_id: DraftId,
    store: StoreDep,
    _caller: Reader,
    from_: Annotated[Moment | None, Query(alias="from")] = None,
    to: Moment | None = None,
) -> RosterRows:
    """The draft's roster as it stands, whole or of [from, to)."""
    from api.planning import drafts

    draft = drafts.load_draft(store, draft_id)
    rows = draft.roster
    if from_ is not None:
        rows = rows[rows["start"] >= from_]
    if to is not None:
        rows = rows[rows["start"] < to]
    return RosterRows(draft_id=draft_id, revision=draft.revision, rows=plain_rows(rows))


@router.get("/drafts/{draft_id}/violations")
def get_draft_violations(draft_id: DraftId, store: StoreDep, _caller: Reader) -> ViolationList:
    """The rules that the draft's roster breaks, whoever broke them."""
    from api.planning import drafts

    draft = drafts.load_draft(store, draft_id)
    return ViolationList(
        draft_id=draft_id,
        revision=draft.revision,
        items=violations_out(drafts.broken_rules(draft)),
    )


# -- edits ---------------------------------------------------------------------------------------


@router.post("/drafts/{draft_id}/preview")
def preview_edit(
    draft_id: DraftId, order: EditOrder, store: StoreDep, _caller: Planner
) -> EditedOut:
    """What an edit would do; nothing is kept."""
    from api.planning import drafts
    from scheduling.editing.edits import edit_from

    return edited_out(drafts.preview(store, draft_id, edit_from(order.edit)))


@router.post("/drafts/{draft_id}/edits")
def edit_draft(
    draft_id: DraftId,
    order: EditOrder,
    response: Response,
    store: StoreDep,
    caller: Planner,
    if_match: IfMatch = None,
) -> EditedOut:
    """Make an edit; 412 with the current revision when `If-Match` names another.

    A broken rule is no error: the judgement names it.
    """
    from api.planning import drafts
    from scheduling.editing.edits import edit_from

    edited = drafts.edit(
        store,
        draft_id,
        edit_from(order.edit),
        actor=caller.actor,
        revision=revision_in(if_match, draft_id),
        reason=order.reason,
    )
    return _edited(edited, response)


@router.post("/drafts/{draft_id}/undo")
def undo_edit(
    draft_id: DraftId,
    response: Response,
    store: StoreDep,
    caller: Planner,
    if_match: IfMatch = None,
) -> EditedOut:
    """Undo the last edit that counts; 409 when there is none."""
    from api.planning import drafts

    revision = revision_in(if_match, draft_id)
    return _edited(drafts.undo(store, draft_id, actor=caller.actor, revision=revision), response)


@router.post("/drafts/{draft_id}/redo")
def redo_edit(
    draft_id: DraftId,
    response: Response,
    store: StoreDep,
    caller: Planner,
    if_match: IfMatch = None,
) -> EditedOut:
    """Take the last undo back; 409 when an edit was made since."""
    from api.planning import drafts

    revision = revision_in(if_match, draft_id)
    return _edited(drafts.redo(store, draft_id, actor=caller.actor, revision=revision), response)


@router.post("/drafts/{draft_id}/repair")
def repair_draft(
    draft_id: DraftId,
    order: RepairOrder,
    response: Response,
    store: StoreDep,
    caller: Planner,
    if_match: IfMatch = None,
) -> EditedOut:
    """Take an absent agent's shifts away and cover them with few changes."""
    from api.planning import resolving

    edited = resolving.repair(
        store,
        draft_id,
        order.agent_id,
        order.first,
        order.last,
        actor=caller.actor,
        revision=revision_in(if_match, draft_id),
        reason=order.reason,
    )
    return _edited(edited, response)


@router.post("/drafts/{draft_id}/discard")
def discard_draft(
    draft_id: DraftId,
    response: Response,
    store: StoreDep,
    caller: Planner,
    if_match: IfMatch = None,
) -> DraftOut:
    """Give the draft up; it stays on record."""
    from api.planning import drafts

    drafts.discard(store, draft_id, actor=caller.actor, revision=revision_in(if_match, draft_id))
    return _answer(drafts.load_draft(store, draft_id), response)


def _edited(edited: Edited, response: Response) -> EditedOut:
    response.headers["ETag"] = f'"draft-{edited.draft_id}-{edited.revision}"'
    return edited_out(edited)
