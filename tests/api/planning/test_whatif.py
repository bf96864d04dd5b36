"""A what-if: same random numbers before and after, so the difference is the spike's alone."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from api.planning import records
from api.planning.plan import Plan, PlanInputs
from api.planning.whatif import Spike, WhatIfBase, add_spike, evaluate, load_base
from forecasting.scenarios.paths import paths_from
from wfm.errors import NotFound, RequestError
from wfm.store.brands import save_brand
from wfm.store.engine import open_store
from wfm.timegrid import FixedClock


@pytest.fixture(scope="module")
def base(plan: Plan, inputs: PlanInputs, tmp_path_factory: pytest.TempPathFactory) -> WhatIfBase:
    folder = tmp_path_factory.mktemp("whatif")
    store = open_store(f"sqlite:///{folder}/wfm.sqlite", clock=FixedClock(plan.start))
    with store.writing("ann") as writing:
        save_brand(writing, inputs.brand)
    records.publish(store, records.save_draft(store, plan, "ann"), "ann")
    loaded = load_base(store, (plan.start + timedelta(days=2)).date())
    store.close()
    return loaded


def spike_of(base: WhatIfBase, **changes: object) -> Spike:
    options = {
        "queues": ("night",),
        "start": base.start + timedelta(hours=18),
        "length_min": 120,
        "factor": 6.0,
        "half_life_min": 60.0,
    }
    return Spike(**(options | changes))


def test_a_factor_of_one_changes_nothing(base: WhatIfBase):
    answer = evaluate(base, spike_of(base, factor=1.0), replications=10)
    table = answer.table
    np.testing.assert_array_equal(table["attainment_before"], table["attainment_after"])
    np.testing.assert_array_equal(table["backlog_before"], table["backlog_after"])
    assert answer.added_contacts == 0
    assert answer.recovered_at == spike_of(base).start


def test_a_spike_hurts_its_own_time_and_nothing_before(base: WhatIfBase):
    spike = spike_of(base)
    answer = evaluate(base, spike, replications=20)
    table = answer.table
    earlier = table[table["start"] < spike.start - timedelta(minutes=30)]
    np.testing.assert_array_equal(earlier["attainment_before"], earlier["attainment_after"])
    assert answer.attainment_after < answer.attainment_before
    assert answer.worst_after.backlog > answer.worst_before.backlog
    assert answer.worst_after.at > spike.start
    assert answer.recovered_at is None or answer.recovered_at > spike.start


def test_a_larger_spike_is_never_easier(base: WhatIfBase):
    worst = [
        evaluate(base, spike_of(base, factor=f), replications=10).worst_after.backlog
        for f in (1.0, 3.0, 8.0)
    ]
    assert worst == sorted(worst)


def test_the_same_seed_gives_the_same_answer(base: WhatIfBase):
    one, two = (evaluate(base, spike_of(base), replications=8, seed=4) for _ in range(2))
    assert one.table.equals(two.table)


def test_added_contacts_are_what_the_factor_says(base: WhatIfBase):
    paths = paths_from(base.forecast, base.noise, count=200, seed=1)
    spike = spike_of(base, factor=3.0, half_life_min=1.0)
    spiked = add_spike(paths, base, spike, seed=1)
    first = int((spike.start - base.start) / timedelta(minutes=15))
    during = slice(first, first + 8)
    before, after = paths.of("night")[:, during].sum(), spiked.of("night")[:, during].sum()
    assert after / before == pytest.approx(3.0, rel=0.05)
    np.testing.assert_array_equal(paths.of("day"), spiked.of("day"))


def test_a_factor_below_one_takes_contacts_away(base: WhatIfBase):
    paths = paths_from(base.forecast, base.noise, count=50, seed=1)
    thinned = add_spike(paths, base, spike_of(base, factor=0.25, queues=()), seed=1)
    assert (thinned.contacts <= paths.contacts).all()
    assert thinned.contacts.sum() < paths.contacts.sum()


def test_an_unknown_queue_and_a_time_outside_are_refused(base: WhatIfBase):
    with pytest.raises(NotFound, match="no queue 'fax'"):
        evaluate(base, spike_of(base, queues=("fax",)), replications=2)
    with pytest.raises(RequestError, match="outside of"):
        evaluate(base, spike_of(base, start=base.end), replications=2)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"factor": -1.0}, "0 to 100"),
        ({"length_min": 0}, "1 to 1440"),
        ({"half_life_min": 0.0}, "1 to 1440"),
    ],
)
def test_a_spike_out_of_range_is_refused(base: WhatIfBase, change: dict[str, float], words: str):
    with pytest.raises(RequestError, match=words):
        spike_of(base, **change)
