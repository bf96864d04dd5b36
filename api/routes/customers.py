"""Who writes to us: authors, the customers behind them, and being forgotten."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Caller, require
from api.deps import MAX_ID, StoreDep
from api.routes.cases import NO_NUL, CaseOut
from api.routes.merges import After, Keeper, Lead, MergeOut, Reader
from api.routes.paging import Before, Limit, page_of
from wfm.care import AuthorKind
from wfm.customers import crm, erasure, identity
from wfm.errors import NotFound, RequestError
from wfm.store import authors, customers

router = APIRouter(tags=["customers"])

Manager = Annotated[Caller, Depends(require("manager"))]

AuthorId = Annotated[int, Path(ge=1, le=MAX_ID)]
CustomerId = Annotated[int, Path(ge=1, le=MAX_ID)]
Id = Annotated[int, Field(ge=1, le=MAX_ID)]


class AuthorOut(BaseModel):
    """An account at a platform; its id there outlives every rename."""

    model_config = ConfigDict(from_attributes=True)

    author_id: int
    platform: str
    native_id: str
    handle: str
    reach: int | None
    verified: bool
    kind: AuthorKind
    customer_id: int | None
    first_seen_at: datetime
    deleted_at: datetime | None
    erased_at: datetime | None


class AuthorDetail(AuthorOut):
    """An author with every name it has borne, in the order we saw them."""

    handles: list[str]


class AuthorPage(BaseModel):
    """Authors by id; `next` continues the list as `after`."""

    items: list[AuthorOut]
    next: int | None


class KindIn(BaseModel):
    """What an author is; "" for nobody in particular."""

    model_config = ConfigDict(extra="forbid")

    kind: AuthorKind


class CustomerRef(BaseModel):
    """The customer an author is known to be."""

    model_config = ConfigDict(extra="forbid")

    customer_id: Id


class CustomerIn(BaseModel):
    """What is known of a customer, and which authors they are."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(default="", max_length=identity.NAME_MAX)
    email: str = Field(default="", max_length=identity.EMAIL_MAX)
    phone: str = Field(default="", max_length=identity.PHONE_MAX)
    crm_id: str = Field(default="", max_length=identity.CRM_ID_MAX)
    author_ids: list[Id] = Field(default=[], max_length=100)


class CustomerChange(BaseModel):
    """Fields to set; "" takes a value away, what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, max_length=identity.NAME_MAX)
    email: str | None = Field(default=None, max_length=identity.EMAIL_MAX)
    phone: str | None = Field(default=None, max_length=identity.PHONE_MAX)
    crm_id: str | None = Field(default=None, max_length=identity.CRM_ID_MAX)


class CustomerOut(BaseModel):
    """A customer's record; `merged_into` while it was merged into another."""

    model_config = ConfigDict(from_attributes=True)

    customer_id: int
    name: str
    email: str | None
    phone: str | None
    crm_id: str | None
    merged_into: int | None


class CustomerPage(BaseModel):
    """Customers by id; `next` continues the list as `after`."""

    items: list[CustomerOut]
    next: int | None


class CustomerDetail(CustomerOut):
    """A customer with the records merged into theirs, and their authors with all their names."""

    merged: list[CustomerOut]
    authors: list[AuthorDetail]


class CasesOfCustomer(BaseModel):
    """Cases over all the customer's authors, newest first; `next` continues as `before`."""

    items: list[CaseOut]
    next: int | None


class KeptOut(BaseModel):
    """The record as it stands now, and the merges that are proposed because of it."""

    model_config = ConfigDict(from_attributes=True)

    customer: CustomerOut
    proposed: list[MergeOut]


class ErasedOut(BaseModel):
    """How much was overwritten; all 0 when there was nothing left."""

    cases: int
    messages: int
    raw_events: int
    deliveries: int
    replies: int
    notes: int
    letters: int
    names: int
    records: int


# -- authors -------------------------------------------------------------------------------------


@router.get("/authors")
def list_authors(
    store: StoreDep,
    _caller: Reader,
    handle: Annotated[str, Query(max_length=200, pattern=NO_NUL)] = "",
    limit: Limit = 50,
    after: After = None,
) -> AuthorPage:
    """Authors; those who bear `handle`, or bore it once."""
    with store.reading() as connection:
        found = authors.find_authors(connection, handle=handle, after=after or 0, limit=limit + 1)
    page, following = page_of(found, limit, lambda one: one.author_id)
    return AuthorPage(items=[AuthorOut.model_validate(one) for one in page], next=following)


@router.get("/authors/{author_id}")
def get_author(author_id: AuthorId, store: StoreDep, _caller: Reader) -> AuthorDetail:
    """One author with every name it has borne."""
    with store.reading() as connection:
        found = authors.find_author(connection, author_id)
        return _author(found, authors.handles_of(connection, author_id))


def _author(author: authors.Author, handles: tuple[str, ...]) -> AuthorDetail:
    return AuthorDetail(**asdict(author), handles=list(handles))


@router.put("/authors/{author_id}/kind")
def set_kind(author_id: AuthorId, wanted: KindIn, store: StoreDep, caller: Lead) -> AuthorOut:
    """Say what the author is; their next messages are handled accordingly."""
    with store.writing(caller.actor) as writing:
        return AuthorOut.model_validate(authors.set_kind(writing, author_id, wanted.kind))


