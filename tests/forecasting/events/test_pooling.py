"""Partial pooling: against the closed form, and against campaigns drawn from its own belief."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.events import pooling
from forecasting.events.pooling import PRIOR_UPLIFT, Analogue, pooled

laws = settings(max_examples=30, deadline=None, derandomize=True)
COMING = Analogue("next", "campaign", "x", channel="email", reach=100_000)
PRIOR = float(np.log1p(PRIOR_UPLIFT))


def past(
    logs: list[float],
    *,
    category="campaign",
    queue: str = "x",
    channel: str = "email",
    reach: int = 0,
    sd: float = 0.05,
) -> list[Analogue]:
    return [
        Analogue(f"{category} {queue} {i}", category, queue, channel, reach, log, sd)
        for i, log in enumerate(logs)
    ]


def test_without_a_past_the_prior_is_given_and_wide():
    told = pooled(COMING, [])

    assert told.mean == pytest.approx(PRIOR)
    assert told.low == pytest.approx(2 * PRIOR - told.high, abs=1e-6)
    assert np.expm1(told.low) < 0.1
    assert np.expm1(told.high) > 1.2


def test_many_alike_leave_nothing_to_the_prior():
    told = pooled(COMING, past([1.0] * 40, sd=0.01))

    assert told.mean == pytest.approx(1.0, abs=0.02)
    assert told.sd < 0.08


def test_campaigns_that_scatter_give_a_wide_interval():
    calm = pooled(COMING, past([0.8, 0.82, 0.78, 0.8, 0.81, 0.79]))
    wild = pooled(COMING, past([0.2, 1.4, 0.5, 1.1, 0.9, 0.7]))

    assert wild.high - wild.low > 3 * (calm.high - calm.low)


def test_the_nearer_the_kin_the_more_it_says():
    far = [1.5] * 3
    pulls = [
        pooled(COMING, past(far)).mean,
        pooled(COMING, past(far, queue="y")).mean,
        pooled(COMING, past(far, queue="y", channel="x")).mean,
        pooled(COMING, past(far, queue="y", channel="x", category="outage")).mean,
    ]

    # Own queue, own channel, own category, another category: each less than the one before.
    assert pulls == sorted(pulls, reverse=True)
    assert pulls[-1] > PRIOR


def test_a_campaign_that_reached_more_says_to_expect_less_of_a_smaller_one():
    everyone = [
        *past([1.2] * 3, reach=1_000_000),
        *(replace(one, name=f"small {one.name}") for one in past([0.6] * 3, reach=10_000)),
    ]

    large = pooled(Analogue("next", "campaign", "x", "email", 1_000_000), everyone).mean
    little = pooled(Analogue("next", "campaign", "x", "email", 10_000), everyone).mean

    assert large > little + 0.1


def test_what_a_running_campaign_has_shown_is_what_it_will_do():
    others = past([0.3, 0.9, 0.5, 0.7])
    shown = Analogue("next", "campaign", "x", "email", 0, 1.4, 0.03)

    assert pooled(COMING, [*others, shown]).mean == pytest.approx(1.4, abs=0.15)
    elsewhere = Analogue("next", "campaign", "y", "x", 0, 1.4, 0.03)
    assert pooled(COMING, others).mean < pooled(COMING, [*others, elsewhere]).mean < 1.4


def test_one_scatter_alone_gives_the_textbook_posterior(monkeypatch: pytest.MonkeyPatch):
    """With the scatter known and one queue, pooling is the mean of a normal with a normal prior."""
    monkeypatch.setattr(pooling, "SCATTERS", np.array([0.2]))
    logs, sd = [0.9, 0.7, 1.1], 0.1
    told = pooled(COMING, past(logs, sd=sd))

    centre = (
        pooling.ALL_SD**2 + pooling.CATEGORY_SD**2 + pooling.CHANNEL_SD**2 + pooling.QUEUE_SD**2
    )
    each = 0.2**2 + sd**2
    precision = 1 / centre + len(logs) / each
    mean = PRIOR + sum(log - PRIOR for log in logs) / each / precision
    assert told.mean == pytest.approx(mean)
    assert told.sd == pytest.approx(np.sqrt(1 / precision + 0.2**2))
    assert told.high - told.mean == pytest.approx(1.2816 * told.sd, rel=1e-3)


def test_the_interval_holds_as_often_as_it_says():
    rng = np.random.default_rng(11)
    held = []
    for _ in range(250):
        centre, scatter = rng.normal(PRIOR, 0.4), rng.choice([0.08, 0.15, 0.3])
        logs = rng.normal(centre, scatter, 6)
        seen = past(list(logs[:5] + rng.normal(0, 0.05, 5)))
        told = pooled(COMING, seen)
        held.append(told.low <= logs[5] <= told.high)

    assert np.mean(held) == pytest.approx(0.8, abs=0.06)


@laws
@given(
    logs=st.lists(st.floats(-2.3, 12), max_size=12),
    sd=st.floats(0.02, 50),
    reach=st.sampled_from([0, 1, 10**9]),
)
def test_the_answer_is_finite_ordered_and_does_not_depend_on_order(logs, sd, reach):
    seen = past(logs, sd=sd, reach=reach)
    told, turned = pooled(COMING, seen), pooled(COMING, seen[::-1])

    assert np.isfinite([told.mean, told.sd, told.low, told.high]).all()
    assert told.low < told.high
    assert told.sd > 0
    assert turned.mean == pytest.approx(told.mean, abs=1e-6)
    assert turned.high == pytest.approx(told.high, abs=1e-6)
