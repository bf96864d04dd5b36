"""Sizes start at the prior, and end at what a brand's own past shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.scenarios.pushes import Push
from forecasting.scenarios.sizes import AFTERWARDS, PRIORS, STOPPED, size_of, sizes_of
from wfm.campaigns import CATEGORIES

FIRST = datetime(2026, 1, 5, 9, tzinfo=UTC)


def push(day: float, factor: float = 8.0, *, queue: str = "x", **changes: object) -> Push:
    options: dict[str, object] = {
        "kind": "spike", "cause": "viral", "sd": 0.05, "rise_min": 30.0, "length_min": 240.0,
        "half_life_min": 120.0, "handling": (1.2, 0.1), **changes,
    }  # fmt: skip
    return Push(queue=queue, start=FIRST + timedelta(days=day), factor=factor, **options)  # type: ignore[arg-type]


def test_without_a_past_every_cause_is_its_prior():
    for size in sizes_of([]):
        assert size.learned_from == size.own == 0
        wave = size.waves[-1]
        prior = AFTERWARDS if size.cause == "outage" else PRIORS[size.cause]
        assert wave.factor == pytest.approx(prior.factor)
        assert wave.length_min == pytest.approx(prior.length_min)
        assert wave.half_life_min == pytest.approx(prior.half_life_min)
        assert size.handling == pytest.approx(prior.handling)
    assert [size.cause for size in sizes_of([])] == list(CATEGORIES)


def test_one_push_moves_the_size_a_little_and_many_move_it_all_the_way():
    few, many = (size_of("viral", [push(day) for day in range(n)]) for n in (1, 60))

    assert PRIORS["viral"].factor < few.waves[0].factor < 5.0
    assert many.waves[0].factor == pytest.approx(8.0, rel=0.05)
    assert many.waves[0].length_min == pytest.approx(240, rel=0.05)
    assert many.waves[0].half_life_min == pytest.approx(120, rel=0.05)
    assert many.waves[0].rise_min == pytest.approx(30, rel=0.05)
    assert many.handling == pytest.approx(1.2, rel=0.02)
    assert (few.learned_from, many.learned_from) == (1, 60)


def test_the_size_of_one_in_ten_is_learned_from_how_they_differ():
    rng = np.random.default_rng(3)
    alike = size_of("viral", [push(day, 4.0) for day in range(80)]).waves[0]
    wild = size_of("viral", [push(day, 4 * np.exp(rng.normal(0, 0.8))) for day in range(80)])

    assert alike.high < 5.2
    assert wild.waves[0].high == pytest.approx(4 * np.exp(1.2816 * 0.8), rel=0.25)


def test_a_push_that_hit_three_queues_at_once_is_one_push():
    thrice = size_of("viral", [push(0, queue=name) for name in ("x", "facebook", "email")])

    assert thrice.learned_from == 1
    assert thrice.waves[0].factor == pytest.approx(size_of("viral", [push(0)]).waves[0].factor)


def test_what_happened_on_the_queue_itself_counts_for_more():
    past = [
        *(push(day, 8.0, queue="x") for day in range(4)),
        *(push(day + 0.5, 3.0, queue="email") for day in range(4)),
    ]
    here, there, anywhere = (size_of("viral", past, queue=q) for q in ("x", "email", None))

    assert there.waves[0].factor < anywhere.waves[0].factor < here.waves[0].factor
    assert (here.own, there.own, here.learned_from) == (4, 4, 8)


def test_an_outage_is_a_dip_and_then_what_comes_back():
    past = [
        *(push(day, 0.0, kind="outage", cause="outage", length_min=180.0) for day in range(20)),
        *(push(day + 0.125, 3.0, kind="aftermath", cause="outage") for day in range(20)),
    ]
    stop, after = size_of("outage", past).waves

    assert size_of("outage", past).stops
    assert stop.factor < STOPPED.factor
    assert stop.length_min == pytest.approx(180, rel=0.2)
    assert after.after_min == stop.length_min
    assert after.factor == pytest.approx(3.0, rel=0.1)


def test_an_outage_of_which_nothing_was_counted_still_tells_its_length():
    missing = [push(0, float("nan"), kind="outage", cause="outage", length_min=300.0)]
    stop, _ = size_of("outage", missing).waves

    assert stop.factor == pytest.approx(STOPPED.factor)
    assert stop.length_min > STOPPED.length_min


def test_outages_of_the_product_that_bring_more_at_once_make_one_wave():
    told = [push(day, 5.0, kind="campaign", cause="outage") for day in range(3)]
    stopped = [push(9, 0.0, kind="outage", cause="outage")]
    more = size_of("outage", [*told, *stopped])

    assert not more.stops
    assert len(more.waves) == 1
    assert more.learned_from == 3
    assert size_of("outage", [told[0], *stopped]).stops


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(
            st.floats(0.0, 1e4), st.floats(0.05, 2.0), st.sampled_from(["x", "y", "z"]),
            st.sampled_from(["campaign", "spike", "outage", "aftermath"]),
            st.sampled_from(CATEGORIES), st.floats(0, 60), st.one_of(st.none(), st.floats(0, 1e5)),
        ),
        max_size=12,
    )
)  # fmt: skip
def test_whatever_happened_a_size_is_one_that_a_scenario_can_hold(rows: list[tuple]):
    past = [
        push(day, factor, sd=sd, queue=queue, kind=kind, cause=cause, length_min=minutes,
             rise_min=minutes, half_life_min=minutes)
        for factor, sd, queue, kind, cause, day, minutes in rows
    ]  # fmt: skip
    for size in sizes_of(past, queue="x"):
        assert 0 < size.handling < 20
        for wave in size.waves:
            assert 0 <= wave.factor <= 50
            assert 0 <= wave.high <= 50
            assert 0 <= wave.rise_min <= wave.length_min <= 7 * 1440
            assert 1 <= wave.half_life_min <= 7 * 1440
