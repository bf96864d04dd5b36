"""A requirement lowered by simulation: fewer hours, the promise kept, cap and minimum held."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from rosters import make_agent

from scheduling.certificate import certify
from scheduling.requirement import Requirement, make_requirement
from scheduling.roster import Limits, ground_of
from scheduling.rostering.saving import SavingLimits
from scheduling.saving import Lowered, choices_of, desk_of, lower_requirement
from scheduling.simulation.trial import make_trial
from wfm.brands import Brand, Planning
from wfm.people import BreakRule, Contract, ShiftTemplate
from wfm.sla import Duration, WorkLaw

LAW = WorkLaw(first_touch=Duration(240, 0.5), continue_p=0.0)
RESERVE = 0.2
# Few at night, most in the afternoon.
CURVE = 18.0 - 14.0 * np.cos((np.arange(96) - 12) / 96 * 2 * np.pi)
SIX = ShiftTemplate("six", 360, tuple(range(0, 1440, 60)), (BreakRule("break", 30, 120, 240),))
CONTRACT = Contract("six", ("six",), 6, 42, min_hours_per_week=0, max_days_per_week=7)
BARE = Planning(0.0, 0.0, occupancy_cap=1.0, risk_quantile=0.5)
STAFF = tuple(make_agent(f"a{n:02}", contract="six", since=date(2020, 1, 1)) for n in range(40))


def with_shifts(brand: Brand) -> Brand:
    return replace(brand, contracts=(CONTRACT,), templates=(SIX,))


def lowered(desk: SimpleNamespace) -> tuple[Requirement, Lowered, list[int]]:
    """The desk's requirement, what the search made of it, and how often it asked for days."""
    brand, span = with_shifts(desk.brand), {"start": desk.start, "end": desk.end}
    made = make_requirement(desk.forecast, desk.paths, brand, **span)
    asked: list[int] = []

    def days():
        asked.append(1)
        return make_trial(desk.forecast, desk.paths, brand, **span, seed=3, keep=True)

    found = lower_requirement(
        made.table, brand, STAFF, days, **span, seed=1, reserve=RESERVE,
        saving=SavingLimits(rounds=8, moves=60, step=0.04),
    )  # fmt: skip
    return made, found, asked


@cache
def once(make_desk, make_queue):
    queue = make_queue("x", work=LAW, minimum_staff=2)
    desk = make_desk(CURVE, queue, planning=BARE, paths=150)
    return desk, *lowered(desk)


@pytest.fixture
def bare(make_desk, make_queue):
    """A desk without cap and follow-ups, its requirement, what became of it; made once."""
    return once(make_desk, make_queue)


def test_hours_fall_and_the_table_says_where(bare):
    _, made, found, _ = bare
    was, now = made.table, found.table
    assert found.hours > 0
    assert found.hours == pytest.approx((was["agents_exact"] - now["agents_exact"]).sum() / 4)
    assert found.mix.cost < found.mix.before
    lower = now["agents_exact"] < was["agents_exact"]
    assert ((now["binding"] == "rehearsal") == lower).all()
    assert (now["agents"] <= was["agents"]).all()
    assert (now["agents"] >= now["agents_exact"]).all()


def test_the_promise_is_kept_on_days_that_the_search_never_saw(bare, staff, make_desk, make_queue):
    """Staffed with exactly what is asked for; judged by the certificate on other seeds."""
    desk, _, found, _ = bare
    queue = make_queue("x", work=LAW, minimum_staff=2)
    for seed in (11, 12):
        fresh = make_desk(CURVE, queue, seed=seed, paths=100, planning=BARE)
        given = staff(found.table), fresh.forecast, fresh.paths, fresh.brand
        certificate = certify(*given, start=desk.start, end=desk.end, seed=seed)
        assert certificate.kept


def test_the_minimum_staff_is_kept_whatever_the_simulation_says(bare):
    _, _, found, _ = bare
    assert (found.table["agents_exact"] >= 2).all()


def test_the_occupancy_cap_is_kept_whatever_the_simulation_says(make_desk, make_queue):
    capped = replace(BARE, occupancy_cap=0.90)
    desk = make_desk(CURVE, make_queue("x", work=LAW, minimum_staff=0), planning=capped)
    _, found, asked = lowered(desk)
    assert asked
    assert (found.table["agents_exact"] >= found.table["need_occupancy"] - 1e-9).all()


def test_nothing_is_tried_where_the_cap_decides_everything(make_desk, make_queue):
    capped = replace(BARE, occupancy_cap=0.5)
    desk = make_desk(CURVE, make_queue("x", work=LAW), planning=capped)
    made, found, asked = lowered(desk)
    assert not asked
    assert found.table is made.table
    assert (found.hours, found.mix) == (0.0, None)
    assert "no shifts were tried" in found.message


def test_shifts_nearby_are_other_starts_of_the_template_and_moved_breaks(bare):
    """Choices are lawful shifts: as long as the template, one break inside its window."""
    desk, made, _, _ = bare
    brand, limits = with_shifts(desk.brand), Limits()
    ground = ground_of(
        made.table, brand, STAFF, start=desk.start, end=desk.end, history=None, prices=limits.prices
    )
    cover = ground.cover(brand, seed=1, limits=limits, progress=lambda *_: None)
    choices, taken = choices_of(cover, ground.shifts, limits)
    heads = choices.heads(taken, *cover.there.shape)
    assert taken.size == len(cover.units.shift)
    assert heads.sum() == sum(choices.first[k + 1] - choices.first[k] for k in taken)
    lengths = np.diff(choices.first)
    inside = lengths == lengths.max()
    assert lengths.max() == 24 - 2
    for k in np.flatnonzero(inside):
        cells = choices.cells[choices.first[k] : choices.first[k + 1]]
        missing = sorted(set(range(cells[0], cells[-1] + 1)) - set(cells.tolist()))
        assert len(missing) == 2
        assert 8 <= missing[0] - cells[0] <= 16
    for k in range(len(lengths)):
        near = choices.near[choices.near_first[k] : choices.near_first[k + 1]]
        assert k not in near
        assert (choices.pool[near] == choices.pool[k]).all()


def test_all_queues_together_are_one_desk_with_their_messages(make_desk, make_queue):
    """Workload over handling gives the messages back, whatever the mix."""
    slow = WorkLaw(first_touch=Duration(480, 0.5), continue_p=0.0)
    queues = make_queue("a", work=LAW), make_queue("b", work=slow)
    desk = make_desk(np.column_stack([np.full(96, 10.0), np.full(96, 5.0)]), *queues)
    span = {"start": desk.start, "end": desk.end}
    table = make_requirement(desk.forecast, desk.paths, desk.brand, **span).table
    model = desk_of(table, desk.brand, **span)
    assert model.arrivals == pytest.approx(np.full(96, 15 / 15), rel=0.01)
    assert model.arrivals / model.rate == pytest.approx(
        table.groupby("start")["workload"].sum().to_numpy()
    )
