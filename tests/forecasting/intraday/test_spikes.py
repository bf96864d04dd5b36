"""Spikes are found whatever a brand's size, and their excess dies away as past spikes did."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.intraday import spikes
from forecasting.intraday.spikes import Decay
from wfm.frames import QUANTILES

PER_HOUR = 4.0


def day(level: float, *, seed: int = 1, days: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Poisson counts and their rate."""
    expected = np.full(96 * days, level)
    return np.random.default_rng(seed).poisson(expected).astype(float), expected


def with_excess(counts: np.ndarray, at: int, first: float, *, tau: float = 2.0, power: float = 1.0):
    """The counts with a spike that decays by a power law from slot `at` on."""
    ahead = np.arange(len(counts) - at)
    found = counts.copy()
    found[at:] += np.round(first * (1 + ahead / tau) ** -power)
    return found


@pytest.mark.parametrize("level", [0.5, 20.0, 20_000.0])
def test_an_onset_is_found_at_any_size_and_calm_days_have_none(level: float):
    counts, expected = day(level)
    spread = spikes.spread_of(counts, expected)
    assert not spikes.stands_out(counts, expected, spread).any()

    hit = with_excess(counts, 150, max(40.0, 8 * level))
    found = spikes.onsets(spikes.stands_out(hit, expected, spread), 32)

    assert found.tolist() == [150]


def test_a_second_hit_within_eight_quiet_hours_is_the_same_spike():
    out = np.zeros(200, dtype=bool)
    out[[10, 11, 30, 63, 120]] = True

    # Slots 11 to 30 and 30 to 63 lie closer than, or at, 32 and 33 slots.
    assert spikes.onsets(out, 32).tolist() == [10, 63, 120]


def test_the_ledger_holds_the_excess_of_each_spike():
    counts, expected = day(10.0)
    counts[50:54] += 200.0
    (line,) = spikes.ledger(counts, expected, spikes.spread_of(counts, expected), per_hour=PER_HOUR)

    assert (line.onset, line.slots) == (50, 4)
    assert line.excess == pytest.approx((counts - expected)[50:54].sum())


def test_a_calm_run_leaves_the_ledger_empty():
    counts, expected = day(10.0)

    assert spikes.ledger(counts, expected, 1.0, per_hour=PER_HOUR) == ()


def test_one_wild_quarter_hour_is_not_taken_to_last():
    counts, expected = day(10.0)
    counts[100], counts[101] = 900.0, 14.0

    spike = spikes.running(counts[:102], expected[:102], 1.0, per_hour=PER_HOUR)

    assert spike is not None
    assert spike.onset == -2
    assert spike.lasting == pytest.approx(4.0)
    assert spikes.running(counts[:115], expected[:115], 1.0, per_hour=PER_HOUR) is None


def test_little_is_believed_before_an_hour_has_passed():
    ahead = np.arange(1, 9) / PER_HOUR
    young, old = (spikes.Spike("x", -n, n / PER_HOUR, 400, 100) for n in (2, 4))
    decay = Decay(tau_h=0.5, power=0.8, early=0.1)

    cut = np.exp(-((ahead / spikes.ENDS_H) ** 2))
    assert decay.remaining(old, ahead) == pytest.approx(100 * (1 + ahead / 0.5) ** -0.8 * cut)
    assert decay.remaining(young, ahead) == pytest.approx(0.1 * decay.remaining(old, ahead))


def test_without_past_spikes_the_decay_is_the_prior():
    counts, expected = day(20.0)
    calm = spikes.episodes(counts, expected, 1.0, per_hour=PER_HOUR)

    assert calm == ()
    assert spikes.learn_decay(calm) == Decay()


def test_many_slow_spikes_teach_a_slow_decay():
    slow, fast = (
        spikes.learn_decay(
            [
                episode
                for seed in range(60)
                for episode in spikes.episodes(
                    with_excess(*_quiet(seed), first=400.0, tau=tau, power=power),
                    np.full(288, 10.0),
                    1.0,
                    per_hour=PER_HOUR,
                )
            ]
        )
        for tau, power in ((8.0, 0.5), (1.0, 2.0))
    )
    ahead = np.array([2.0])
    spike = spikes.Spike("x", -4, 1.0, 400, 100)

    assert slow.spikes >= 50
    assert slow.remaining(spike, ahead) > 1.5 * fast.remaining(spike, ahead)


def _quiet(seed: int) -> tuple[np.ndarray, int]:
    return day(10.0, seed=seed)[0], 150


def test_the_decay_survives_its_document():
    decay = Decay(tau_h=0.7, power=1.1, spikes=12)

    assert Decay.from_document(decay.to_document()) == decay


def test_a_spike_ends_when_it_is_lost_in_the_scatter():
    decay = Decay(tau_h=0.5, power=1.0)
    spike = spikes.Spike("x", -4, 1.0, 400, 100)

    # 100 / (1 + h / 0.5) = 20 at h = 2; with the tail cut, a little before.
    end = spikes.expected_end_h(spike, decay, 20.0)
    assert 1.5 < end < 2.0
    assert decay.remaining(spike, np.array([end]))[0] == pytest.approx(20.0, rel=0.02)
    assert spikes.expected_end_h(spike, decay, 200.0) == 0.0


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.lists(st.floats(0, 500), min_size=7, max_size=7),
    st.floats(0, 1e6),
)
def test_quantiles_of_a_spike_ascend_and_never_fall_below_the_day_without_it(values, left):
    quantiles = np.sort(np.array(values))[None]
    found = spikes.with_spike(quantiles, np.array([left]), Decay())

    assert (np.diff(found[0]) >= 0).all()
    assert (found[0] >= np.minimum(quantiles[0], found[0, QUANTILES.index(0.5)]) - 1e-6).all()
    middle = QUANTILES.index(0.5)
    assert found[0, middle] == pytest.approx(quantiles[0, middle] + left)
