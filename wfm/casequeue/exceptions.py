"""Exceptions: who may grant a customer something beyond the rules, and who must be asked.

Each role grants up to its limit a case (`care.exceptions`); what was given on the case before
counts, so that no limit is passed in small steps. More than that is asked for and waits for
somebody whose limit covers it. A manager who is given no limit has none: somebody must be able to
say yes.

On the live queue's path: no pandas.
"""

from __future__ import annotations

import math
from datetime import datetime

from wfm.brands import Brand
from wfm.casequeue.texts import check_text
from wfm.cases import Case
from wfm.errors import Conflict, IllegalMove, NotAllowed, RequestError
from wfm.store import cases, queueevents
from wfm.store import exceptions as rows
from wfm.store.engine import Store, Writing
from wfm.store.exceptions import CaseException, ExceptionState

AMOUNT_MAX = 1e6


def limit_of(brand: Brand, role: str) -> float:
    """The most that the role may grant on one case, in the brand's money."""
    named = dict(brand.care.exceptions.limits)
    return named.get(role, math.inf if role == "manager" else 0.0)


def ask_exception(
    store: Store,
    case_id: int,
    amount: float,
    reason: str,
    *,
    brand: Brand,
    role: str,
    actor: str,
    now: datetime | None = None,
) -> CaseException:
    """Grant a customer the amount if the role's limit covers it, else ask for it.

    RequestError for an amount that is none; Conflict on a case that was merged into another.
    """
    check_text("reason", reason)
    if not (math.isfinite(amount) and 0 < amount <= AMOUNT_MAX):
        raise RequestError(
            f"an exception is worth more than 0 and up to {AMOUNT_MAX:.0f}; this one {amount}"
        )
    with store.writing(actor) as plain:
        writing = plain.on(now)
        case = cases.lock_case(writing, case_id)
        if case.merged_into is not None:
            raise Conflict(
                f"case {case_id} was merged into case {case.merged_into}; ask for it there",
                case_id=case_id,
                merged_into=case.merged_into,
            )
        total = rows.given_on(writing.connection, case_id) + amount
        state: ExceptionState = "granted" if total <= limit_of(brand, role) else "asked"
        found = rows.insert_exception(writing, case_id, amount, reason, state)
        _note(writing, case, found)
        return found


def approve_exception(
    store: Store,
    exception_id: int,
    *,
    brand: Brand,
    role: str,
    actor: str,
    now: datetime | None = None,
) -> CaseException:
    """Say yes to what was asked for.

    NotAllowed when the role's limit does not cover it with what was given on the case before;
    IllegalMove when it was decided.
    """
    return _decide(store, exception_id, "approved", brand=brand, role=role, actor=actor, now=now)


def refuse_exception(
    store: Store,
    exception_id: int,
    *,
    brand: Brand,
    role: str,
    actor: str,
    now: datetime | None = None,
) -> CaseException:
    """Say no to what was asked for; whoever could have said yes. Errors as of the approval."""
    return _decide(store, exception_id, "refused", brand=brand, role=role, actor=actor, now=now)


def _decide(
    store: Store,
    exception_id: int,
    state: ExceptionState,
    *,
    brand: Brand,
    role: str,
    actor: str,
    now: datetime | None,
) -> CaseException:
    with store.writing(actor) as plain:
        writing = plain.on(now)
        case_id = rows.find_exception(writing.connection, exception_id).case_id
        case = cases.lock_case(writing, case_id)
        # Once more under the lock: what it says is so until the transaction ends.
        before = rows.find_exception(writing.connection, exception_id)
        if before.state != "asked":
            raise IllegalMove(
                f"exception {exception_id} is {before.state} already, by {before.actor}; ask anew",
                exception_id=exception_id,
                state=before.state,
            )
        total = rows.given_on(writing.connection, case.case_id) + before.amount
        limit = limit_of(brand, role)
        if total > limit:
            raise NotAllowed(
                f"{before.amount:g} on case {case.case_id} makes {total:g} with what was given "
                f"before; the limit of the role {role} is {limit:g}",
                role=role,
                limit=limit,
                total=total,
            )
        after = rows.decide_exception(writing, before, state)
        _note(writing, case, after)
        return after


def _note(writing: Writing, case: Case, found: CaseException) -> None:
    text = f"{found.amount:g} {found.state}: {found.reason}"
    cases.add_event(writing, [case.case_id], "exception", agent_ids=[case.agent_id], text=text)
    if found.state == "asked":
        queueevents.add(
            writing,
            "exception.asked",
            queue=case.queue,
            case_id=case.case_id,
            body={
                "exception_id": found.exception_id,
                "case_id": case.case_id,
                "amount": found.amount,
            },
        )
