"""Why an interval needs its agents: the figures are the requirement's own, the words say them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest

from scheduling.explain import Explanation, Relaxation, explain, in_words
from scheduling.looser import Alternatives, alternatives
from scheduling.requirement import make_requirement
from wfm.calendars import Hours, ServiceWindow
from wfm.sla import ServiceGoal

OFFICE = ServiceWindow((Hours("UTC", frozenset(range(5)), 540, 1020),))


# Few contacts at night, many at noon.
CURVE = 12.0 - 11.5 * np.cos(np.arange(96) / 96 * 2 * np.pi)


@pytest.fixture
def desk(make_desk, make_queue) -> SimpleNamespace:
    return make_desk(CURVE, make_queue("x", minimum_staff=2), day_cv=0.15, paths=60)


@cache
def known_once(make_desk, make_queue) -> Alternatives:
    return known_of(make_desk(CURVE, make_queue("x", minimum_staff=2), day_cv=0.15, paths=60))


@pytest.fixture
def known(make_desk, make_queue) -> Alternatives:
    """What is known of the desk; made once, for nothing changes it."""
    return known_once(make_desk, make_queue)


def known_of(desk: SimpleNamespace) -> Alternatives:
    given = desk.forecast, desk.paths, desk.brand
    return alternatives(*given, start=desk.start, end=desk.end, queue=desk.brand.queues[0].name)


def test_its_figures_are_those_of_the_requirement(known):
    for row in (known.own.iloc[0], known.own.iloc[48]):
        found = explain(row, known)
        assert found.start == row["start"]
        assert found.needs == {
            "first": row["need_first"],
            "follow_up": row["need_follow"],
            "occupancy": row["need_occupancy"],
            "minimum": row["need_minimum"],
        }
        assert (found.binding, found.agents) == (row["binding"], row["agents"])
        assert found.attainment == row["attainment"]
        assert found.notes == ()


def test_a_saving_is_what_the_requirement_made_anew_needs_less(desk, known):
    """An independent witness: the goal changed by hand, the requirement made once more."""
    (queue,) = desk.brand.queues
    easier = replace(queue, goals=(ServiceGoal(share=0.85),))
    given = desk.forecast, desk.paths, replace(desk.brand, queues=(easier,))
    anew = make_requirement(*given, start=desk.start, end=desk.end).table["agents_exact"]
    usual = known.own["agents_exact"]
    for at in (0, 20, 48):
        found = explain(known.own.iloc[at], known)
        (saved,) = (
            one for one in found.relaxations if one.what == "share" and one.eases == "first"
        )
        assert saved.agents_saved == pytest.approx(usual[at] - anew[at])
        assert saved.hours_saved == pytest.approx((usual - anew).sum() / 4)


def test_what_binds_is_what_a_looser_rule_of_its_kind_spares(known):
    for at in (0, 48):
        found = explain(known.own.iloc[at], known)
        own = [one for one in found.relaxations if one.eases == found.binding]
        other = {"minimum", "occupancy"} - {found.binding}
        assert max(one.agents_saved for one in own) > 0
        assert all(one.agents_saved == 0 for one in found.relaxations if one.eases in other)


def test_relaxations_come_with_the_largest_saving_first(known):
    saved = [one.agents_saved for one in explain(known.own.iloc[48], known).relaxations]
    assert saved == sorted(saved, reverse=True)


def test_a_shut_queue_needs_nobody_and_says_so(make_desk, make_queue):
    known = known_of(make_desk(4.0, make_queue("mail", window=OFFICE)))
    found = explain(known.own.iloc[8], known)
    assert found.sentence == "mail is shut at Mon 02 Mar 02:00: it needs nobody."
    assert (found.agents, found.attainment, found.relaxations) == (0, None, ())


def test_an_open_queue_without_work_and_without_minimum_needs_nobody(make_desk, make_queue):
    known = known_of(make_desk(0.0, make_queue("x", minimum_staff=0)))
    found = explain(known.own.iloc[8], known)
    assert found.sentence == "x needs nobody at Mon 02 Mar 02:00: no work is expected."


def raised_by(known: Alternatives, agents: int) -> Explanation:
    """The explanation of noon, when rehearsals have added so many agents."""
    row = known.own.iloc[48].copy()
    row["agents"], row["agents_exact"] = row["agents"] + agents, row["agents_exact"] + agents
    row["binding"] = "rehearsal"
    return explain(row, known)


def test_a_rehearsal_that_raised_it_is_told_with_how_much_it_added(known):
    found = raised_by(known, 1)
    assert "A rehearsal decides" in found.sentence
    assert "and 1.0 was added" in found.sentence
    assert "before rehearsals" in found.sentence
    assert found.notes == ()


def test_a_simulation_that_asks_for_fewer_is_told_with_how_many(known):
    found = raised_by(known, -1)
    assert "the promises are kept with 1.0 fewer" in found.sentence
    assert "added" not in found.sentence
    assert found.notes == ()


def test_a_plan_made_with_other_rules_is_explained_with_a_caution(known):
    row = known.own.iloc[48].copy()
    row["need_occupancy"] *= 0.85 / 0.70
    (caution,) = explain(row, known).notes
    assert "made with other rules" in caution


EXPLAINED = Explanation(
    queue="x",
    start=None,  # type: ignore[arg-type]
    workload=4.31,
    first_workload=2.58,
    factor=1.12,
    needs={"first": 4.4, "follow_up": 6.2, "occupancy": 5.7, "minimum": 1.0},
    binding="follow_up",
    agents=7,
    agents_exact=6.2,
    attainment=0.991,
    low=0.972,
    high=0.999,
    less=0.974,
    more=0.997,
    relaxations=(
        Relaxation("days planned for", "the q80 day -> the median day", 0.61, 92.0),
        Relaxation("time", "follow-ups: 60 min -> 90 min", 0.42, 1260.0, "follow_up"),
    ),
    sentence="",
)
HEAD = (
    "x needs 7 agents at Mon 02 Mar 00:00. 4.3 erlangs of work are expected, 2.6 of them first "
    "replies; staffed for is the q80 day, 1.12 times that. "
)
TAIL = (
    " With 7 agents 99.1% of first replies are in time (days P10-P90 97.2%-99.9%), 97.4% with one "
    "fewer, 99.7% with one more."
)
RISK = "; most is spared by the q80 day -> the median day: 0.6"
MEDIAN = (
    "A step looser (the q80 day -> the median day), 0.6 agents fewer would do here and 92.0 hours "
    "fewer over the plan."
)
WORDS = {
    "follow_up": (
        "The goal of follow-ups decides, follow-ups within 60 min for 90%: it asks for 6.20, "
        "everything else for 5.70. A step looser (follow-ups: 60 min -> 90 min), 0.4 agents fewer "
        f"would do here and 1,260.0 hours fewer over the plan{RISK}."
    ),
    "first": (
        "The goal of first replies decides, first replies within 15 min for 90%: it asks for 4.40, "
        f"everything else for 6.20. {MEDIAN}"
    ),
    "occupancy": (
        "The occupancy cap decides, at most 85% of the time handling: it asks for 5.70, everything "
        f"else for 6.20. {MEDIAN}"
    ),
    "minimum": (
        "The minimum staff decides, as set for the queue: it asks for 1.00, everything else for "
        f"6.20. {MEDIAN}"
    ),
}


@pytest.mark.parametrize("binding", WORDS)
def test_the_sentence_names_class_workload_what_decides_and_what_it_would_spare(
    make_desk, make_queue, binding
):
    desk = make_desk(1.0, make_queue("x"))
    found = replace(EXPLAINED, start=desk.start, binding=binding)
    assert in_words(found, desk.brand) == HEAD + WORDS[binding] + TAIL


def test_where_no_rule_spares_anything_the_sentence_says_so(make_desk, make_queue):
    desk = make_desk(1.0, make_queue("x"))
    idle = tuple(replace(one, agents_saved=0.01) for one in EXPLAINED.relaxations)
    found = replace(EXPLAINED, start=desk.start, relaxations=idle)
    assert "No rule made looser by a step spares anything here." in in_words(found, desk.brand)
