"""A draft is solved again near what it is, or repaired after an absence; three zones are kept."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from draftdesk import MONDAY, ROSTERED, TUESDAY, WEDNESDAY, at, own_store, roster_of, shift

from api.planning import drafts, resolving
from api.planning.resolving import ResolveRequest
from api.worker import Work, resolve_draft
from scheduling.check import check_roster
from scheduling.editing.changes import Change, applied, day_of
from scheduling.editing.edits import Activity, Drop, Pin
from wfm.errors import Cancelled, IllegalMove, LostEdit, NotFound, RequestError
from wfm.people import TimeOff
from wfm.progress import silent
from wfm.settings import Settings
from wfm.store import jobs, requests
from wfm.store.engine import Store, open_store
from wfm.store.people import load_agents
from wfm.timegrid import FixedClock

# What the engine makes of the draft in most tests: everybody at another time, Monday recut.
FOUND = roster_of(
    ("a1", MONDAY, 8), ("a2", MONDAY, 13), ("a1", TUESDAY, 9), ("a3", TUESDAY, 13),
    ("a2", WEDNESDAY, 9), ("a4", WEDNESDAY, 12),
)  # fmt: skip


@pytest.fixture
def store(desk_home: Path, settings: Settings) -> Iterator[Store]:
    """A store of its own that holds the desk, with a draft of the plan in force."""
    for opened in own_store(desk_home, settings):
        drafts.open_draft(opened, "current", actor="ann")
        yield opened


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[SimpleNamespace]:
    """What the engine is asked for, which answers with `FOUND`, Monday's break moved."""
    calls: list[SimpleNamespace] = []
    first, pause, last = shift(MONDAY, 8)
    later = timedelta(minutes=15)
    recut = (
        replace(first, end=first.end + later),
        replace(pause, start=pause.start + later, end=pause.end + later),
        replace(last, start=last.start + later),
    )
    table = applied(FOUND, [Change("a1", MONDAY, (first, pause, last), recut)])

    def make_roster(*_given: object, **options: object) -> SimpleNamespace:
        calls.append(SimpleNamespace(**options))
        return SimpleNamespace(table=table, messages=("somebody is missing",))

    monkeypatch.setattr(resolving, "make_roster", make_roster)
    monkeypatch.setattr(resolving, "worthwhile", lambda _roster, moved, *_, **__: tuple(moved))
    return calls


