from __future__ import annotations

from datetime import date, timedelta

import pandas as pd

from api.console import shiftgrid, spans
from wfm.frames import ROSTER
from wfm.people import DEFAULT_ACTIVITIES

FIRST = date(2026, 3, 2)


def days_of(plan, brand):
    return spans.plan_days(plan.start, plan.end, brand.tz)


def test_segments_without_a_gap_are_one_shift(plan):
    shifts = shiftgrid.shifts_of(plan.tables.roster)

    assert len(shifts) == len(plan.tables.roster) / 5
    assert all(len(s.segments) == 5 for s in shifts)


def test_the_shifts_hold_every_rostered_minute(plan):
    roster = plan.tables.roster
    minutes = sum(s.minutes for shift in shiftgrid.shifts_of(roster) for s in shift.segments)

    assert minutes == (roster["end"] - roster["start"]).dt.total_seconds().sum() / 60


def test_an_empty_roster_has_no_shifts():
    assert shiftgrid.shifts_of(ROSTER.empty()) == []


def test_the_grid_has_a_row_an_agent_and_a_cell_a_shift(plan, brand, agents):
    days = days_of(plan, brand)
    rows = shiftgrid.grid_rows(
        plan.tables.roster, agents, DEFAULT_ACTIVITIES, days=days, zone=brand.tz
    )

    cells = sum(row.get(day.isoformat(), "off") != "off" for row in rows for day in days)
    assert [row["agent_id"] for row in rows] == [a.agent_id for a in agents]
    assert cells == len(shiftgrid.shifts_of(plan.tables.roster))


def test_a_cell_reads_as_local_times_with_the_kind_of_shift(plan, brand, agents):
    rows = shiftgrid.grid_rows(
        plan.tables.roster, agents, DEFAULT_ACTIVITIES, days=days_of(plan, brand), zone=brand.tz
    )

    assert [(r["2026-03-02"], r["2026-03-02_kind"]) for r in rows[:4]] == [
        ("06:00-14:30", "early"),
        ("09:00-17:30", "day"),
        ("14:00-22:30", "late"),
        ("22:00-06:30", "night"),
    ]


def test_paid_hours_leave_out_meals(plan, brand, agents):
    rows = shiftgrid.grid_rows(
        plan.tables.roster, agents, DEFAULT_ACTIVITIES, days=days_of(plan, brand), zone=brand.tz
    )

    assert rows[0]["hours"] == 10 * 8.0


def test_granted_time_off_stands_where_no_shift_does(plan, brand, agents):
    rows = shiftgrid.grid_rows(
        plan.tables.roster, agents, DEFAULT_ACTIVITIES, days=days_of(plan, brand), zone=brand.tz
    )

    assert (rows[5]["2026-03-04"], rows[5]["2026-03-04_kind"]) == ("off", "away")


def test_an_agent_who_left_keeps_the_row(plan, brand, agents):
    rows = shiftgrid.grid_rows(
        plan.tables.roster, agents[1:], DEFAULT_ACTIVITIES, days=days_of(plan, brand), zone=brand.tz
    )

    assert {"agent_id": "a000", "agent": "a000"}.items() <= rows[-1].items()


def words_for(plan, brand, agent, day, roster=None):
    return shiftgrid.day_in_words(
        shiftgrid.shifts_of(plan.tables.roster if roster is None else roster),
        brand.activities,
        agent=agent,
        agent_id=agent.agent_id,
        day=day,
        zone=brand.tz,
    )


def test_a_day_is_told_with_its_breaks(plan, brand, agents):
    told = words_for(plan, brand, agents[0], FIRST)

    assert told.title == "Agent 000, Monday 2 March 2026"
    assert told.summary == "Shift 06:00-14:30; 8 h paid. Template full."
    assert told.lines == (
        "06:00–08:00  on queue, 2 h",
        "08:00–08:15  break, 15 min",
        "08:15–10:00  on queue, 1 h 45 min",
        "10:00–10:30  meal, 30 min",
        "10:30–14:30  on queue, 4 h",
    )


def test_a_night_shift_says_that_it_ends_the_next_day(plan, brand, agents):
    assert "ends the next day" in words_for(plan, brand, agents[3], FIRST).summary


def test_days_without_a_shift_say_why(plan, brand, agents):
    assert words_for(plan, brand, agents[0], FIRST + timedelta(days=5)).summary == (
        "Free day: no shift starts on this day."
    )
    assert words_for(plan, brand, agents[5], date(2026, 3, 4)).summary == "Granted time off."


def test_a_pinned_shift_says_so(plan, brand, agents):
    pinned = pd.DataFrame(plan.tables.roster.assign(pinned=True))

    assert (
        "re-solving leaves it as it is" in words_for(plan, brand, agents[0], FIRST, pinned).summary
    )


def test_the_grid_says_of_every_shift_what_the_shift_says_itself(plan, brand, agents):
    roster = plan.tables.roster.copy()
    first = roster["agent_id"] == "a000"
    roster.loc[first, "pinned"] = True
    roster.loc[roster["agent_id"] == "a001", "activity"] = "standby"
    roster.loc[roster["agent_id"] == "a002", "activity"] = "time_off"
    days = days_of(plan, brand)

    rows = shiftgrid.grid_rows(roster, agents, DEFAULT_ACTIVITIES, days=days, zone=brand.tz)

    told = {row["agent_id"]: row for row in rows}
    for shift in shiftgrid.shifts_of(roster):
        row, day = told[shift.agent_id], shift.start.astimezone(brand.tz).date().isoformat()
        assert row[day] == shiftgrid.label_of(shift, brand.tz)
        assert row[f"{day}_kind"] == shiftgrid.kind_of(shift, brand.tz)
        assert row.get(f"{day}_pinned", False) == shift.pinned


def test_an_empty_roster_leaves_the_grid_empty(plan, brand, agents):
    rows = shiftgrid.grid_rows(
        ROSTER.empty(), agents, DEFAULT_ACTIVITIES, days=days_of(plan, brand), zone=brand.tz
    )

    assert {row["hours"] for row in rows} == {0.0}


def test_a_shift_of_the_night_belongs_to_both_days_it_touches(plan, brand):
    roster = plan.tables.roster
    nights = [s for s in shiftgrid.shifts_of(roster) if shiftgrid.kind_of(s, brand.tz) == "night"]
    night = nights[0]
    day = night.start.astimezone(brand.tz).date()

    here = shiftgrid.shifts_on(roster, day, brand.tz)
    after = shiftgrid.shifts_on(roster, day + timedelta(days=1), brand.tz)

    assert night in here
    assert night in after
    assert shiftgrid.shift_on(here, night.agent_id, day, brand.tz) == night
    assert shiftgrid.shift_on([night], night.agent_id, day + timedelta(days=1), brand.tz) is None
