"""Who makes the forecast, and what is told of those who tried."""

from __future__ import annotations

import numpy as np
import pytest

from forecasting.engine.blend import Blend
from forecasting.naive import WeeklyNaive
from forecasting.protocol import History, Prediction, refit_at_each, truth_of
from forecasting.scoring.champion import DEFAULT, Trial, accuracy_of, choose, origins_of, try_model

FOUR = (12, 20, 28, 36)


def trial(model: str, *errors: float, origins: tuple[int, ...] = FOUR) -> Trial:
    """A trial that misses every interval by its error, one for all origins or one for each."""
    actual = np.full((len(origins), 14, 96), 10.0)
    miss = np.broadcast_to(np.array(errors), len(origins))[:, None, None]
    off = Prediction(actual + miss, actual + miss)
    return Trial(model, np.array(origins), off, actual, 0.0)


def history(days: int, seed: int = 1, level: float = 9.0) -> History:
    """A gamma factor a day over Poisson counts."""
    rng = np.random.default_rng(seed)
    factor = rng.gamma(50, 0.02, size=(days, 1))
    counts = rng.poisson(level * factor, size=(days, 96)).astype(float)
    dates = np.datetime64("2026-01-05") + np.arange(days)
    return History("x", dates, counts, np.zeros(counts.shape, dtype=bool))


@pytest.mark.parametrize(("error", "wins"), [(0.99, DEFAULT), (0.97, "prophet"), (1.2, DEFAULT)])
def test_another_model_must_win_by_more_than_two_percent(error: float, wins: str) -> None:
    trials = [trial("weekly_naive", 2.0), trial(DEFAULT, 1.0), trial("prophet", error)]

    assert choose(trials) == wins


def test_only_shared_origins_are_compared() -> None:
    default = trial(DEFAULT, 50.0, 1.0, 1.0, 1.0)  # a bad week the challenger was not asked about

    assert choose([default, trial("harmonic", 0.995, origins=(28, 36))]) == DEFAULT
    assert choose([default, trial("harmonic", 0.5, origins=(99,))]) == DEFAULT


def test_the_best_of_several_winners_is_chosen() -> None:
    trials = [trial(DEFAULT, 1.0), trial("harmonic", 0.9), trial("prophet", 0.8)]

    assert choose(trials) == "prophet"


def test_without_the_default_the_least_error_wins() -> None:
    assert choose([trial("weekly_naive", 2.0), trial("harmonic", 1.0)]) == "harmonic"


def test_an_incumbent_stays_where_the_default_is_only_a_little_better() -> None:
    trials = [trial(DEFAULT, 0.99), trial("harmonic", 1.0)]

    assert choose(trials, incumbent="harmonic") == "harmonic"
    assert choose(trials) == DEFAULT


def test_an_incumbent_goes_when_beaten_over_the_last_two_weeks_and_not_worse_over_all() -> None:
    holder = trial("harmonic", 1.0)

    assert choose([trial(DEFAULT, 1.0, 1.0, 0.9, 0.9), holder], "harmonic") == DEFAULT
    # Better of late, worse over all.
    assert choose([trial(DEFAULT, 1.5, 1.5, 0.9, 0.9), holder], "harmonic") == "harmonic"
    # Better over all, not of late.
    assert choose([trial(DEFAULT, 0.5, 0.5, 0.99, 0.99), holder], "harmonic") == "harmonic"
    # Better in the last week alone.
    assert choose([trial(DEFAULT, 1.0, 1.0, 1.1, 0.9), holder], "harmonic") == "harmonic"


def test_a_week_of_scored_days_does_not_unseat_an_incumbent() -> None:
    short = trial(DEFAULT, 0.5, origins=(36,))

    assert choose([short, trial("harmonic", 1.0)], incumbent="harmonic") == "harmonic"


def test_days_of_which_nothing_is_known_do_not_count_for_the_two_weeks() -> None:
    # The last two origins score a day each: earlier weeks are called to witness.
    better, worse = trial(DEFAULT, 0.9, 0.9, 1.0, 1.0), trial(DEFAULT, 1.06, 1.06, 0.5, 0.5)
    holder = trial("harmonic", 1.0)
    for one in (better, worse, holder):
        one.actual[2:, 1:] = np.nan

    assert choose([better, holder], incumbent="harmonic") == DEFAULT
    assert choose([worse, holder], incumbent="harmonic") == "harmonic"


@pytest.mark.parametrize("first", [DEFAULT, "harmonic"])
def test_models_that_win_by_turns_by_one_percent_never_change_the_champion(first: str) -> None:
    champion = first
    weekly = np.where(np.arange(20) % 2 == 0, 0.99, 1.01)
    for week in range(4, 20):
        origins = tuple(8 * k for k in range(week))
        trials = [
            trial(DEFAULT, *weekly[:week], origins=origins),
            trial("harmonic", *(2.0 - weekly[:week]), origins=origins),
        ]
        champion = choose(trials, incumbent=champion)
        assert champion == first


def test_an_incumbent_that_was_not_tried_leaves_the_place_to_the_default() -> None:
    trials = [trial(DEFAULT, 1.0), trial("weekly_naive", 0.99)]

    assert choose(trials, incumbent="prophet") == DEFAULT


def test_a_model_that_never_errs_is_not_beaten() -> None:
    assert choose([trial(DEFAULT, 0.0), trial("weekly_naive", 0.0)]) == DEFAULT


