"""Exceptions: what customers were granted beyond the rules, and what was asked for.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from wfm.errors import NotFound
from wfm.store import tables
from wfm.store.documents import to_document
from wfm.store.engine import Writing

exceptions = tables.exceptions

ExceptionState = Literal["granted", "asked", "approved", "refused"]

# What a customer has got, or will.
GIVEN: tuple[ExceptionState, ...] = ("granted", "approved")


@dataclass(frozen=True)
class CaseException:
    """An amount beyond the rules, in the brand's money.

    state       granted: within the limit of who asked; asked: waits for somebody whose limit
                covers it; approved, refused: what they said
    actor, written_at   who granted or decided it, and when
    """

    exception_id: int
    case_id: int
    amount: float
    reason: str
    state: ExceptionState
    asked_by: str
    asked_at: datetime
    actor: str
    written_at: datetime


_ROW = tuple(exceptions.c[field.name] for field in fields(CaseException))


def given_on(connection: sa.Connection, case_id: int) -> float:
    """What was granted and approved on the case so far, added up."""
    total = sa.select(sa.func.coalesce(sa.func.sum(exceptions.c.amount), 0.0))
    return float(
        connection.scalars(
            total.where(exceptions.c.case_id == case_id, exceptions.c.state.in_(GIVEN))
        ).one()
    )


def insert_exception(
    writing: Writing, case_id: int, amount: float, reason: str, state: ExceptionState
) -> CaseException:
    """Keep an exception on a case that this transaction has locked, and audit it."""
    row = writing.connection.execute(
        exceptions.insert()
        .values(
            case_id=case_id,
            amount=amount,
            reason=reason,
            state=state,
            asked_by=writing.actor,
            asked_at=writing.at,
            **writing.stamp,
        )
        .returning(*_ROW)
    ).one()
    found = CaseException(*row)
    writing.audit(
        "exception.grant" if state == "granted" else "exception.ask",
        str(found.exception_id),
        after=to_document(found),
    )
    return found


def find_exception(connection: sa.Connection, exception_id: int) -> CaseException:
    """The exception; NotFound when there is none."""
    row = connection.execute(
        sa.select(*_ROW).where(exceptions.c.exception_id == exception_id)
    ).one_or_none()
    if row is None:
        raise NotFound(f"there is no exception {exception_id}", exception_id=exception_id)
    return CaseException(*row)


def decide_exception(
    writing: Writing, before: CaseException, state: ExceptionState
) -> CaseException:
    """Approve or refuse an exception on a case that this transaction has locked; audited."""
    row = writing.connection.execute(
        exceptions.update()
        .where(exceptions.c.exception_id == before.exception_id)
        .values(state=state, **writing.stamp)
        .returning(*_ROW)
    ).one()
    after = CaseException(*row)
    writing.audit(
        "exception.approve" if state == "approved" else "exception.refuse",
        str(after.exception_id),
        before=to_document(before),
        after=to_document(after),
    )
    return after


def list_exceptions(
    connection: sa.Connection,
    *,
    state: ExceptionState | None = None,
    case_id: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[CaseException]:
    """Exceptions, the newest first; `before` continues a list."""
    query = sa.select(*_ROW).order_by(exceptions.c.exception_id.desc()).limit(limit)
    if state is not None:
        query = query.where(exceptions.c.state == state)
    if case_id is not None:
        query = query.where(exceptions.c.case_id == case_id)
    if before is not None:
        query = query.where(exceptions.c.exception_id < before)
    return [CaseException(*row) for row in connection.execute(query)]
