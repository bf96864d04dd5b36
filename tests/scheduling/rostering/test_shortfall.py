"""What keeps people away where a roster is short is read off the roster, whoever made it."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "editing"))
from editdesk import AGENTS, LAW, SMALL, make_ground, make_table

from scheduling.rostering.shifts import expand_shifts
from scheduling.rostering.shortfall import reasons

ANN = AGENTS[:1]


def told(
    work: tuple[tuple[int, str, int], ...],
    gap: tuple[int, int],
    *,
    queue: str = "x",
    **desk: object,
) -> str:
    """The reason for a head missing on the numbered day at the hour; ann alone is there."""
    ground = make_ground(agents=ANN, **({"needs": {"x": 1}, "days": 21} | desk))
    shifts = expand_shifts(ground.brand, start=ground.start, end=ground.end)
    short = np.zeros((len(ground.need.heads), 2))
    short[gap[0] * 96 + gap[1] * 4 :][:4, ground.need.queues.index(queue)] = 1.0
    found = reasons(
        short,
        ground.need.queues,
        make_table(ground, {"ann": work}),
        ground.brand,
        ground.agents,
        shifts=shifts,
        start=ground.start,
        history=ground.history,
    )
    assert len(found) == 1
    return found[0]


WEEK = tuple((n, "long", 480) for n in range(5))


@pytest.mark.parametrize(
    ("work", "gap", "words"),
    [
        (((0, "long", 480),), (0, 18), "work another shift that day"),
        (WEEK, (5, 10), "contract hours exhausted in week 10"),
        (((5, "mid", 480), (12, "mid", 480)), (19, 10), "have worked their weekends"),
        (((0, "long", 840),), (1, 7), "must rest between the shifts before and after"),
        ((), (1, 10), "a whole shift costs more than the gap"),
        ((), (1, 4), "no shift template reaches"),
    ],
)
def test_the_rule_in_the_way_is_told(work, gap, words):
    template = make_ground().brand.templates
    # Without the night shift some hours are reached by nothing.
    long = replace(template[0], starts=(360, 480, 600, 840))

    assert words in told(work, gap, templates=(long, *template[1:]), contracts=(LAW, SMALL))


def test_days_in_a_row_count_over_the_sunday():
    law = replace(LAW, max_consecutive_days=4)
    work = tuple((n, "mid", 480) for n in (3, 4, 5, 6))

    assert "have worked their days in a row" in told(work, (7, 10), contracts=(law, SMALL))


def test_the_past_counts():
    history = make_table(make_ground(), {"ann": ((5, "mid", 480), (6, "mid", 840))})
    ground = {"first": make_ground().days[0].replace(day=9), "days": 14, "history": history}

    # Until 20:00 on Sunday: eleven hours of rest end at 07:00.
    assert "must rest" in told((), (0, 6), **ground)
    assert "have worked their weekends" in told(((5, "mid", 480),), (12, 10), **ground)


def test_who_serves_nothing_is_told_as_the_skill():
    assert told((), (0, 10), queue="email").endswith("no agent with skill email exists")


def test_nothing_short_needs_no_reason():
    ground = make_ground(agents=ANN)
    shifts = expand_shifts(ground.brand, start=ground.start, end=ground.end)
    none = np.zeros((len(ground.need.heads), 2))

    assert (
        reasons(
            none,
            ground.need.queues,
            make_table(ground, {}),
            ground.brand,
            ANN,
            shifts=shifts,
            start=ground.start,
        )
        == ()
    )