def test_where_nothing_is_worth_changing_the_draft_stays_as_it_is(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    """The engine's answer is a roster that costs more: nobody had asked for the evenings."""
    late = roster_of(("a1", MONDAY, 18), ("a2", TUESDAY, 18))
    answer = SimpleNamespace(table=late, messages=())
    monkeypatch.setattr(resolving, "make_roster", lambda *_given, **_options: answer)
    with store.writing("ann") as writing:
        jobs.insert_job(writing, "job-1", "resolve", {})
    assert resolve_draft(work_on(store, [])) == {"draft_id": 1, "seq": None, "changed": 0}
    draft = drafts.load_draft(store, 1)
    assert (draft.revision, draft.edits) == (0, ())


def test_what_stands_is_given_to_the_engine_and_what_stays_is_not_recut(
    store: Store, asked: list[SimpleNamespace]
):
    drafts.edit(store, 1, Pin("a1", TUESDAY), actor="ann")
    meeting = Activity("a2", at(WEDNESDAY, 8), at(WEDNESDAY, 9), "meeting")
    drafts.edit(store, 1, meeting, actor="ann")
    before = drafts.load_draft(store, 1)
    done = resolving.resolve(
        store, ResolveRequest(1, seed=5, change_price=3.0, reason="after edits"), actor="ben"
    )
    (call,) = asked
    assert (call.seed, call.change_price) == (5, 3.0)
    pd.testing.assert_frame_equal(call.keep, before.roster)
    frozen = {(a, s.tz_convert("Europe/Berlin").date()) for a, s in
              zip(call.frozen["agent_id"], call.frozen["start"], strict=True)}  # fmt: skip
    assert frozen == {("a1", TUESDAY), ("a2", WEDNESDAY)}
    assert {(c.agent_id, c.day) for c in done.changes} == {
        ("a2", MONDAY), ("a3", TUESDAY), ("a4", WEDNESDAY),
    }  # fmt: skip
    assert done.messages == ("somebody is missing",)
    draft = drafts.load_draft(store, 1)
    assert draft.revision == done.revision == 3
    assert [(e.kind, e.reason, e.actor) for e in draft.edits][-1] == (
        "resolve", "after edits", "ben",
    )  # fmt: skip
    drafts.undo(store, 1, actor="ann")
    pd.testing.assert_frame_equal(drafts.load_draft(store, 1).roster, before.roster)


def test_what_was_worked_stands(store: Store, settings: Settings, asked: list[SimpleNamespace]):
    later = open_store(settings.store_url, clock=FixedClock(at(TUESDAY, 10)))
    done = resolving.resolve(later, ResolveRequest(1), actor="ann")
    assert {(c.agent_id, c.day) for c in done.changes} == {
        ("a3", TUESDAY), ("a2", WEDNESDAY), ("a4", WEDNESDAY),
    }  # fmt: skip
    assert asked[0].frozen["start"].max() < pd.Timestamp(at(TUESDAY, 12))
    later.close()


def work_on(store: Store, told: list[str]) -> Work:
    return Work(
        store=store,
        job_id="job-1",
        request=ResolveRequest(1, 0).to_document(),
        actor="ann",
        progress=silent,
        tell=lambda _level, _code, text: told.append(text),
    )


def test_a_solving_job_that_is_run_again_makes_one_edit(store: Store, asked: list[SimpleNamespace]):
    told: list[str] = []
    with store.writing("ann") as writing:
        jobs.insert_job(writing, "job-1", "resolve", {})
    first = resolve_draft(work_on(store, told))
    assert first == {"draft_id": 1, "seq": 1, "changed": 5}
    assert resolve_draft(work_on(store, told)) == first
    assert (len(asked), told) == (1, ["somebody is missing"])


def test_a_solving_job_that_was_cancelled_or_edited_under_leaves_the_draft(
    store: Store, asked: list[SimpleNamespace], monkeypatch: pytest.MonkeyPatch
):
    with store.writing("ann") as writing:
        jobs.insert_job(writing, "job-1", "resolve", {})
        jobs.cancel_job(writing, "job-1")
    with pytest.raises(Cancelled, match="the draft is as it was"):
        resolve_draft(work_on(store, []))
    make_roster = resolving.make_roster

    def edited_meanwhile(*given: object, **options: object) -> object:
        drafts.edit(store, 1, Drop("a1", MONDAY), actor="ben")
        return make_roster(*given, **options)

    monkeypatch.setattr(resolving, "make_roster", edited_meanwhile)
    with pytest.raises(LostEdit):
        resolving.resolve(store, ResolveRequest(1), actor="ann")
    assert [e.kind for e in drafts.load_draft(store, 1).edits] == ["drop"]
    drafts.discard(store, 1, actor="ann")
    with pytest.raises(IllegalMove):
        resolving.resolve(store, ResolveRequest(1), actor="ann")


# -- repair --------------------------------------------------------------------------------------


def test_an_absence_becomes_time_off_and_its_shifts_are_covered_in_one_edit(store: Store):
    done = resolving.repair(store, 1, "a1", MONDAY, TUESDAY, actor="ben", reason="the flu")
    draft = drafts.load_draft(store, 1)
    assert [(e.kind, e.reason) for e in draft.edits] == [("repair", "the flu")]
    assert draft.revision == done.revision == 1
    zone = draft.ground.brand.tz
    assert day_of(draft.roster, "a1", MONDAY, zone) == day_of(draft.roster, "a1", TUESDAY, zone)
    assert {c.day for c in done.changes if c.after} == {MONDAY, TUESDAY}
    assert done.judgement.short_hours_after <= done.judgement.short_hours_before
    with store.reading() as connection:
        agents = load_agents(connection)
        (kept,) = requests.listing(connection, "time_off")
    assert [(off.first, off.last) for off in agents[0].time_off] == [(MONDAY, TUESDAY)]
    assert (kept.state, kept.agent_id, kept.draft_id) == ("granted", "a1", 1)
    ground = draft.ground
    assert (
        check_roster(draft.roster, ground.brand, agents, start=ground.start, end=ground.end) == ()
    )
    drafts.undo(store, 1, actor="ann")
    pd.testing.assert_frame_equal(drafts.load_draft(store, 1).roster, ROSTERED)


def test_days_of_shifts_that_have_begun_are_left_out_of_a_repair(store: Store, settings: Settings):
    later = open_store(settings.store_url, clock=FixedClock(at(TUESDAY, 10)))
    with pytest.raises(RequestError, match="on 2026-03-10 has begun already"):
        resolving.repair(later, 1, "a1", MONDAY, TUESDAY, actor="ben")
    assert resolving.repair(later, 1, "a1", MONDAY, WEDNESDAY, actor="ben").changes == ()
    with later.reading() as connection:
        assert load_agents(connection)[0].time_off == (TimeOff(WEDNESDAY, WEDNESDAY),)
    later.close()


def test_an_absence_that_cannot_be_changes_nothing(store: Store):
    with pytest.raises(NotFound, match="no agent 'zz'"):
        resolving.repair(store, 1, "zz", MONDAY, MONDAY, actor="ann")
    with pytest.raises(RequestError, match="before it starts"):
        resolving.repair(store, 1, "a1", TUESDAY, MONDAY, actor="ann")
    with pytest.raises(LostEdit):
        resolving.repair(store, 1, "a1", MONDAY, MONDAY, actor="ann", revision=7)
    with store.reading() as connection:
        assert requests.listing(connection, "time_off") == []
    assert drafts.load_draft(store, 1).revision == 0
