"""What edits of a roster look like on the wire: changes, judgements, drafts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Header, Path
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Caller, require
from api.deps import MAX_ID
from api.routes.tables import plain_rows
from wfm.errors import LostEdit
from wfm.store.drafts import DraftRow

if TYPE_CHECKING:
    from api.planning.drafts import Edited
    from scheduling.check import Violation
    from scheduling.editing.changes import Change
    from scheduling.editing.judging import Judgement

Reader = Annotated[Caller, Depends(require("planner", "manager", "team-lead", "auditor"))]
Planner = Annotated[Caller, Depends(require("planner", "manager"))]
DraftId = Annotated[int, Path(ge=1, le=MAX_ID)]
IfMatch = Annotated[str | None, Header(description="the draft's ETag as it was read")]
Reason = Annotated[str, Field(max_length=2000)]


class SegmentOut(BaseModel):
    """A row of a roster without its agent."""

    model_config = ConfigDict(from_attributes=True)

    start: datetime
    end: datetime
    activity: str
    queue: str
    template: str
    pinned: bool


class ChangeOut(BaseModel):
    """What an agent has on a local day, before and after."""

    model_config = ConfigDict(from_attributes=True)

    agent_id: str
    day: date
    before: list[SegmentOut]
    after: list[SegmentOut]


class ViolationOut(BaseModel):
    """A broken rule: whose, on which local day, in words, and what may be done about it."""

    agent_id: str
    day: date
    rule: str
    text: str
    cure: str


class JudgementOut(BaseModel):
    """What changes do to rules, coverage and paid hours.

    `coverage` has a row for each interval and queue where heads on queue change: `before` and
    `after` are the agents short, parts of an agent included. `presence` has a row for each interval
    and demand of presence where somebody is missing, before or after.
    """

    broken: list[ViolationOut]
    mended: list[ViolationOut]
    coverage: list[dict[str, Any]]
    presence: list[dict[str, Any]]
    short_hours_before: float
    short_hours_after: float
    paid_hours_before: float
    paid_hours_after: float


class EditedOut(BaseModel):
    """What an edit does, or has done; `revision` is the draft's after it."""

    draft_id: int
    revision: int
    changes: list[ChangeOut]
    judgement: JudgementOut


class DraftLine(BaseModel):
    """A draft in a list; `actor` and `written_at` are of its last change."""

    model_config = ConfigDict(from_attributes=True)

    draft_id: int
    plan_id: int
    name: str
    state: str
    revision: int
    published_plan_id: int | None
    actor: str
    written_at: datetime


def etag_of(draft: DraftRow) -> str:
    """A draft changes with its revision and with nothing else."""
    return _etag(draft.draft_id, draft.revision)


def _etag(draft_id: int, revision: int) -> str:
    return f'"draft-{draft_id}-{revision}"'


def revision_in(if_match: str | None, number: int, thing: str = "draft") -> int | None:
    """The revision that `If-Match` names; None: any. LostEdit for what is no ETag of the thing.

    thing  "draft", or what else has an id and a revision
    """
    if if_match is None or if_match == "*":
        return None
    found = re.fullmatch(rf'"{thing}-(\d{{1,9}})-(\d{{1,9}})"', if_match)
    if found is None or int(found[1]) != number:
        raise LostEdit(
            f"{if_match[:60]} is no ETag of {thing} {number}; read the {thing} again",
            **{f"{thing}_id": number},
        )
    return int(found[2])


def violations_out(violations: Iterable[Violation]) -> list[ViolationOut]:
    return [
        ViolationOut(agent_id=v.agent_id, day=v.day, rule=v.rule, text=str(v), cure=v.cure)
        for v in violations
    ]


def changes_out(changes: Iterable[Change]) -> list[ChangeOut]:
    return [ChangeOut.model_validate(change) for change in changes]


def judgement_out(judgement: Judgement) -> JudgementOut:
    return JudgementOut(
        broken=violations_out(judgement.broken),
        mended=violations_out(judgement.mended),
        coverage=plain_rows(judgement.coverage),
        presence=plain_rows(judgement.presence),
        short_hours_before=judgement.short_hours_before,
        short_hours_after=judgement.short_hours_after,
        paid_hours_before=judgement.paid_hours_before,
        paid_hours_after=judgement.paid_hours_after,
    )


def edited_out(edited: Edited) -> EditedOut:
    return EditedOut(
        draft_id=edited.draft_id,
        revision=edited.revision,
        changes=changes_out(edited.changes),
        judgement=judgement_out(edited.judgement),
    )
