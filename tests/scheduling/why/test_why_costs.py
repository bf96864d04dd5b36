"""What changes cost adds up to what the roster costs after them less what it cost before."""

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from whydesk import make_desk

sys.path.insert(0, str(Path(__file__).parents[1] / "editing"))
from editdesk import AGENTS, LONG, MID, day, make_ground

from scheduling.editing.changes import applied
from scheduling.editing.judging import judged, paid_hours
from scheduling.editing.laying import laid
from scheduling.fairness import ledger_of
from scheduling.rostering.assign import WEIGHTS
from scheduling.why.costs import Desk, desk_of
from wfm.people import Preference, TimeOff

DESK = make_desk(needs={"x": 2, "email": 1})
# Where breaks are taken, intervals after the start.
PLACES = {"long": [7, 15], "mid": [10]}


def objective(desk: Desk) -> float:
    """What the roster costs in all, reckoned from scratch."""
    ground, prices = desk.ground, desk.ground.prices
    short = float(desk.lacks.short.sum()) / 4
    on_queue = float(desk.heads.sum()) / 4
    total = prices.short * short
    total += prices.surplus * (on_queue - float(ground.need.heads.sum()) / 4 + short)
    for agent in ground.agents:
        paid = sum(paid_hours(segments, ground) for segments in desk.days(agent.agent_id).values())
        total += prices.paid * paid
        contract = ground.contract_of(agent.agent_id, day(0))
        total += prices.below_minimum * max(0.0, contract.min_hours_per_week - paid)
        if contract.target_hours_per_week is not None:
            total += prices.off_target * abs(contract.target_hours_per_week - paid)
    # Burdens above the share that was fair before the change.
    had = burdens(desk)["had"]
    above = np.maximum(had - burdens(DESK)["fair"], 0.0)
    weights = had.index.get_level_values("kind").map(WEIGHTS)
    return total + prices.unfair * float((above * weights).sum())


def burdens(desk: Desk) -> pd.DataFrame:
    ground = desk.ground
    ledger = ledger_of(desk.roster, ground.brand, ground.agents, start=ground.start, end=ground.end)
    rows = ledger.table[ledger.table["kind"].isin(list(WEIGHTS))]
    return rows.set_index(["agent_id", "kind"])


@settings(max_examples=5, deadline=None, derandomize=True)
@given(
    who=st.sampled_from(["ann", "bob", "cem"]),
    number=st.integers(0, 5),
    template=st.sampled_from([LONG, MID, None]),
    other=st.sampled_from(["dan", None]),
)
def test_the_cost_of_changes_is_what_the_objective_rises_by(who, number, template, other):
    ground = DESK.ground
    shift = ()
    if template:
        shift = laid(template, ground.instant(day(number), 480), PLACES[template.name])
    changes = [DESK.to(who, day(number), shift)]
    if other:
        changes.append(DESK.to(other, day(number), ()))

    cost = DESK.cost(changes)

    after = desk_of(applied(DESK.roster, changes), ground)
    assert cost.total == pytest.approx(objective(after) - objective(DESK), abs=1e-6)
    judgement = judged(DESK.roster, changes, ground)
    assert cost.covers_h == pytest.approx(
        judgement.short_hours_before - judgement.short_hours_after, abs=0.01
    )
    assert cost.paid_h == pytest.approx(judgement.paid_hours_after - judgement.paid_hours_before)


@pytest.mark.parametrize(
    ("wish", "weight"),
    [
        (Preference("day_off", "mon", 2), 2),
        (Preference("day_off", "tue", 2), 0),
        (Preference("avoid_template", "mid", 3), 3),
        (Preference("avoid_template", "long", 3), 0),
        (Preference("prefer_template", "long", 4), 4),
        (Preference("prefer_template", "mid", 4), 0),
        (Preference("prefer_template", "long", 4, when="tue"), 0),
    ],
)
def test_a_wish_that_is_not_granted_costs_its_weight(wish, weight):
    agents = tuple(replace(a, preferences=(wish,)) if a.agent_id == "ann" else a for a in AGENTS)
    desk = make_desk({}, agents=agents)
    shift = laid(MID, desk.ground.instant(day(0), 480), [10])

    cost = desk.cost([desk.to("ann", day(0), shift)])

    assert cost.wishes == pytest.approx(desk.ground.prices.wish * weight)


def test_time_off_lowers_the_minimum_and_the_past_counts_for_it():
    away = TimeOff(day(0), day(4))
    agents = tuple(replace(a, time_off=(away,)) if a.agent_id == "ann" else a for a in AGENTS)
    desk = make_desk({}, agents=agents)
    shift = laid(MID, desk.ground.instant(day(6), 480), [10])

    # 20 h a week, two of seven days open; the shift pays 5.5 of the 5.7 h.
    saved = -desk.cost([desk.to("ann", day(6), shift)]).minimum
    assert saved == pytest.approx(0.5 * 5.5)

    midweek = make_ground(first=day(2), days=5)
    past = make_desk({"ann": ((0, "long", 480), (1, "long", 480))}).roster
    later = desk_of(desk.roster, replace(midweek, history=past))
    shift = laid(MID, midweek.instant(day(6), 480), [10])
    # Of 20 h x 5 / 7 that are wanted of the days left, 15 were worked before: nothing is missing.
    assert later.cost([later.to("ann", day(6), shift)]).minimum == 0


def test_absences_of_a_day_stay_when_its_shift_changes():
    ground = make_ground()
    shift = laid(MID, ground.instant(day(0), 480), [10])
    off = replace(
        shift[0], start=shift[0].start - timedelta(hours=4), end=shift[0].start, activity="time_off"
    )
    desk = make_desk({})
    roster = applied(desk.roster, [desk.to("ann", day(0), (off, *shift))])

    change = desk_of(roster, ground).to("ann", day(0), ())

    assert [s.activity for s in change.after] == ["time_off"]


def test_a_night_above_the_fair_share_costs_unless_it_is_owed():
    desk = make_desk({"ann": ((0, "long", 1320),)})
    owed = desk_of(desk.roster, desk.ground, owed={"ann": {"night": 5.0}})
    night = laid(LONG, desk.ground.instant(day(2), 1320), [7, 15])

    # Ann's group is ann alone and dan, whose contract has no nights: the first was her share.
    one, two = (d.cost([d.to("ann", day(2), night)]) for d in (desk, owed))

    assert one.unfair == desk.ground.prices.unfair
    assert two.unfair == 0
    assert one.total - two.total == pytest.approx(one.unfair)
