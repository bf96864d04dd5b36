"""Rules where the calendar is awkward: clock changes, month and year ends, who joins or leaves."""

import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from checked import AGENT, BRAND, broken, shift, shift_at, shifts, table, under
from rosters import horizon

from wfm.brands import Brand, Market
from wfm.frames import ROSTER
from wfm.people import Agent, ContractTerm, Limit, NightTime, TimeOff

BERLIN = replace(BRAND, zone="Europe/Berlin", markets=(Market("DE", "DE", "Europe/Berlin"),))
SPRING, USUAL, AUTUMN = "2026-03-29", "2026-06-14", "2026-10-25"  # Sundays


def at(*walls: str, brand: Brand = BERLIN, agent: Agent = AGENT, weeks: int = 2) -> set[str]:
    """Rules broken by shifts that begin so on the wall; the first week is that of the first."""
    first = date.fromisoformat(walls[0][:10])
    monday = date.fromordinal(first.toordinal() - first.weekday())
    start, end = horizon(7 * weeks, first=monday, zone=brand.zone)
    rows = table(*(shift_at(wall, brand) for wall in walls))
    return broken(rows, brand=brand, agent=agent, start=start, end=end)


@pytest.mark.parametrize("sunday", [SPRING, USUAL, AUTUMN])
def test_a_start_is_read_off_the_wall(sunday: str):
    assert at(f"{sunday} 08:00") == set()
    assert at(f"{sunday} 09:00") == {"template"}


@pytest.mark.parametrize(
    ("sunday", "hours"), [(SPRING, 9), (USUAL, 10), (AUTUMN, 11)], ids=["spring", "usual", "autumn"]
)
def test_rest_is_counted_in_time_that_passes(sunday: str, hours: int):
    saturday = date.fromordinal(date.fromisoformat(sunday).toordinal() - 1)
    two = (f"{saturday} 14:00", f"{sunday} 08:00")

    assert at(*two, brand=under(BERLIN, min_rest_h=hours)) == set()
    assert at(*two, brand=under(BERLIN, min_rest_h=hours + 0.25)) == {"rest"}


@pytest.mark.parametrize(
    ("sunday", "is_night"),
    [(SPRING, False), (USUAL, True), (AUTUMN, True)],
    ids=["spring", "usual", "autumn"],
)
def test_night_work_is_counted_in_time_that_passes(sunday: str, is_night: bool):
    # From 22:00 to 07:00, 06:00 or 05:00 on the wall; 23:00 to 06:00 lasts 6, 7 or 8 hours.
    saturday = date.fromordinal(date.fromisoformat(sunday).toordinal() - 1)
    agent = replace(AGENT, limits=(Limit("no_nights"),))
    brand = replace(BERLIN, night=NightTime(hours=7))

    assert at(f"{saturday} 22:00", brand=brand, agent=agent) == ({"limits"} if is_night else set())


def test_a_night_that_does_not_pass_midnight_is_one_too():
    agent = replace(AGENT, limits=(Limit("no_nights"),))
    small_hours = replace(BERLIN, night=NightTime(0, 300, 3))

    assert at(f"{USUAL} 00:00", brand=small_hours, agent=agent) == {"limits"}
    assert at(f"{USUAL} 22:00", brand=small_hours, agent=agent, weeks=3) == {"limits"}
    assert at(f"{USUAL} 14:00", brand=small_hours, agent=agent) == set()


def test_runs_weeks_and_rests_go_on_over_the_years_end():
    days = ("2025-12-29", "2025-12-30", "2025-12-31", "2026-01-01", "2026-01-02", "2026-01-03")
    walls = [f"{day} 08:00" for day in days]

    assert at(*walls[:5]) == set()
    assert at(*walls) == {"consecutive_days", "week_days", "week_hours"}


