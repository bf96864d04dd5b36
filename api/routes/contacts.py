"""Contacts coming in: each is taken in exactly once, however often it is delivered."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Depends, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from api.auth import Caller, require
from api.deps import BrandDep, StoreDep
from api.problems import invalid_request, problem_of
from wfm.cases import Contact
from wfm.errors import TryLater, WfmError
from wfm.ingest.intake import REVISION_MAX, SEVERITY_MAX, WIDTHS, take_in

BULK_MAX = 1000
TEXT_MAX = 100_000

router = APIRouter(prefix="/contacts", tags=["contacts"])

Deliverer = Annotated[Caller, Depends(require("queue-engine", "manager"))]


class ContactIn(BaseModel):
    """A message as its source names it: (source, account, native_id, revision) is taken in once.

    `published_at` is the platform's instant; the clock starts when we receive the message.
    """

    model_config = ConfigDict(extra="forbid")

    source: str = Field(min_length=1, max_length=WIDTHS["source"], examples=["webhook"])
    account: str = Field(min_length=1, max_length=WIDTHS["account"], examples=["@care"])
    native_id: str = Field(min_length=1, max_length=WIDTHS["native_id"], examples=["1837465"])
    revision: int = Field(default=0, ge=0, le=REVISION_MAX)
    queue: str = Field(min_length=1, max_length=80, examples=["x"])
    author: str = Field(min_length=1, max_length=WIDTHS["author"], examples=["u-20931"])
    text: str = Field(max_length=TEXT_MAX)
    published_at: AwareDatetime
    severity: int = Field(default=0, ge=0, le=SEVERITY_MAX)

    def contact(self) -> Contact:
        return Contact(**self.model_dump())


class TakenOut(BaseModel):
    """What became of a contact: it opened a case, joined one, or was there before (`repeated`)."""

    model_config = ConfigDict(from_attributes=True)

    outcome: Literal["opened", "joined", "repeated"]
    case_id: int
    event_id: int


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
    """Take a message in: 201 when it opened a case, 200 when it joined one or was there before."""
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
    """Take up to 1,000 messages in, each for itself: a bad row does not stop the others.

    When the store is busy, the rows that are left are refused at once; send the request again.
    """
    results: list[RowResult] = []
    busy: TryLater | None = None
    for number, row in enumerate(rows):
        if busy is not None:
            results.append(RowResult(row=number, problem=problem_of(busy)))
            continue
        try:
            contact = _contact.validate_python(row).contact()
            taken = take_in(
                store, contact, brand=brand, actor=caller.actor, raw_body=json.dumps(row)
            )
        except ValidationError as error:
            results.append(RowResult(row=number, problem=invalid_request(error.errors())))
        except WfmError as error:
            busy = error if isinstance(error, TryLater) else None
            results.append(RowResult(row=number, problem=problem_of(error)))
        else:
            results.append(RowResult(row=number, taken=TakenOut.model_validate(taken)))
    refused = sum(result.problem is not None for result in results)
    return BulkOut(
        received_at=store.clock.now(),
        taken=len(results) - refused,
        refused=refused,
        results=results,
    )
