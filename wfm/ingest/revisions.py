"""What happens to messages after they came: their authors edit and delete them.

On the live queue's path: no pandas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wfm.brands import Brand
from wfm.casequeue import timing
from wfm.cases import Case
from wfm.ingest.handling import handle_with, handling_of
from wfm.store import arrivals
from wfm.store.authors import note_deleted
from wfm.store.engine import Writing
from wfm.triage.classifier import Triaged

# Why a case is closed that nobody can answer any more.
ALL_DELETED = "every message of it was deleted by its author"


@dataclass(frozen=True, slots=True)
class Edit:
    """The new text of a message of a case."""

    contact_id: int
    case_id: int
    text: str
    triaged: Triaged
    received_at: datetime


def edit(writing: Writing, brand: Brand, edits: Sequence[Edit]) -> None:
    """Give messages their new text. A new word may ask for more care; no clock starts or stops."""
    if not edits:
        return
    arrivals.edit_contacts(writing, [(one.contact_id, one.text, one.received_at) for one in edits])
    of_case: dict[int, list[Triaged]] = {}
    for one in edits:
        of_case.setdefault(one.case_id, []).append(one.triaged)
    changes: dict[int, dict[str, Any]] = {}
    for case_id, case in arrivals.lock_cases(writing, of_case).items():
        asked = [triaged for triaged in of_case[case_id] if triaged.sort == "case"]
        if asked and case.state != "closed":
            change = handle_with(writing, brand, case, handling_of(brand, asked))
            if change:
                changes[case_id] = change
    arrivals.update_cases(writing, changes)
    arrivals.add_events(writing, [(one.case_id, "edited", None) for one in edits])


def delete(writing: Writing, brand: Brand, deletions: Mapping[int, tuple[int, datetime]]) -> None:
    """Mark messages as gone, by contact id: their case, and since when.

    A waiting case that shows no other message is closed: nobody waits for an answer to it.
    """
    if not deletions:
        return
    locked = arrivals.lock_cases(writing, (case_id for case_id, _ in deletions.values()))
    arrivals.delete_contacts(
        writing, [(contact_id, at) for contact_id, (_, at) in sorted(deletions.items())]
    )
    arrivals.add_events(writing, [(case_id, "deleted", None) for case_id, _ in deletions.values()])
    waiting = {case_id: case for case_id, case in locked.items() if case.state == "new"}
    left = arrivals.has_messages(writing.connection, waiting)
    _close(writing, brand, [case for case_id, case in waiting.items() if case_id not in left])


def delete_authors(writing: Writing, brand: Brand, leaving: Mapping[int, datetime]) -> None:
    """The accounts of these authors are gone, since when: and with them what they wrote."""
    note_deleted(writing, leaving.keys())
    for author_id, at in sorted(leaving.items()):
        wrote = arrivals.messages_by(writing.connection, author_id)
        delete(writing, brand, {contact_id: (case_id, at) for contact_id, case_id in wrote})


def _close(writing: Writing, brand: Brand, empty: Sequence[Case]) -> None:
    arrivals.update_cases(
        writing,
        {
            case.case_id: {
                "state": "closed",
                "closed_at": writing.at,
                "closed_reason": ALL_DELETED,
            }
            for case in empty
        },
    )
    for case in empty:
        timing.closed(writing, brand, case, writing.at)
    arrivals.add_events(writing, [(case.case_id, "closed", ALL_DELETED) for case in empty])