@router.put("/authors/{author_id}/customer", status_code=204)
def link_author(author_id: AuthorId, wanted: CustomerRef, store: StoreDep, caller: Keeper) -> None:
    """Make the author known to be the customer's; 409 when it is another's."""
    identity.link(store, author_id, wanted.customer_id, actor=caller.actor)


@router.delete("/authors/{author_id}/customer", status_code=204)
def unlink_author(author_id: AuthorId, store: StoreDep, caller: Keeper) -> None:
    """Take the author from its customer."""
    identity.unlink(store, author_id, actor=caller.actor)


@router.post("/authors/{author_id}/crm")
def look_up_author(
    author_id: AuthorId, request: Request, store: StoreDep, caller: Keeper
) -> KeptOut:
    """Ask the CRM who the author is and keep what it says; 404 when it does not know."""
    known = crm.crm_of(request.app.state.settings)
    if known is None:
        raise RequestError("there is no CRM to ask; set WFM_CRM to its address or file")
    kept = crm.look_up(store, known, author_id, actor=caller.actor)
    if kept is None:
        raise NotFound(f"the CRM does not know author {author_id}, or not for sure")
    return KeptOut.model_validate(kept, from_attributes=True)


@router.post("/authors/{author_id}/erase")
def erase_author(author_id: AuthorId, store: StoreDep, caller: Manager) -> ErasedOut:
    """Overwrite all that the author wrote, was told and is called; cases and metrics stay."""
    erased = erasure.erase_author(store, author_id, actor=caller.actor)
    return ErasedOut(**asdict(erased))


# -- customers -----------------------------------------------------------------------------------


@router.get("/customers")
def list_customers(
    store: StoreDep,
    _caller: Reader,
    email: Annotated[str | None, Query(max_length=254)] = None,
    phone: Annotated[str | None, Query(max_length=40)] = None,
    crm_id: Annotated[str | None, Query(max_length=200, pattern=NO_NUL)] = None,
    limit: Limit = 50,
    after: After = None,
) -> CustomerPage:
    """Customers; those of an address, a number or a CRM id."""
    wanted = {
        "email": email and identity.plain_email(email),
        # A plus that was not escaped arrives as a blank.
        "phone": phone and identity.plain_phone(re.sub("^ ", "+", phone)),
        "crm_id": crm_id,
    }
    with store.reading() as connection:
        found = customers.find_customers(
            connection,
            {name: value for name, value in wanted.items() if value},
            after=after or 0,
            limit=limit + 1,
        )
    page, following = page_of(found, limit, lambda one: one.customer_id)
    return CustomerPage(items=[CustomerOut.model_validate(one) for one in page], next=following)


@router.post("/customers", status_code=201)
def add_customer(
    wanted: CustomerIn, response: Response, store: StoreDep, caller: Keeper
) -> KeptOut:
    """Keep a new record; who shares its address or number is proposed to be merged, no more."""
    kept = identity.add_customer(store, actor=caller.actor, **wanted.model_dump())
    response.headers["Location"] = f"/api/v1/customers/{kept.customer.customer_id}"
    return KeptOut.model_validate(kept, from_attributes=True)


@router.get("/customers/{customer_id}")
def get_customer(customer_id: CustomerId, store: StoreDep, _caller: Reader) -> CustomerDetail:
    """One customer, with the records merged into theirs and their authors."""
    found = identity.profile_of(store, customer_id)
    return CustomerDetail(
        **asdict(found.customer),
        merged=[CustomerOut.model_validate(one) for one in found.merged],
        authors=[
            _author(author, handles)
            for author, handles in zip(found.authors, found.handles, strict=True)
        ],
    )


@router.patch("/customers/{customer_id}")
def change_customer(
    customer_id: CustomerId, wanted: CustomerChange, store: StoreDep, caller: Keeper
) -> KeptOut:
    """Set fields of a record; a CRM id that is another's stays there and proposes a merge."""
    changes = wanted.model_dump(exclude_none=True)
    kept = identity.change_customer(store, customer_id, changes, actor=caller.actor)
    return KeptOut.model_validate(kept, from_attributes=True)


@router.get("/customers/{customer_id}/cases")
def cases_of_customer(
    customer_id: CustomerId,
    store: StoreDep,
    _caller: Reader,
    limit: Limit = 50,
    before: Before = None,
) -> CasesOfCustomer:
    """The customer's cases over all their authors, newest first."""
    with store.reading() as connection:
        customers.find_customer(connection, customer_id)
        found = customers.cases_of(connection, customer_id, before=before, limit=limit + 1)
    page, following = page_of(found, limit, lambda one: one.case_id)
    return CasesOfCustomer(items=[CaseOut.model_validate(one) for one in page], next=following)


@router.post("/customers/{customer_id}/erase")
def erase_customer(customer_id: CustomerId, store: StoreDep, caller: Manager) -> ErasedOut:
    """Overwrite the data of all the customer's authors, and the record."""
    erased = erasure.erase_customer(store, customer_id, actor=caller.actor)
    return ErasedOut(**asdict(erased))
