"""What the days before a horizon leave: to an agent, and to the floor of its first morning."""

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))
from checked import AGENT, BRAND, LAW, START, Rows, shift, table, under
from rosters import MONDAY

from scheduling.rostering.law import Past
from scheduling.rostering.need import skill_groups
from scheduling.rostering.pasts import pasts_of
from scheduling.rostering.workers import begun_before, given_heads
from wfm.people import TimeOff

QUARTERS_PAID = 30  # of a day shift, its meal left out


def before(*shifts: Rows) -> pd.DataFrame:
    return begun_before(table(*shifts), START)


def past(*shifts: Rows, brand=BRAND, agent=AGENT) -> Past:
    return pasts_of(before(*shifts), (agent,), brand, START)["a1"]


def test_nights_up_to_the_horizon_leave_a_run_rest_and_a_weekend():
    worked = past(shift(-2, 22), shift(-1, 22))

    assert worked.run == 2
    assert worked.nights == 2
    assert worked.free_from == 24  # Monday 06:00
    assert worked.week == (0, 0)
    assert (worked.weekends, worked.weekend) == (1, 0)
    assert worked.period == 2 * QUARTERS_PAID  # of the period that began on 23 February
    assert worked.last == (0, 22 * 4)


def test_a_series_of_nights_before_a_day_off_is_still_to_be_rested_from():
    law = under(rest_after_nights_h=72, nights_in_series=2)

    two = past(shift(-3, 22), shift(-2, 22), brand=law)
    one = past(shift(-2, 22), brand=law)

    assert (two.run, two.off, two.nights) == (0, 1, -1)
    assert one.nights == 0


def test_capped_templates_and_paid_time_count_from_the_periods_first_day():
    law = replace(BRAND, contracts=(LAW, replace(LAW, name="capped", max_shifts=(("day", 3),))))

    worked = past(shift(-8), shift(-7), shift(-4), brand=law)

    assert worked.caps == ((0, 2),)
    assert worked.period == 2 * QUARTERS_PAID


def test_a_run_that_granted_time_off_ends_has_not_to_go_on():
    away = replace(AGENT, time_off=(TimeOff(MONDAY, MONDAY + timedelta(days=1)),))

    assert past(shift(-1)).run == 1
    assert (past(shift(-1), agent=away).run, past(shift(-1), agent=away).off) == (0, 0)


def test_who_began_before_the_horizon_is_a_head_on_its_first_morning():
    groups = skill_groups((AGENT,), ("x",))

    heads = given_heads(before(shift(-1, 22)), (AGENT,), groups, start=START, intervals=96)

    # 22:00 to 06:00, the meal from 02:00 to 02:30.
    assert heads[:, 0].tolist() == [1.0] * 8 + [0.0] * 2 + [1.0] * 14 + [0.0] * 72
