"""Trades and time off are judged by the rules and by what they leave uncovered."""

import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from editdesk import AGENTS, day, make_ground, make_table

from scheduling.check import check_roster
from scheduling.editing.changes import applied
from scheduling.editing.edits import Assign, Pin, Swap
from scheduling.editing.making import changes_of
from scheduling.editing.timeoff import absence
from scheduling.editing.trades import trade
from wfm.brands import Presence
from wfm.calendars import ServiceWindow
from wfm.errors import NotFound, RequestError
from wfm.people import TimeOff

GROUND = make_ground(needs={"x": 0, "email": 0})
ROSTER = make_table(GROUND)


def test_a_trade_that_keeps_rules_and_coverage_is_allowed():
    found = trade(ROSTER, Swap("ann", day(0), "bob", day(0)), GROUND)

    assert found.allowed
    assert found.verdict == "every rule is kept, and coverage is no worse"
    assert {c.agent_id for c in found.changes} == {"ann", "bob"}


def test_a_trade_that_breaks_a_rule_says_whose_and_which():
    found = trade(ROSTER, Swap("ann", day(1), "dan", day(5)), GROUND)

    assert not found.allowed
    assert "ann on 2026-03-07: law does not allow short" in found.verdict
    assert "dan on 2026-03-03: small does not allow long" in found.verdict


def test_a_trade_that_uncovers_hours_says_how_many():
    need = np.zeros(96 * 7)
    need[96 + 32 : 96 + 56] = 1
    ground = make_ground(needs={"x": 0, "email": need})

    found = trade(ROSTER, Swap("cem", day(1), "ann", day(1)), ground)

    assert not found.allowed
    assert "agent-hours more would be uncovered" in found.verdict


def test_a_trade_that_leaves_no_lead_is_not_allowed():
    lead = (replace(AGENTS[0], roles=("lead",)), *AGENTS[1:])
    ground = make_ground(
        needs={"x": 0, "email": 0},
        agents=lead,
        presence=(Presence("a lead", 1, ServiceWindow.always(), "lead"),),
    )

    found = trade(ROSTER, Swap("ann", day(0), "cem", day(0)), ground)

    assert found.verdict == "a lead would lack somebody"
    assert not found.allowed
    off = absence(ROSTER, "ann", day(0), day(0), ground)
    assert off.verdict == "a lead would lack somebody"
    assert not off.fits


def test_a_trade_that_cannot_be_is_refused():
    with pytest.raises(RequestError, match="bob has no shift"):
        trade(ROSTER, Swap("ann", day(0), "bob", day(3)), GROUND)


def test_time_off_takes_every_shift_that_lies_in_it():
    found = absence(ROSTER, "bob", day(0), day(2), GROUND)

    assert [c.day for c in found.changes] == [day(0), day(2)]
    assert found.lost_hours == pytest.approx(11.0)
    assert [(d.day, d.shift) for d in found.days] == [
        (day(0), "mid 14:00-20:00"),
        (day(1), "off"),
        (day(2), "mid 14:00-20:00"),
    ]
    assert found.fits
    assert found.verdict == "it fits: every rule is kept, and nothing more is uncovered"
    off = tuple(
        replace(a, time_off=(TimeOff(day(0), day(2)),)) if a.agent_id == "bob" else a
        for a in AGENTS
    )
    after = applied(ROSTER, found.changes)
    assert check_roster(after, GROUND.brand, off, start=GROUND.start, end=GROUND.end) == ()


def test_a_night_that_runs_into_the_time_off_falls_away_too():
    found = absence(ROSTER, "bob", day(5), day(5), GROUND)

    assert [d.day for d in found.days] == [day(4), day(5)]
    assert found.days[0].shift == "long 22:00-06:00"


def test_the_days_that_do_not_fit_are_named_with_their_hours():
    ground = make_ground(needs={"x": 1, "email": 0})

    found = absence(ROSTER, "ann", day(0), day(1), ground)

    assert not found.fits
    assert [d.fits for d in found.days] == [False, False]
    first = found.days[0]
    # Bob and Dan cover part of Monday's shift.
    assert first.short_after - first.short_before == pytest.approx(6.25, abs=1.0)
    assert "Mon 02 Mar: " in found.verdict
    assert "agent-hours more would be uncovered" in found.verdict


def test_time_off_over_a_pinned_shift_does_not_fit():
    pinned = applied(ROSTER, changes_of(ROSTER, Pin("ann", day(0)), GROUND))

    found = absence(pinned, "ann", day(0), day(0), GROUND)

    assert not found.fits
    assert found.verdict == "Mon 02 Mar: long 08:00-16:00 is pinned"


def test_time_off_that_leaves_a_run_too_short_is_told():
    ground = make_ground(
        needs={"x": 0, "email": 0},
        contracts=(
            replace(GROUND.brand.contracts[0], min_consecutive_shifts=2),
            GROUND.brand.contracts[1],
        ),
    )

    found = absence(ROSTER, "ann", day(1), day(1), ground)

    assert {v.rule for v in found.judgement.broken} == {"consecutive_shifts"}
    assert "consecutive" in found.verdict or "in a row" in found.verdict


def test_time_off_outside_the_roster_takes_nothing():
    found = absence(ROSTER, "ann", day(40), day(45), GROUND)

    assert (found.changes, found.days, found.fits) == ((), (), True)


def test_time_off_for_ever_takes_what_the_roster_holds():
    found = absence(ROSTER, "ann", date.min, date.max, GROUND)

    assert [c.day for c in found.changes] == [day(0), day(1), day(2)]
    assert len(found.days) == 7


def test_time_off_that_cannot_be_is_refused():
    with pytest.raises(RequestError, match="ends on 2026-03-02, before it starts on 2026-03-03"):
        absence(ROSTER, "ann", day(1), day(0), GROUND)
    with pytest.raises(NotFound, match="no agent 'eve'"):
        absence(ROSTER, "eve", day(0), day(0), GROUND)


def test_a_granted_absence_can_be_covered_by_an_edit():
    found = absence(ROSTER, "ann", day(1), day(1), GROUND)
    after = applied(ROSTER, found.changes)

    changes = changes_of(after, Assign("bob", day(1), "long", 480), GROUND)

    assert changes[0].after[0].template == "long"
