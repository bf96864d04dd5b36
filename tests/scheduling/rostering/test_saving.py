"""Shifts saved on one repeating day, judged by something the search knows nothing of."""

from __future__ import annotations

import numpy as np
import pytest

from scheduling.queueing.uniformisation import attainment_in_time
from scheduling.rostering.saving import SavingLimits, save_shifts
from scheduling.rostering.search import Choices, Desk
from wfm.errors import RequestError
from wfm.sla import Duration

DAY, LENGTH = 96, 32
RATE = 1.0 / 6.0
WANTED = 0.9


def eight_hours() -> Choices:
    """A shift of eight hours at every half hour, paid eight."""
    starts = range(0, DAY, 2)
    cells = [np.sort(np.arange(s, s + LENGTH) % DAY) for s in starts]
    nears = [[(n + step) % len(cells) for step in (-2, -1, 1, 2)] for n in range(len(cells))]
    return Choices(
        cells=np.concatenate(cells),
        first=np.cumsum([0, *map(len, cells)]),
        cost=np.full(len(cells), 8.0),
        near=np.array(nears).ravel(),
        near_first=np.arange(len(cells) + 1) * 4,
        pool=np.zeros(len(cells), dtype=np.int64),
    )


CONTACTS = 20.0 + 40.0 * np.exp(-0.5 * ((np.arange(DAY) - 60) / 12.0) ** 2)
DESK = Desk(CONTACTS / 15.0, np.full(DAY, RATE), 1.0, np.zeros(1), 15.0, cyclic=True)


def exact(heads: np.ndarray) -> np.ndarray:
    """Attained less wanted, by the exact transient of two such days; the second counts."""
    attained = attainment_in_time(
        np.tile(CONTACTS, 2),
        np.tile(heads[:, 0], 2),
        service_s=360.0,
        threshold_s=900.0,
        first_touch=Duration(1e-6, 0.0),
        scale=1.0,
    )
    return attained[DAY:] - WANTED


def ample() -> np.ndarray:
    """Choices that have many more heads on queue than the work at all times."""
    return np.repeat(np.arange(0, 48, 2), 3)


def save(taken: np.ndarray, **changes: object):
    given = {
        "touches": np.ones((1, 1), dtype=np.bool_),
        "floor": np.ones((DAY, 1)),
        "given": np.zeros((DAY, 1), dtype=np.int64),
        "share": WANTED,
        "seed": 1,
        "limits": SavingLimits(rounds=8, moves=100, step=0.1),
    }
    return save_shifts(taken, eight_hours(), DESK, exact, **(given | changes))


def test_hours_are_saved_and_the_promise_is_kept():
    taken = ample()
    saved = save(taken)
    heads = eight_hours().heads(saved.taken, DAY, 1)
    assert saved.cost == 8.0 * len(saved.taken)
    assert saved.cost < 0.8 * saved.before
    # Nobody works less than the workload, however clever the search.
    assert heads.sum() >= CONTACTS.sum() * 6 / 15
    assert exact(heads).min() >= 0.0
    assert saved.margin == pytest.approx(exact(heads).min())


def test_a_floor_is_kept_whatever_the_simulation_says():
    floor = np.ones((DAY, 1))
    floor[10:20] = 18.0
    saved = save(ample(), floor=floor)
    assert (eight_hours().heads(saved.taken, DAY, 1) >= floor).all()
    assert saved.cost < saved.before


def test_what_was_missed_before_is_missed_no_more_than_before():
    few = ample()[::2]
    missed = np.minimum(exact(eight_hours().heads(few, DAY, 1)), 0.0)
    assert missed.min() < 0
    saved = save(few)
    assert (exact(eight_hours().heads(saved.taken, DAY, 1)) >= missed - 1e-6).all()


def test_the_same_seed_gives_the_same_shifts():
    assert np.array_equal(save(ample()).taken, save(ample()).taken)


def test_heads_that_are_there_anyway_are_counted():
    there = np.full((DAY, 1), 4, dtype=np.int64)
    assert save(ample(), given=there).cost < save(ample()).cost


def test_without_shifts_there_is_nothing_to_save_on():
    with pytest.raises(RequestError, match="no shift to save on"):
        save(np.zeros(0, dtype=np.int64))
