"""Dated shifts: wall-clock starts, elapsed lengths, and who may take them."""

import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from rosters import DAY8, MONDAY, horizon, make_agent, make_brand

from scheduling.rostering.shifts import break_windows, expand_shifts, takeable
from wfm.errors import DataError, RequestError
from wfm.people import Availability, BreakRule, Contract, ContractTerm, ShiftTemplate, TimeOff
from wfm.timegrid import INTERVAL

NIGHT = ShiftTemplate("night", 480, (22 * 60,))
EARLY = ShiftTemplate("early", 240, (150,))
ANY = Contract("any", ("night", "early", "day8"), 12, 60)


def test_a_night_shift_runs_past_midnight_and_past_the_horizon():
    start, end = horizon(2)
    shifts = expand_shifts(make_brand(templates=(NIGHT,)), start=start, end=end)

    assert shifts.start.tolist() == [88, 184]
    assert (shifts.start + shifts.length).tolist() == [120, 216]
    assert shifts.intervals == 192
    assert shifts.inside.tolist() == [1.0, 0.25]


def test_no_shift_starts_before_the_horizon():
    start, end = horizon(1)
    shifts = expand_shifts(make_brand(templates=(NIGHT, DAY8)), start=start, end=end)

    assert shifts.start.min() == 0
    assert set(shifts.day.tolist()) == {0}


def test_a_night_over_the_spring_change_keeps_its_length_and_ends_an_hour_later_on_the_wall():
    start, end = horizon(2, first=date(2026, 3, 28), zone="Europe/Berlin")
    brand = make_brand(templates=(NIGHT,), zone="Europe/Berlin")
    shifts = expand_shifts(brand, start=start, end=end)

    assert shifts.length.tolist() == [32, 32]
    assert shifts.wall_to.tolist() == [7 * 60, 6 * 60]
    assert shifts.midnights.tolist() == [0, 96, 188]


def test_a_start_that_the_spring_change_skips_does_not_exist():
    start, end = horizon(3, first=date(2026, 3, 28), zone="Europe/Berlin")
    brand = make_brand(templates=(EARLY,), zone="Europe/Berlin")
    shifts = expand_shifts(brand, start=start, end=end)

    assert [shifts.days[d] for d in shifts.day] == [date(2026, 3, 28), date(2026, 3, 30)]


def test_a_start_that_the_autumn_change_repeats_is_taken_the_first_time():
    start, end = horizon(1, first=date(2026, 10, 25), zone="Europe/Berlin")
    brand = make_brand(templates=(EARLY,), zone="Europe/Berlin")
    shifts = expand_shifts(brand, start=start, end=end)

    assert start + int(shifts.start[0]) * INTERVAL == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert shifts.intervals == 100
    assert shifts.wall_to.tolist() == [330]


def test_a_horizon_that_does_not_begin_at_a_local_midnight_is_refused():
    start, end = horizon(2)

    with pytest.raises(RequestError, match="not midnight in Europe/Berlin"):
        expand_shifts(make_brand(zone="Europe/Berlin"), start=start, end=end)
    with pytest.raises(RequestError, match="not after its start"):
        expand_shifts(make_brand(), start=end, end=start)


def test_a_later_break_always_still_fits_after_an_earlier_one():
    tight = ShiftTemplate(
        "tight", 240, (0,), (BreakRule("break", 15, 60, 180), BreakRule("meal", 30, 90, 120))
    )

    assert break_windows(tight) == [(4, 7, 1), (6, 8, 2)]


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (ShiftTemplate("t", 245, (0,)), "multiple of 15"),
        (ShiftTemplate("t", 240, (0,), (BreakRule("break", 10, 60, 90),)), "multiple of 15"),
        (ShiftTemplate("t", 240, (0,), (BreakRule("break", 15, 300, 330),)), "does not fit"),
        (
            ShiftTemplate(
                "t", 240, (0,), (BreakRule("break", 60, 60, 60), BreakRule("meal", 30, 75, 90))
            ),
            "does not fit",
        ),
        (ShiftTemplate("t", 240, (7,)), "off the 15-minute grid"),
        (ShiftTemplate("t", 240, (0,), (BreakRule("nap", 15, 60, 90),)), "activity 'nap'"),
    ],
)
def test_a_template_that_cannot_be_worked_is_named(template: ShiftTemplate, message: str):
    start, end = horizon(1)

    with pytest.raises(DataError, match=message):
        expand_shifts(make_brand(templates=(template,)), start=start, end=end)


def takes(**changes: object) -> list[tuple[int, str]]:
    """(day, template) an agent may take over Monday to Wednesday."""
    start, end = horizon(3)
    midday = ShiftTemplate("day8", 480, (480,))
    brand = make_brand(templates=(NIGHT, midday), contracts=(ANY,))
    shifts = expand_shifts(brand, start=start, end=end)
    agent = make_agent(contract="any", **changes)  # type: ignore[arg-type]
    may = takeable(agent, shifts, brand)
    return [
        (int(d), shifts.templates[k].name)
        for d, k, m in zip(shifts.day, shifts.template, may, strict=True)
        if m
    ]


def test_without_limits_every_shift_may_be_taken():
    assert len(takes()) == 6


def test_a_night_into_a_day_off_may_not_be_taken():
    tuesday = MONDAY + timedelta(days=1)

    assert takes(time_off=(TimeOff(tuesday, tuesday),)) == [(0, "day8"), (2, "night"), (2, "day8")]


def test_a_night_needs_the_evening_of_one_day_and_the_morning_of_the_next():
    evenings = tuple(Availability(d, 20 * 60, 1440) for d in range(7))
    mornings = tuple(Availability(d, 0, 6 * 60) for d in (0, 1, 2))

    assert takes(availability=evenings + mornings) == [(0, "night"), (1, "night")]


def test_no_shift_may_be_taken_without_a_contract_or_a_skill():
    assert takes(skills=("knitting",)) == []
    start, end = horizon(3)
    brand = make_brand(templates=(NIGHT,), contracts=(ANY,))
    shifts = expand_shifts(brand, start=start, end=end)
    agent = make_agent()
    late = ContractTerm("any", MONDAY + timedelta(days=2))
    agent = type(agent)(**(vars(agent) | {"terms": (late,)}))

    assert takeable(agent, shifts, brand).tolist() == [False, False, True]
