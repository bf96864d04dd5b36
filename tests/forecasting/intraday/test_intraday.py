"""The rest of the day follows what the day has shown, as far as it used to and no further."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.engine.blend import Blend
from forecasting.intraday.lessons import day_ahead, mornings
from forecasting.intraday.ratios import lead_of, over_leads, running_sums, scale_of
from forecasting.intraday.update import (
    Intraday,
    Outlook,
    learn_intraday,
    reforecast,
)
from forecasting.protocol import History, Prediction
from wfm.errors import RequestError
from wfm.frames import QUANTILES

SLOTS = 48
DAYS = 50
SHAPE = 4 + 20 * np.exp(-(((np.arange(SLOTS) / 2 - 14) / 5) ** 2))


def drawn(*, day_sd: float, level: float = 1.0, seed: int = 1, queue: str = "x") -> History:
    """Poisson counts; each day has a busyness of its own that is not known in the morning."""
    rng = np.random.default_rng(seed)
    busy = np.exp(rng.normal(0.0, day_sd, DAYS))[:, None] if day_sd else np.ones((DAYS, 1))
    counts = rng.poisson(level * SHAPE * busy).astype(float)
    days = np.datetime64("2026-01-05") + np.arange(DAYS)
    return History(queue, days, counts, np.zeros(counts.shape, dtype=bool))


def truth(history: History, level: float = 1.0) -> Prediction:
    """The rate of an ordinary day, known every morning from the third week on."""
    rate = np.broadcast_to(level * SHAPE, (len(history), 2, SLOTS)).copy()
    rate[:14] = np.nan
    return Prediction(rate, rate)


def outlook(level: float = 1.0) -> Outlook:
    mean = np.broadcast_to(level * SHAPE, (3, SLOTS)).copy()
    scores = np.array([-1.96, -1.28, 0.0, 0.84, 1.28, 1.64, 1.96])
    quantiles = np.maximum(mean[..., None] + scores * 1.5 * np.sqrt(mean)[..., None], 0.0)
    return Outlook(mean, mean, quantiles)


def today(factor: float, now: int, level: float = 1.0) -> np.ndarray:
    """Yesterday as forecast, today so much busier until `now`."""
    counts = np.full((2, SLOTS), np.nan)
    counts[0] = np.round(level * SHAPE)
    counts[1, :now] = np.round(level * SHAPE[:now] * factor)
    return counts


@pytest.fixture(scope="module")
def moody() -> Intraday:
    """Learned where a day's busyness carries over wholly."""
    histories = [drawn(day_sd=0.3, seed=seed, queue=f"q{seed}") for seed in range(4)]
    return learn_intraday(histories, [truth(history) for history in histories])


@pytest.fixture(scope="module")
def steady() -> Intraday:
    """Learned where what was seen says nothing of what comes."""
    histories = [drawn(day_sd=0.0, seed=seed, queue=f"q{seed}") for seed in range(4)]
    return learn_intraday(histories, [truth(history) for history in histories])


def test_a_busy_morning_lifts_the_rest_of_a_day_whose_mood_lasts(moody):
    found = reforecast(moody, "q0", today(1.4, 24), outlook(), 24)

    assert 1.1 < found.factor[0, 24:30].mean() < 1.4
    assert 1.05 < found.factor[0, 40:].mean() < 1.4
    assert found.spike is None
    assert "contacts so far today" in found.reason


def test_a_quiet_morning_lowers_it(moody):
    found = reforecast(moody, "q0", today(0.6, 24), outlook(), 24)

    assert 0.6 < found.factor[0, 24:30].mean() < 0.9


def test_nothing_is_moved_where_the_past_shows_no_gain(steady):
    found = reforecast(steady, "q0", today(1.4, 24), outlook(), 24)

    assert np.abs(found.factor - 1).max() < 0.08


