"""More agents are tried one by one with the best line each could have; so is a minimum of hours."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from whydesk import make_desk

sys.path.insert(0, str(Path(__file__).parents[1] / "editing"))
from editdesk import AGENTS, LAW, SMALL, day

from scheduling.why.minimum import why_below
from scheduling.why.more import more_agents
from wfm.errors import NotFound
from wfm.frames import interval_index
from wfm.people import Availability, Limit, TimeOff
from wfm.store.documents import from_document, to_document
from wfm.timegrid import INTERVAL

MORNINGS = tuple(Availability(d, 480, 840) for d in (0, 2))


def office_hours(heads: int, days: int = 7) -> dict[str, object]:
    """Heads needed on x from 8 to 16 on the weekdays."""
    desk = make_desk({}, days=days)
    index = interval_index(desk.ground.start, desk.ground.end)
    return {"x": np.where((index.hour >= 8) & (index.hour < 16) & (index.weekday < 5), heads, 0)}


def test_agents_are_added_until_one_would_cost_more_than_they_cure():
    desk = make_desk({}, needs=office_hours(2))

    cure = more_agents(desk, "x")

    assert cure.short_h == 80
    assert (cure.contract, "x" in cure.skills) == ("law", True)
    assert len(cure.added) >= 2
    assert cure.added[0].cures_h >= cure.added[-1].cures_h > 0
    left = [
        cure.short_h - sum(a.cures_h for a in cure.added[:n]) for n in range(1, len(cure.added) + 1)
    ]
    assert [a.left_h for a in cure.added] == pytest.approx(left)
    # Five shifts of eight hours, seven and a quarter of them on queue.
    assert cure.added[0].cures_h == pytest.approx(5 * 7.25, abs=1.3)
    assert cure.added[0].paid_h <= LAW.max_hours_per_week
    assert cure.sentence.startswith("x is short of 80.0 agent-hours")


def test_a_queue_that_is_not_short_needs_nobody_and_no_other_queue_is_looked_at():
    desk = make_desk({}, needs={"x": 1})

    cure = more_agents(desk, "email")

    assert (cure.short_h, cure.added) == (0, ())
    assert "it is not short" in cure.sentence
    with pytest.raises(NotFound, match="no queue 'fax'"):
        more_agents(desk, "fax")


def test_the_set_of_skills_that_saves_most_is_taken():
    desk = make_desk({}, needs=office_hours(1) | {"email": office_hours(1)["x"]})

    assert set(more_agents(desk, "x").skills) <= {"x", "email"}
    assert "x" in more_agents(desk, "x").skills
    assert "email" in more_agents(desk, "email").skills


def test_a_quarter_of_an_hour_is_not_worth_an_agent():
    desk = make_desk({})
    index = interval_index(desk.ground.start, desk.ground.end)
    once = np.where(index == desk.ground.start + 40 * INTERVAL, 1, 0)
    lazy = replace(LAW, min_hours_per_week=0, target_hours_per_week=None)

    cure = more_agents(make_desk({}, needs={"x": once}, contracts=(lazy, SMALL)), "x")

    assert (cure.short_h, cure.added) == (0.25, ())
    assert cure.sentence.endswith("would cost more than they cure.")


def test_who_reaches_the_minimum_is_left_alone():
    assert why_below(make_desk(), "ann") is None
    assert why_below(make_desk(), "dan") is None
    with pytest.raises(NotFound, match="no agent 'zed'"):
        why_below(make_desk(), "zed")


@pytest.mark.parametrize(
    ("changes", "conflict", "missing"),
    [
        # Two shifts of 5.5 paid hours, where 20 are wanted.
        ({"availability": MORNINGS}, ("availability",), 20 - 2 * 5.5),
        ({"limits": (Limit("max_hours_per_week", hours=11),)}, ("limits",), 20 - 11),
    ],
)
def test_what_of_the_agent_conflicts_with_the_minimum_is_found(changes, conflict, missing):
    agents = (replace(AGENTS[0], **changes), *AGENTS[1:])

    below = why_below(make_desk({}, agents=agents), "ann")

    assert (below.possible, below.conflict) == (True, conflict)
    assert below.missing_h == pytest.approx(missing)
    assert below.mends[0].missing_h == 0
    assert "ann cannot reach the contract's minimum" in below.sentence
    assert from_document(type(below), to_document(below)) == below


def test_the_rule_that_conflicts_is_told_with_what_a_step_mends():
    law = replace(LAW, max_days_per_week=2)

    below = why_below(make_desk({}, contracts=(law, SMALL)), "ann")

    assert below.conflict == ("week_days",)
    assert below.missing_h == pytest.approx(20 - 2 * 7.5)
    # A day more: 22.5 h.
    assert [(m.rule, m.missing_h) for m in below.mends] == [("week_days", 0)]
    assert "Most is mended by a day more a week" in below.sentence


def test_a_line_that_nothing_makes_lawful_is_said_to_be_so():
    law = replace(LAW, min_consecutive_shifts=3)
    history = make_desk({"ann": ((0, "mid", 480),)}).roster
    away = replace(AGENTS[0], time_off=(TimeOff(day(2), day(3)),))

    below = why_below(
        make_desk(
            {}, first=day(1), days=6, history=history, agents=(away,), contracts=(law, SMALL)
        ),
        "ann",
    )

    assert not below.possible
    assert set(below.conflict) == {"consecutive_shifts", "time_off"}
    assert "No line of work of ann keeps all rules" in below.sentence
