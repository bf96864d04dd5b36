"""Two cases of one matter become one.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from datetime import datetime

from wfm.brands import Brand
from wfm.casequeue import timing
from wfm.casequeue.holding import let_go
from wfm.cases import Case
from wfm.errors import IllegalMove, RequestError
from wfm.store import casemoves, cases
from wfm.store.engine import Store


def merge(
    store: Store,
    case_id: int,
    *,
    into: int,
    brand: Brand,
    actor: str,
    now: datetime | None = None,
) -> Case:
    """Close a case and go on with it in another one, which is given.

    The messages of both are shown there, and it has the earlier deadline and the older message of
    the two. It waits again if the other case waited. While it is open, what the other case's author
    writes joins it.

    IllegalMove for a case that is held, paused or closed, or into one that is closed; RequestError
    for a case and itself.
    """
    if case_id == into:
        raise RequestError(f"case {case_id} cannot be merged into itself", case_id=case_id)
    with store.writing(actor) as plain:
        writing = plain.on(now)
        found = casemoves.lock_cases(writing, (case_id, into))
        case, kept = found[case_id], found[into]
        if case.state == "assigned" and case.lease_until and case.lease_until <= writing.at:
            case = let_go(writing, case, kind="expired", ended_by="expired")
        _check_merge(case, kept)
        clock = timing.merged(writing, brand, kept, case, writing.at)
        cases.update_case(
            writing,
            case_id,
            {
                "state": "closed",
                "closed_at": writing.at,
                "closed_reason": f"merged into case {into}",
                "merged_into": into,
            },
        )
        casemoves.hand_on_merged(writing, case_id, into)
        casemoves.add_events(
            writing,
            "merged",
            [(case_id, f"into case {into}"), (into, f"case {case_id} was merged into this one")],
        )
        cases.add_event(writing, [case_id], "closed", text=f"merged into case {into}")
        waits = case.state == "new" and kept.state in ("answered", "paused")
        return cases.update_case(
            writing,
            into,
            {
                "contacts": kept.contacts + case.contacts,
                "severity": max(kept.severity, case.severity),
                "needs_level": max(kept.needs_level, case.needs_level),
                "flags": sorted({*kept.flags, *case.flags}),
                **({"state": "new", **timing.WAITS_AFRESH} if waits else {}),
                # What either was told by itself counts for the promise that goes on.
                "first_any_at": kept.first_any_at or (clock and clock.any_at),
                **({} if clock is None else timing.mirrored(clock)),
            },
        )


def _check_merge(case: Case, kept: Case) -> None:
    remedies = {
        "assigned": f"is held by {case.agent_id}; it must be released first",
        "paused": "is paused; resume it first",
        "closed": "is closed"
        if case.merged_into is None
        else f"was merged into case {case.merged_into} already",
    }
    if case.state in remedies:
        raise IllegalMove(
            f"case {case.case_id} {remedies[case.state]}, so it cannot be merged",
            case_id=case.case_id,
            state=case.state,
        )
    if kept.state == "closed":
        there = "" if kept.merged_into is None else f"; case {kept.merged_into} goes on for it"
        raise IllegalMove(
            f"case {kept.case_id} is closed, so nothing can be merged into it{there}",
            case_id=kept.case_id,
            state=kept.state,
        )