def test_the_update_beats_the_morning_on_days_it_has_not_seen(moody):
    rng = np.random.default_rng(99)
    before = after = naive = 0.0
    for _ in range(60):
        busy = np.exp(rng.normal(0.0, 0.3))
        counts = np.stack((np.round(SHAPE), rng.poisson(SHAPE * busy).astype(float)))
        found = reforecast(moody, "q1", counts, outlook(), 20)
        rest = counts[1, 20:]
        before += np.abs(rest - SHAPE[20:]).sum()
        after += np.abs(rest - found.median[0, 20:]).sum()
        naive += np.abs(rest - SHAPE[20:] * busy).sum()
    # Knowing the day's busyness is the best there is; the update comes closer to it than not.
    assert after < before - 0.5 * (before - naive)


def test_what_has_passed_and_what_lies_a_day_ahead_stay(moody):
    base = outlook()
    found = reforecast(moody, "q0", today(1.5, 20), base, 20)

    assert (found.mean[0, :20] == base.mean[1, :20]).all()
    assert (found.mean[1, 20:] == base.mean[2, 20:]).all()
    assert (found.quantiles[1, 20:] == base.quantiles[2, 20:]).all()
    assert (found.factor[1, :20] > 1).all()


def test_counts_after_now_are_not_looked_at(moody):
    counts = today(1.3, 24)
    peeking = counts.copy()
    peeking[1, 24:] = 9_999.0

    one, two = (reforecast(moody, "q0", seen, outlook(), 24) for seen in (counts, peeking))

    assert (one.mean == two.mean).all()
    assert np.isnan(counts[1, 24:]).all()


def test_a_spike_is_told_and_does_not_lift_the_whole_day(moody):
    counts = today(1.0, 30)
    counts[1, 26:30] += 400.0
    found = reforecast(moody, "q0", counts, outlook(), 30)
    late = found.mean[0, 46:].sum() / SHAPE[46:].sum()

    assert found.spike is not None
    assert found.spike.onset == 26
    assert found.spike.so_far == pytest.approx(1600, rel=0.05)
    assert "Spike since 13:00" in found.reason
    assert found.mean[0, 30] > 2 * SHAPE[30]
    # All of the day so far came to more than three times its forecast.
    assert found.seen / found.expected > 3
    assert late < found.mean[0, 30] / SHAPE[30] / 2
    assert found.mean[0, 30:].sum() - SHAPE[30:].sum() < 1600


def test_a_closed_hour_stays_closed_through_a_busy_day_and_a_spike(moody):
    base = outlook()
    for part in (base.mean, base.median, base.quantiles):
        part[:, 40:] = 0.0
    counts = today(1.5, 30)
    counts[1, 27:30] += 400.0
    found = reforecast(moody, "q0", counts, base, 30)

    assert found.spike is not None
    assert found.mean[0, 40:].sum() == 0
    assert found.quantiles[0, 40:].sum() == 0


@pytest.mark.parametrize(
    ("queue", "now", "said"), [("stranger", 20, "too short"), ("q0", 0, "nothing has been counted")]
)
def test_a_forecast_that_stands_says_why(moody, queue, now, said):
    base = outlook()
    found = reforecast(moody, queue, today(1.5, now), base, now)

    assert said in found.reason
    assert (found.mean == base.mean[1:]).all()
    assert (found.factor == 1).all()


def test_a_past_too_short_to_judge_changes_nothing():
    history = drawn(day_sd=0.3).until(20)
    model = learn_intraday([history], [truth(history)])

    assert (model.queues["x"].shares == 0).all()
    assert (reforecast(model, "x", today(2.0, 24), outlook(), 24).factor == 1).all()


@pytest.mark.parametrize("level", [0.02, 1e5])
def test_any_level_is_updated_without_a_gap(level):
    history = drawn(day_sd=0.3, level=level)
    model = learn_intraday([history], [truth(history, level)])
    found = reforecast(model, "x", today(1.3, 24, level), outlook(level), 24)

    for values in (found.mean, found.median, found.quantiles, found.factor):
        assert np.isfinite(values).all()
        assert (values >= 0).all()


@pytest.mark.parametrize("spoilt", ["zero", "missing", "constant"])
def test_a_past_of_nothing_is_no_fault(spoilt):
    history = drawn(day_sd=0.0)
    history.counts[:] = {"zero": 0.0, "missing": np.nan, "constant": 7.0}[spoilt]
    model = learn_intraday([history], [day_ahead(Blend(), history)])
    found = reforecast(model, "x", today(1.3, 24), outlook(), 24)

    assert np.isfinite(found.quantiles).all()


