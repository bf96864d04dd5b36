"""Contacts coming in: each is taken in exactly once, however often it is delivered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from api.auth import Caller, require
from api.deps import BrandDep, StoreDep
from api.problems import invalid_request, problem_of
from wfm.cases import Contact, ContactKind
from wfm.errors import StoreBusy, WfmError
from wfm.ingest.intake import (
    PLATFORM_MAX,
    REVISION_MAX,
    SEVERITY_MAX,
    TEXT_MAX,
    WIDTHS,
    Outcome,
    Taken,
    take_in,
    take_in_each,
)

BULK_MAX = 1000

router = APIRouter(prefix="/contacts", tags=["contacts"])

Deliverer = Annotated[Caller, Depends(require("queue-engine", "manager"))]


class ContactIn(BaseModel):
    """A message as its source names it: (source, account, native_id, revision) is taken in once.

    `published_at` is the platform's instant; the clock starts when we receive the message. Without
    a `queue`, its account's handle decides. An edit and a deletion name the message they change by
    its `native_id`; `author_deleted` is about all that its author wrote.
    """

    model_config = ConfigDict(extra="forbid")

    source: str = Field(min_length=1, max_length=WIDTHS["source"], examples=["webhook"])
    account: str = Field(min_length=1, max_length=WIDTHS["account"], examples=["@care"])
    native_id: str = Field(min_length=1, max_length=WIDTHS["native_id"], examples=["1837465"])
    revision: int = Field(default=0, ge=0, le=REVISION_MAX)
    queue: str = Field(default="", max_length=80, examples=["x"])
    author: str = Field(min_length=1, max_length=WIDTHS["author"], examples=["u-20931"])
    text: str = Field(max_length=TEXT_MAX)
    published_at: AwareDatetime
    severity: int = Field(default=0, ge=0, le=SEVERITY_MAX)
    kind: ContactKind = "message"
    in_reply_to: str = Field(default="", max_length=WIDTHS["native_id"])
    repost_of: str = Field(default="", max_length=WIDTHS["native_id"])
    platform: str = Field(default="", max_length=PLATFORM_MAX, examples=["x"])
    handle: str = Field(default="", max_length=200, examples=["@ann"])
    reach: int | None = Field(default=None, ge=0, le=2**31 - 1)
    verified: bool = False

    def contact(self) -> Contact:
        return Contact(**self.model_dump())


class TakenOut(BaseModel):
    """What became of a contact.

    It opened a case or joined one of its author; it was an edit or a deletion; it was there before
    (`repeated`); or it opens no case (`left_out`), and `reason` says why.
    """

    model_config = ConfigDict(from_attributes=True)

    outcome: Outcome
    case_id: int | None
    event_id: int
    reason: str


class RowResult(BaseModel):
    """What became of one row: `taken`, or the `problem` for which it was not taken in."""

    row: int
    taken: TakenOut | None = None
    problem: dict[str, Any] | None = None


class BulkOut(BaseModel):
    """A result for each row, in the order of the request; rows count from 0."""

    received_at: datetime
    taken: int
    refused: int
    results: list[RowResult]


async def raw_body(request: Request) -> str:
    """The request's body as it came in; bytes that are no UTF-8 are written out."""
    return (await request.body()).decode(errors="backslashreplace")


@router.post(
    "",
    status_code=201,
    responses={200: {"model": TakenOut, "description": "It joined a case, or was there before"}},
)
def take_in_contact(
    contact: ContactIn,
    response: Response,
    store: StoreDep,
    brand: BrandDep,
    caller: Deliverer,
    body: Annotated[str, Depends(raw_body)],
) -> TakenOut:
    """Take a message in: 201 when it opened a case, else 200."""
    taken = take_in(store, contact.contact(), brand=brand, actor=caller.actor, raw_body=body)
    if taken.outcome != "opened":
        response.status_code = 200
    return TakenOut.model_validate(taken)


_contact = TypeAdapter(ContactIn)


@router.post("/bulk")
def take_in_contacts(
    rows: Annotated[
        list[dict[str, Any]],
        Body(min_length=1, max_length=BULK_MAX, description="rows as POST /contacts takes them"),
    ],
    store: StoreDep,
    brand: BrandDep,
    caller: Deliverer,
) -> BulkOut:
    """Take up to 1,000 messages in, in one transaction: a bad row does not stop the others.

    When the store is busy, all rows are refused; send the request again.
    """
    results: dict[int, RowResult] = {}
    contacts: dict[int, Contact] = {}
    for number, row in enumerate(rows):
        try:
            contacts[number] = _contact.validate_python(row).contact()
        except ValidationError as error:
            results[number] = RowResult(row=number, problem=invalid_request(error.errors()))
    items = [(contact, json.dumps(rows[number])) for number, contact in contacts.items()]
    outcomes: Sequence[Taken | WfmError]
    try:
        outcomes = take_in_each(store, items, brand=brand, actor=caller.actor)
    except StoreBusy as error:
        outcomes = [error] * len(items)
    for number, outcome in zip(contacts, outcomes, strict=True):
        results[number] = (
            RowResult(row=number, problem=problem_of(outcome))
            if isinstance(outcome, WfmError)
            else RowResult(row=number, taken=TakenOut.model_validate(outcome))
        )
    refused = sum(result.problem is not None for result in results.values())
    return BulkOut(
        received_at=store.clock.now(),
        taken=len(results) - refused,
        refused=refused,
        results=[results[number] for number in sorted(results)],
    )
