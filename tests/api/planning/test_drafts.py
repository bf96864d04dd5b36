"""Drafts: a plan's roster edited, undone, compared; published whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from draftdesk import (
    BRAND,
    MONDAY,
    ROSTERED,
    TUESDAY,
    WEDNESDAY,
    at,
    keep_plan,
    own_store,
    roster_of,
    shift,
)

from api.planning import drafts
from api.planning.rostered import as_worked
from scheduling.editing.changes import Change
from scheduling.editing.edits import Assign, Drop, Give, Move, Pin
from wfm.errors import IllegalMove, LostEdit, NotFound, RequestError
from wfm.frames import ROSTER
from wfm.settings import Settings
from wfm.store.engine import Store, open_store
from wfm.store.tables import audit
from wfm.timegrid import FixedClock


@pytest.fixture
def desk(desk_home: Path, settings: Settings) -> Iterator[Store]:
    """A store of its own that holds the desk."""
    yield from own_store(desk_home, settings)


@pytest.fixture
def draft_id(desk: Store) -> int:
    return drafts.open_draft(desk, "current", actor="ann", name="Wednesday")


def own_shift(draft: drafts.Draft, agent_id: str, day: object) -> list[object]:
    rows = draft.roster[draft.roster["agent_id"] == agent_id]
    return [s for s in rows["start"] if s.tz_convert(BRAND.tz).date() == day]


def test_a_draft_begins_as_its_plans_roster(desk: Store, draft_id: int):
    draft = drafts.load_draft(desk, draft_id)
    pd.testing.assert_frame_equal(draft.roster, ROSTERED)
    assert (draft.state, draft.revision, draft.name) == ("open", 0, "Wednesday")
    assert (draft.edits, draft.can_redo) == ((), False)


def test_an_edit_changes_the_draft_and_not_its_plan(desk: Store, draft_id: int):
    wanted = Assign("a4", WEDNESDAY, "day4", 12 * 60)
    seen = drafts.preview(desk, draft_id, wanted)
    assert drafts.load_draft(desk, draft_id).revision == 0

    edited = drafts.edit(desk, draft_id, wanted, actor="ben", revision=0, reason="a gap")
    assert edited.changes == seen.changes
    assert edited.revision == 1
    assert edited.judgement.broken == ()
    assert edited.judgement.short_hours_after < edited.judgement.short_hours_before
    draft = drafts.load_draft(desk, draft_id)
    assert len(own_shift(draft, "a4", WEDNESDAY)) == 3
    assert own_shift(drafts.load_draft(desk, draft_id), "a4", MONDAY) == []
    pd.testing.assert_frame_equal(draft.base.roster(), ROSTERED)
    (line,) = draft.edits
    assert (line.kind, line.reason, line.actor) == ("assign", "a gap", "ben")
    assert line.document["edit"] == {
        "kind": "assign", "agent_id": "a4", "day": "2026-03-11", "template": "day4",
        "start_min": 720,
    }  # fmt: skip
    assert drafts.changes_in(line) == edited.changes


def test_undo_and_redo_go_back_and_forth_and_an_edit_cuts_the_way_forth(desk: Store, draft_id: int):
    tables = [drafts.load_draft(desk, draft_id).roster]
    for day in (MONDAY, TUESDAY):
        drafts.edit(desk, draft_id, Drop("a1", day), actor="ann")
        tables.append(drafts.load_draft(desk, draft_id).roster)
    for expected in (tables[1], tables[0]):
        drafts.undo(desk, draft_id, actor="ann")
        pd.testing.assert_frame_equal(drafts.load_draft(desk, draft_id).roster, expected)
    with pytest.raises(IllegalMove, match="no edit to undo"):
        drafts.undo(desk, draft_id, actor="ann")
    for expected in tables[1:]:
        drafts.redo(desk, draft_id, actor="ann")
        pd.testing.assert_frame_equal(drafts.load_draft(desk, draft_id).roster, expected)
    with pytest.raises(IllegalMove, match="nothing to redo"):
        drafts.redo(desk, draft_id, actor="ann")

    drafts.undo(desk, draft_id, actor="ann")
    other = drafts.edit(desk, draft_id, Drop("a3", TUESDAY), actor="ann")
    drafts.undo(desk, draft_id, actor="ann")
    again = drafts.redo(desk, draft_id, actor="ann")
    assert again.changes == other.changes
    assert again.judgement.paid_hours_after == 0.0
    assert [(e.kind, e.undone, e.passed_over) for e in drafts.load_draft(desk, draft_id).edits] == [
        ("drop", False, False), ("drop", True, True), ("drop", False, False),
    ]  # fmt: skip


def test_of_two_who_edit_the_same_revision_one_is_told(desk: Store, draft_id: int):
    drafts.edit(desk, draft_id, Drop("a1", MONDAY), actor="ann", revision=0)
    with pytest.raises(LostEdit, match=r"at revision 1 by ann, not at 0") as told:
        drafts.edit(desk, draft_id, Drop("a1", TUESDAY), actor="ben", revision=0)
    assert told.value.details["revision"] == 1
    with pytest.raises(LostEdit):
        drafts.undo(desk, draft_id, actor="ben", revision=0)
    assert drafts.load_draft(desk, draft_id).revision == 1


def test_what_cannot_be_done_changes_nothing(desk: Store, draft_id: int):
    drafts.edit(desk, draft_id, Pin("a1", MONDAY), actor="ann")
    for wanted in (Drop("a1", MONDAY), Drop("a4", MONDAY), Move("a1", TUESDAY, 61)):
        with pytest.raises(RequestError):
            drafts.edit(desk, draft_id, wanted, actor="ann")
    with pytest.raises(RequestError, match="reason is longer"):
        drafts.edit(desk, draft_id, Drop("a1", TUESDAY), actor="ann", reason="x" * 2001)
    assert drafts.load_draft(desk, draft_id).revision == 1
    with pytest.raises(NotFound, match="no draft 99"):
        drafts.load_draft(desk, 99)


def test_a_broken_rule_is_told_and_kept(desk: Store, draft_id: int):
    # From 12 to 16 after the day before ... and at night: less than eleven hours of rest.
    edited = drafts.edit(desk, draft_id, Assign("a2", TUESDAY, "day4", 0), actor="ann")
    assert [v.rule for v in edited.judgement.broken] == ["rest"]
    assert [v.rule for v in drafts.broken_rules(drafts.load_draft(desk, draft_id))] == ["rest"]
    undone = drafts.undo(desk, draft_id, actor="ann")
    assert [v.rule for v in undone.judgement.mended] == ["rest"]


def test_a_discarded_draft_takes_no_edit(desk: Store, draft_id: int):
    drafts.discard(desk, draft_id, actor="ann", revision=0)
    with pytest.raises(IllegalMove, match="is discarded"):
        drafts.edit(desk, draft_id, Drop("a1", MONDAY), actor="ann")
    assert [row.draft_id for row in drafts.list_drafts(desk, "discarded")] == [draft_id]
    assert drafts.list_drafts(desk, "open") == ()


def test_every_change_is_audited_with_who_before_and_after(desk: Store, draft_id: int):
    drafts.edit(desk, draft_id, Drop("a1", MONDAY), actor="ben", reason="ill")
    drafts.undo(desk, draft_id, actor="cat")
    with desk.reading() as connection:
        rows = connection.execute(
            audit.select().where(audit.c.action.like("draft.%")).order_by(audit.c.id)
        ).all()
    assert [(r.action, r.actor, r.subject) for r in rows] == [
        ("draft.open", "ann", "1"), ("draft.edit", "ben", "1"), ("draft.undo", "cat", "1"),
    ]  # fmt: skip
    assert rows[1].before == {"revision": 0}
    assert rows[1].after["edit"]["kind"] == "drop"
    assert rows[1].after["reason"] == "ill"
    assert rows[2].after == {"revision": 2, "seq": 1}


def test_rosters_are_compared_by_their_names(desk: Store, draft_id: int):
    drafts.edit(desk, draft_id, Give("a1", MONDAY, "a4"), actor="ann")
    changes = drafts.difference(desk, "current", f"draft-{draft_id}")
    assert {(c.agent_id, c.day) for c in changes} == {("a1", MONDAY), ("a4", MONDAY)}
    back = drafts.difference(desk, f"draft-{draft_id}", 1)
    assert [(c.before, c.after) for c in back] == [(c.after, c.before) for c in changes]
    assert drafts.difference(desk, "latest", 1) == ()
    for wrong, error in (
        ("draft-9", NotFound),
        ("draft-latest", RequestError),
        ("x", RequestError),
    ):
        with pytest.raises(error):
            drafts.rostered(desk, wrong)


def test_rosters_without_a_day_in_common_are_not_compared(desk: Store):
    one = 1
    other = keep_plan(desk, ROSTER.empty(), first=MONDAY + timedelta(days=7))
    with pytest.raises(RequestError, match="no day in common"):
        drafts.difference(desk, one, other)


def test_an_import_of_agents_is_seen_by_the_next_edit(desk: Store, draft_id: int):
    before = drafts.load_draft(desk, draft_id).ground
    assert drafts.load_draft(desk, draft_id).ground is before
    with desk.writing("ann") as writing:
        from wfm.store.people import load_agents, save_agents

        agents = load_agents(writing.connection)
        save_agents(writing, [type(agents[0])(**{**vars(agents[0]), "name": "Anna"})])
    after = drafts.load_draft(desk, draft_id).ground
    assert after.by_id["a1"].name == "Anna"


# -- the three zones -----------------------------------------------------------------------------


@pytest.fixture
def midweek(desk: Store, settings: Settings) -> Iterator[Store]:
    """The same store on Tuesday at 10:00, with a draft of the plan in force."""
    later = open_store(settings.store_url, clock=FixedClock(at(TUESDAY, 10)))
    drafts.open_draft(later, "current", actor="ann")
    yield later
    later.close()


def test_what_was_worked_is_frozen_and_what_comes_is_free(midweek: Store):
    for past in (Drop("a1", MONDAY), Drop("a1", TUESDAY), Assign("a4", TUESDAY, "day4", 8 * 60)):
        with pytest.raises(RequestError, match="is past"):
            drafts.edit(midweek, 1, past, actor="ann")
    drafts.edit(midweek, 1, Drop("a3", TUESDAY), actor="ann")
    drafts.edit(midweek, 1, Drop("a2", WEDNESDAY), actor="ann")


def test_a_plan_that_was_never_in_force_has_no_past(desk: Store, settings: Settings):
    friday = MONDAY - timedelta(days=3)
    keep_plan(desk, roster_of(("a1", friday, 8)), first=friday, publish=False)
    later = open_store(settings.store_url, clock=FixedClock(at(WEDNESDAY, 10)))
    draft_id = drafts.open_draft(later, "latest", actor="ann")
    assert drafts.edit(later, draft_id, Drop("a1", friday), actor="ann").revision == 1
    later.close()


def test_a_roster_gets_its_past_from_what_was_in_force(midweek: Store):
    draft = drafts.load_draft(midweek, 1)
    ground = draft.ground
    changes = [
        Change("a1", MONDAY, shift(MONDAY, 8), ()),
        Change("a4", MONDAY, (), shift(MONDAY, 9)),
        # Began and goes on: shortened after now.
        Change("a1", TUESDAY, shift(TUESDAY, 8), shift(TUESDAY, 8)[:2]),
        Change("a2", WEDNESDAY, shift(WEDNESDAY, 8), shift(WEDNESDAY, 10)),
    ]
    from scheduling.editing.changes import applied

    edited = applied(draft.roster, changes)
    table, mended = as_worked(draft.base, edited, ground)
    assert {(c.agent_id, c.day) for c in mended} == {("a1", MONDAY), ("a4", MONDAY)}
    pd.testing.assert_frame_equal(table, applied(draft.roster, changes[2:]))
