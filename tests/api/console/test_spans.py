from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from api.console import spans
from wfm.timegrid import interval_count, local_midnight

BERLIN = ZoneInfo("Europe/Berlin")
DAYS = [date(2026, 3, 2) + timedelta(days=n) for n in range(28)]


def test_a_plans_days_are_the_sites_local_days():
    start = local_midnight(DAYS[0], BERLIN)
    end = local_midnight(date(2026, 3, 30), BERLIN)

    assert spans.plan_days(start, end, BERLIN) == DAYS


def test_weeks_are_offered_in_sevens_and_all_of_them():
    options = spans.week_options(DAYS)

    assert [o["value"] for o in options] == ["1", "2", "3", "4", "all"]
    assert options[0]["label"] == "Week 1: 2 Mar – 8 Mar 2026"


def test_a_short_plan_offers_no_choice_of_all_weeks():
    assert [o["value"] for o in spans.week_options(DAYS[:5])] == ["1"]


def test_the_week_of_today_is_shown_first_and_else_the_first():
    assert spans.first_choice(DAYS, date(2026, 3, 10)) == "2"
    assert spans.first_choice(DAYS, date(2026, 5, 1)) == "1"


def test_a_day_left_over_from_another_week_means_the_whole_week():
    assert spans.chosen_days(DAYS, "2", "2026-03-03") == DAYS[7:14]
    assert spans.chosen_days(DAYS, "2", "2026-03-10") == [date(2026, 3, 10)]
    assert spans.chosen_days(DAYS, "all", "all") == DAYS


def test_the_day_on_which_clocks_go_forward_has_92_intervals():
    start, end = spans.instants([date(2026, 3, 29)], BERLIN)

    assert start == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert interval_count(start, end) == 92