def test_scaling_all_counts_scales_the_update():
    factors = []
    for level in (20.0, 20_000.0):
        rng = np.random.default_rng(3)
        busy = np.exp(rng.normal(0.0, 0.3, DAYS))[:, None]
        history = drawn(day_sd=0.0, level=level)
        history.counts[:] = np.round(level * SHAPE * busy)
        model = learn_intraday([history], [truth(history, level)])
        factors.append(
            reforecast(model, "x", today(1.3, 24, level), outlook(level), 24).factor[0, 24:]
        )

    assert factors[0] == pytest.approx(factors[1], rel=0.05)


def test_the_model_survives_its_document(moody):
    again = Intraday.from_document(json.loads(json.dumps(moody.to_document())))
    one, two = (reforecast(m, "q2", today(1.3, 24), outlook(), 24) for m in (moody, again))

    assert one.quantiles == pytest.approx(two.quantiles)
    assert one.reason == two.reason


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    now=st.integers(0, SLOTS),
    seed=st.integers(0, 2**16),
    factor=st.floats(0.0, 50.0),
    lost=st.floats(0.0, 1.0),
)
def test_quantiles_ascend_from_zero_whatever_is_counted(moody, now, seed, factor, lost):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(factor * np.tile(SHAPE, (2, 1))).astype(float)
    counts[rng.random(counts.shape) < lost] = np.nan
    found = reforecast(moody, "q3", counts, outlook(), now)

    assert np.isfinite(found.quantiles).all()
    assert (found.quantiles >= 0).all()
    assert (np.diff(found.quantiles, axis=-1) >= 0).all()
    assert (found.median == found.quantiles[..., QUANTILES.index(0.5)]).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [({"now": 99}, "between 0 and 48"), ({"counts": np.zeros((2, 96))}, "counts")],
)
def test_what_does_not_fit_is_refused_in_words(moody, change, said):
    asked = {"counts": today(1.0, 10), "base": outlook(), "now": 10, **change}

    with pytest.raises(RequestError, match=said):
        reforecast(moody, "q0", **asked)


def test_a_forecast_with_gaps_is_refused(moody):
    base = outlook()
    base.mean[2, 5] = np.nan

    with pytest.raises(RequestError, match="gaps"):
        reforecast(moody, "q0", today(1.0, 10), base, 10)


def test_histories_and_forecasts_must_belong_together():
    history = drawn(day_sd=0.0)

    with pytest.raises(RequestError, match="1 histories with 0 forecasts"):
        learn_intraday([history], [])
    with pytest.raises(RequestError, match="each day and the next"):
        learn_intraday([history], [Prediction(history.counts, history.counts)])


def test_the_engine_tells_each_morning_without_seeing_the_day():
    history = drawn(day_sd=0.2)
    (said,) = mornings([history])
    changed = drawn(day_sd=0.2)
    changed.counts[-1] *= 3
    (again,) = mornings([changed])

    assert said.mean.shape == (DAYS, 2, SLOTS)
    assert np.isnan(said.mean[:14]).all()
    assert np.isfinite(said.mean[20:-1]).all()
    # Weights of the blend see the last day, its own forecast does not.
    assert again.median[-1, 0] == pytest.approx(said.median[-1, 0], rel=0.1)


def test_sums_pass_over_spikes_and_gaps():
    expected = np.full(10, 20.0)
    counts = expected.copy()
    counts[3], counts[5] = np.nan, 900.0
    scale = scale_of(counts, expected)
    sums = running_sums(counts, expected, scale)

    assert sums.counts[-1] == pytest.approx(160.0)
    assert sums.expected[-1] == pytest.approx(160.0 * scale.level)


@pytest.mark.parametrize("slots", [24, 48, 96])
def test_leads_reach_over_the_next_day_without_steps(slots):
    assert lead_of(slots)[[0, -1]].tolist() == [0, 4]
    along = over_leads(np.array([5.0, 4.0, 3.0, 2.0, 1.0]), slots)

    assert len(along) == slots
    assert (np.diff(along) <= 0).all()
    assert along[[0, -1]].tolist() == [5.0, 1.0]
