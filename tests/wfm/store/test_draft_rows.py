"""Drafts and requests as rows: back and forth, and one of two who write at once; both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from wfm.errors import IllegalMove, LostEdit, NotFound
from wfm.frames import FORECAST, ON_SHIFT, REQUIREMENT, ROSTER, STAFFING
from wfm.store import drafts, plans, requests
from wfm.store.engine import Store
from wfm.store.forecasts import Version

MONDAY = datetime(2026, 3, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def keep_plan(store: Store, start: datetime = MONDAY, *, publish: bool = True) -> int:
    with store.writing("ann") as writing:
        plan_id = plans.insert_draft(
            writing,
            start=start,
            end=start + 7 * DAY,
            seed=1,
            lineage={},
            summary={},
            certificate={"goals": []},
            forecast=Version(FORECAST.empty()),
            frames={
                "requirement": REQUIREMENT.empty(),
                "roster": ROSTER.empty(),
                "staffing": STAFFING.empty(),
                "on_shift": ON_SHIFT.empty(),
            },
        )
        if publish:
            plans.publish(writing, plan_id)
    return plan_id


def add(store: Store, draft_id: int, kind: str, *, revision: int, job_id: str | None = None) -> int:
    with store.writing("ann") as writing:
        return drafts.add_edit(
            writing,
            draft_id,
            kind=kind,
            document={"edit": None, "changes": []},
            reason="",
            revision=revision,
            job_id=job_id,
        )


def test_edits_are_undone_and_redone_in_their_order_on_every_database(store: Store):
    keep_plan(store)
    with store.writing("ann") as writing:
        draft_id = drafts.insert(writing, 1, name="one")
    assert add(store, draft_id, "drop", revision=0) == 1
    assert add(store, draft_id, "resolve", revision=1, job_id="job-1") == 2
    with pytest.raises(LostEdit):
        add(store, draft_id, "move", revision=1)
    with store.writing("ben") as writing:
        assert drafts.undo(writing, draft_id, revision=2) == 3
        assert drafts.undo(writing, draft_id, revision=3) == 4
        assert drafts.redo(writing, draft_id, revision=4) == 5
    assert add(store, draft_id, "move", revision=5) == 6
    with store.reading() as connection:
        held = drafts.edits(connection, draft_id)
        assert drafts.edit_of_job(connection, "job-1") == 2
        assert drafts.edit_of_job(connection, "job-2") is None
        row = drafts.find(connection, draft_id)
    assert [(e.kind, e.undone, e.passed_over) for e in held] == [
        ("drop", False, False), ("resolve", True, True), ("move", False, False),
    ]  # fmt: skip
    assert (row.revision, row.over_version, row.actor) == (6, 1, "ann")
    with store.writing("ben") as writing, pytest.raises(IllegalMove, match="nothing to redo"):
        drafts.redo(writing, draft_id, revision=6)
    with store.writing("ben") as writing:
        drafts.note_published(writing, draft_id, 1, revision=6)
    with pytest.raises(IllegalMove, match="is published"):
        add(store, draft_id, "drop", revision=7)


def test_a_newer_version_is_found_only_where_it_has_the_same_days(store: Store):
    keep_plan(store)
    week = {"start": MONDAY, "end": MONDAY + 7 * DAY}
    with store.reading() as connection:
        assert plans.newest_version(connection) == 1
        assert plans.published_since(connection, 1, **week) is None
        assert plans.was_in_force(connection, start=MONDAY, end=MONDAY + DAY)
        assert not plans.was_in_force(connection, start=MONDAY - DAY, end=MONDAY)
    keep_plan(store, MONDAY + 7 * DAY)
    keep_plan(store, publish=False)
    with store.reading() as connection:
        assert plans.published_since(connection, 1, **week) is None
    third = keep_plan(store, MONDAY + 6 * DAY)
    with store.reading() as connection:
        newer = plans.published_since(connection, 1, **week)
    assert newer is not None
    assert (newer.plan_id, newer.version) == (third, 3)


def test_a_request_is_answered_once(store: Store):
    days = {"first": date(2026, 3, 9), "last": date(2026, 3, 10)}
    with store.writing("ann") as writing:
        request_id = requests.insert(writing, "trade", "a1", other="a2", reason="school", **days)
        requests.decide(writing, "trade", request_id, "declined", answer="no")
    with store.reading() as connection:
        held = requests.find(connection, "trade", request_id)
        assert requests.listing(connection, "trade", state="asked") == []
        assert requests.listing(connection, "trade", agent_id="a1") == [held]
        with pytest.raises(NotFound):
            requests.find(connection, "time_off", request_id)
    assert (held.state, held.answer, held.other, held.first) == ("declined", "no", "a2",
                                                                 days["first"])  # fmt: skip
    with store.writing("ben") as writing, pytest.raises(IllegalMove, match="declined by ann"):
        requests.decide(writing, "trade", request_id, "granted")