def test_holidays_of_both_years_are_known():
    law = under(BERLIN, max_holidays_per_period=1, period_weeks=5)  # from 1 December on

    assert at("2025-12-31 08:00", "2026-01-01 08:00", brand=law) == set()
    assert at("2025-12-26 08:00", "2026-01-01 08:00", brand=law) == {"holidays"}


def test_a_shift_on_the_eve_of_a_holiday_is_not_worked_on_it():
    law = under(BERLIN, max_holidays_per_period=0)

    assert at("2025-12-31 22:00", brand=law) == set()
    assert at("2026-01-01 22:00", brand=law) == {"holidays"}


def test_a_month_end_ends_no_week():
    law = under(BERLIN, max_days_per_week=2)

    assert at("2026-03-30 08:00", "2026-03-31 08:00", "2026-04-01 08:00", brand=law) == {
        "week_days"
    }


def test_who_joins_on_a_day_works_from_it_on():
    agent = replace(AGENT, terms=(ContractTerm("law", date(2026, 3, 11)),))

    assert broken(table(*shifts(9, 10, 11)), agent=agent) == set()
    assert broken(table(*shifts(8, 9, 10)), agent=agent) == {"contract"}


def test_who_leaves_owes_no_longer_run():
    law = under(min_consecutive_shifts=3)
    leaver = replace(AGENT, terms=(ContractTerm("law", date(2020, 1, 1), date(2026, 3, 10)),))

    assert broken(table(*shifts(7, 8)), brand=law) == {"consecutive_shifts"}
    assert broken(table(*shifts(7, 8)), brand=law, agent=leaver) == set()


def test_a_new_contract_is_judged_by_its_own_figures():
    part = replace(BRAND.contracts[0], name="part", max_days_per_week=2)
    brand = replace(BRAND, contracts=(*BRAND.contracts, part))
    terms = (
        ContractTerm("law", date(2020, 1, 1), date(2026, 3, 8)),
        ContractTerm("part", date(2026, 3, 9)),
    )
    agent = replace(AGENT, terms=terms)

    assert broken(table(*shifts(1, 2, 3, 8, 9)), brand=brand, agent=agent) == set()
    assert broken(table(*shifts(1, 8, 9, 10)), brand=brand, agent=agent) == {"week_days"}


def test_a_weekend_is_the_days_the_brand_names():
    gulf = replace(under(max_weekends_in_4=1), weekend=(4, 5))

    assert broken(table(*shifts(4, 12)), brand=gulf) == {"weekends"}
    assert broken(table(*shifts(4, 5, 13, 20)), brand=gulf) == set()


def test_the_edges_of_the_horizon_are_given_the_benefit_of_the_doubt():
    runs = under(min_consecutive_shifts=3)
    offs = under(min_consecutive_days_off=3)

    assert broken(table(shift(0)), brand=runs) == set()
    assert broken(table(shift(27)), brand=runs) == set()
    assert broken(table(shift(26)), brand=runs) == {"consecutive_shifts"}
    assert broken(table(shift(1)), brand=offs) == set()
    assert broken(table(shift(1)), brand=offs, history=table(shift(-1))) == {"days_off"}


def test_a_week_cut_short_by_the_horizons_end_may_rest_after_it():
    start, end = horizon(5)
    law = under(weekly_rest_h=48)
    before = table(shift(-1))
    week = table(*shifts(0, 1, 2, 3))

    assert broken(week, brand=law, history=before) == {"weekly_rest"}
    assert broken(week, brand=law, history=before, start=start, end=end) == set()


def test_nothing_known_before_is_rest_enough():
    assert broken(table(*shifts(0, 1, 2, 3)), brand=under(weekly_rest_h=48)) == set()


def test_who_is_off_on_the_first_day_owes_nothing_for_the_days_before():
    away = replace(AGENT, time_off=(TimeOff(date(2026, 3, 2), date(2026, 3, 4)),))
    law = under(min_consecutive_shifts=2)
    before = table(shift(-1))

    assert broken(ROSTER.empty(), brand=law, agent=away, history=before) == set()