def test_origins_leave_a_week_to_score_and_two_to_learn_from() -> None:
    assert origins_of(history(60), 8).tolist() == [21, 29, 37, 45, 53]
    assert origins_of(history(60), 2).tolist() == [45, 53]
    assert origins_of(history(14), 8).tolist() == [7]


def test_the_truth_of_an_origin_is_what_came_after_it() -> None:
    past = history(30)

    actual = truth_of(past, [20, 28], 7)

    np.testing.assert_array_equal(actual[0], past.counts[20:27])
    np.testing.assert_array_equal(actual[1, :2], past.counts[28:])
    assert np.isnan(actual[1, 2:]).all()


@pytest.mark.parametrize("model", [WeeklyNaive(), Blend()], ids=lambda m: m.name)
def test_no_model_sees_past_its_origin(model) -> None:
    past = history(40)
    changed = past.counts.copy()
    changed[30:] = 999.0
    future = History("x", past.days, changed, past.known)
    origins = np.array([22, 30])

    one, two = (model.roll(h, origins, 7) for h in (past, future))

    np.testing.assert_array_equal(one.median, two.median)
    np.testing.assert_array_equal(one.mean, two.mean)


def test_the_naive_looks_further_back_where_a_week_ago_is_missing() -> None:
    past = history(28)
    past.counts[21:, 10] = np.nan

    told = WeeklyNaive().predict(past, past.days[-7:] + np.timedelta64(7, "D")).median

    np.testing.assert_array_equal(told[:, 11], past.counts[21:, 11])
    np.testing.assert_array_equal(told[:, 10], past.counts[14:21, 10])


def test_the_naive_of_a_slot_its_weekday_never_showed_is_that_of_the_others() -> None:
    past = history(28)
    past.counts[past.weekday == 2, 10] = np.nan
    past.counts[:, 20] = np.nan

    told = WeeklyNaive().predict(past, past.days[-7:] + np.timedelta64(7, "D")).median

    others = past.counts[-7:, 10][past.weekday[-7:] != 2]
    assert told[2, 10] == pytest.approx(others.mean())
    assert (told[:, 20] == 0).all()


def test_cheap_models_roll_and_challengers_are_fitted_anew_at_fewer_origins() -> None:
    class Picky(WeeklyNaive):
        def refusal(self, history: History) -> str | None:
            return "too short" if len(history) < 90 else None

    past = history(130)
    picky = Picky(name="picky", cost="challenger")
    cheap, dear = (try_model(m, past, origins=None) for m in (WeeklyNaive(), picky))

    assert cheap is not None
    assert dear is not None
    assert (len(cheap.origins), len(dear.origins)) == (12, 4)
    np.testing.assert_array_equal(dear.origins, cheap.origins[-4:])
    again = refit_at_each(WeeklyNaive(), past, dear.origins, 14)
    np.testing.assert_array_equal(dear.prediction.median, again.median)
    assert try_model(picky, history(60), origins=None) is None


def test_accuracy_is_told_per_quarter_hour_hour_and_day_with_bands_that_hold() -> None:
    found: dict[str, list[tuple[float, ...]]] = {}
    for seed in range(4):
        past = history(126, seed=seed, level=20.0)
        naive, own = (try_model(m, past, origins=None) for m in (WeeklyNaive(), Blend()))
        assert naive is not None
        assert own is not None
        for line in accuracy_of(own, naive, past, champion=True):
            shares = (line.coverage80, line.coverage95, line.naive.coverage80)
            assert None not in shares
            assert line.relative_wape is not None
            assert line.relative_wape < 1.0
            assert line.origins == 12
            found.setdefault(line.step, []).append(shares)

    assert list(found) == ["15min", "hour", "day"]
    for shares in found.values():
        held80, held95, naive80 = np.mean(shares, axis=0)
        assert 0.76 <= held80 <= 0.86
        assert 0.92 <= held95 <= 0.975
        assert 0.74 <= naive80 <= 0.88


def test_bands_of_an_origin_know_nothing_of_the_week_it_is_scored_on() -> None:
    past = history(100)
    naive = try_model(WeeklyNaive(), past, origins=None)
    assert naive is not None
    # The last week runs wild: no band may have learned from it, by whichever origin.
    wild = Trial("x", naive.origins, naive.prediction, naive.actual.copy(), 0.0)
    day = naive.ahead >= naive.origins[-1]
    wild.actual[day] = 500.0

    for step in ("15min", "hour", "day"):
        calm_bands, wild_bands = naive.quantiles(step, 7), wild.quantiles(step, 7)
        assert calm_bands is not None
        assert wild_bands is not None
        np.testing.assert_array_equal(calm_bands[-1], wild_bands[-1])


def test_too_few_days_leave_the_bands_of_days_undefined() -> None:
    past = history(28)
    naive = try_model(WeeklyNaive(), past, origins=None)
    assert naive is not None

    quarter, _, day = accuracy_of(naive, naive, past, champion=True)

    assert len(naive.origins) == 1
    assert quarter.wape is not None
    assert (day.coverage80, day.coverage95, day.pinball) == (None, None, None)


def test_a_queue_without_contacts_is_scored_without_nan() -> None:
    past = history(60, level=0.0)
    naive = try_model(WeeklyNaive(), past, origins=None)
    assert naive is not None

    for line in accuracy_of(naive, naive, past, champion=True):
        assert (line.wape, line.bias, line.mase, line.pinball) == (None, None, None, None)
        assert line.coverage80 in (None, 1.0)
