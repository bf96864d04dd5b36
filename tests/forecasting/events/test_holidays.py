"""What holidays do is learned, put on top of ordinary days, and kept out of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecasting.engine.blend import Blend
from forecasting.events.daytypes import touched_days
from forecasting.events.holidays import holiday_effect, moved_by_holidays
from forecasting.forecast import make_forecast
from forecasting.grid import day_range, weekdays
from forecasting.protocol import History

laws = settings(max_examples=15, deadline=None, derandomize=True)
BERLIN = ZoneInfo("Europe/Berlin")
# The Monday before Easter's Monday 2026; Good Friday is 3 April, Easter Monday 6 April.
BEFORE_EASTER = datetime(2026, 3, 29, 22, tzinfo=UTC)
SATURDAY_SUNDAY = frozenset({5, 6})


def forecast(volumes, brand, *, start):
    return make_forecast(
        volumes, brand, (), start=start, end=start + timedelta(weeks=1), seed=1,
        models=("blend",),
    )  # fmt: skip


def by_day(table):
    return table["mean"].groupby(table["start"].dt.tz_convert(BERLIN).dt.date).sum()


def series(
    first: str,
    last: str,
    country: str,
    *,
    weekend=SATURDAY_SUNDAY,
    rest: float = 0.5,
    holiday: float = 1.0,
    level: float = 20.0,
    slots: int = 96,
    seed: int = 5,
) -> History:
    """Poisson counts with a quieter weekend, and holidays at `holiday` times the ordinary day."""
    days = day_range(np.datetime64(first), np.datetime64(last))
    shape = 0.2 + np.exp(-(((np.arange(slots) / slots - 0.58) / 0.16) ** 2))
    rate = level * np.where(np.isin(weekdays(days), sorted(weekend)), rest, 1.0)
    for touched in touched_days(days, (country,), weekend):
        if touched.kind in ("holiday", "great holiday"):
            rate[touched.row] *= holiday
    rng = np.random.default_rng(seed)
    counts = rng.poisson(rate[:, None] * shape * rng.gamma(400, 1 / 400, (len(days), 1)))
    counts = counts.astype(float)
    known = np.zeros(counts.shape, dtype=bool)
    known[moved_by_holidays(days, counts, (country,))] = True
    return History("x", days, counts, known)


def effect_on(history: History, day: str, *countries: str) -> tuple[float, float]:
    """Factor on the total of the day and the sd of its logarithm."""
    days = day_range(np.datetime64(day), np.datetime64(day))
    effect = holiday_effect(history, days, countries, np.zeros(history.counts.shape, dtype=bool))
    ordinary = (history.weekday == weekdays(days)[0]) & ~history.known[:, 0]
    usual = history.counts[ordinary].mean(axis=0)
    return float((usual * effect.factor[0]).sum() / usual.sum()), float(effect.sd[0, 0])


# -- through the whole forecast ------------------------------------------------------------------


def test_a_holiday_never_seen_before_is_like_a_sunday(make_volumes, make_brand):
    volumes = make_volumes(days=56, before=BEFORE_EASTER, level=40.0, day_cv=0.03)

    result = forecast(volumes, make_brand("x"), start=BEFORE_EASTER)

    days = by_day(result.table)
    friday, thursday, sunday = (days[date(2026, 4, d)] for d in (3, 2, 5))
    assert friday / thursday == pytest.approx(0.6, abs=0.08)
    assert friday == pytest.approx(sunday, rel=0.12)
    assert any(
        "Good Friday" in note and "2026-04-03" in note and "quiet day" in note
        for note in result.notes
    )


def test_without_a_market_there_is_no_holiday(make_volumes, make_brand):
    volumes = make_volumes(days=56, before=BEFORE_EASTER, level=40.0, day_cv=0.03)

    days = by_day(forecast(volumes, make_brand("x", country=None), start=BEFORE_EASTER).table)

    assert days[date(2026, 4, 3)] == pytest.approx(days[date(2026, 4, 2)], rel=0.1)


def test_past_holidays_teach_the_next_and_leave_ordinary_days_alone(make_volumes, make_brand):
    start = datetime(2026, 5, 10, 22, tzinfo=UTC)  # Ascension Day is 14 May
    volumes = make_volumes(days=140, before=start, level=40.0, day_cv=0.03)
    local = volumes["start"].dt.tz_convert(BERLIN).dt.date
    feasts = [date(2026, 1, 1), date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 1)]
    silent = volumes.assign(
        contacts=np.where(local.isin(feasts), volumes["contacts"] // 5, volumes["contacts"])
    )

    busy_days = by_day(forecast(volumes, make_brand("x"), start=start).table)
    quiet_days = by_day(forecast(silent, make_brand("x"), start=start).table)

    ascension, wednesday = date(2026, 5, 14), date(2026, 5, 13)
    assert busy_days[ascension] / busy_days[wednesday] > 0.75
    assert quiet_days[ascension] / quiet_days[wednesday] < 0.5
    # The day before is an eve; its own effect is learned and small.
    monday = date(2026, 5, 11)
    assert quiet_days[monday] == pytest.approx(busy_days[monday], rel=0.02)


# -- other patterns ------------------------------------------------------------------------------


def test_a_desk_that_shuts_on_holidays_is_forecast_near_nothing():
    history = series("2025-07-01", "2026-05-22", "US", rest=0.6, holiday=0.0)

    factor, _ = effect_on(history, "2026-05-25", "US")  # Memorial Day

    assert factor < 0.03


def test_a_brand_that_doubles_on_holidays_is_forecast_near_double():
    history = series("2025-07-01", "2026-05-22", "US", holiday=2.0)

    factor, sd = effect_on(history, "2026-05-25", "US")

    assert factor == pytest.approx(2.0, rel=0.2)
    assert sd < 0.3


def test_a_friday_saturday_weekend_is_what_israeli_holidays_are_like():
    weekend = frozenset({4, 5})
    history = series("2026-01-04", "2026-03-31", "IL", weekend=weekend, rest=0.3, slots=48)

    factor, _ = effect_on(history, "2026-04-02", "IL")  # Pesach, a Thursday

    assert factor == pytest.approx(0.3, abs=0.08)


def test_the_same_holiday_a_year_ago_counts_more_than_others():
    history = series("2024-07-01", "2025-12-20", "US", holiday=0.9)
    christmas = int((np.datetime64("2024-12-25") - history.days[0]).astype(int))
    history.counts[christmas] *= 0.3

    this_year, _ = effect_on(history, "2025-12-25", "US")
    other, _ = effect_on(history, "2026-01-19", "US")

    assert this_year < 0.6
    assert other > 0.8


def test_the_bands_are_wider_the_less_is_known():
    long = series("2024-07-01", "2026-05-22", "US", holiday=0.7)
    _, told = effect_on(long, "2026-05-25", "US")
    _, untold = effect_on(long.since(len(long) - 28), "2026-05-25", "US")

    assert 0.02 < told < 0.75 * untold


def test_the_shape_of_the_day_is_learned_and_its_total_kept():
    history = series("2025-01-01", "2026-05-22", "US", holiday=0.8)
    for touched in touched_days(history.days, ("US",), SATURDAY_SUNDAY):
        if touched.kind == "holiday":
            # Nobody writes before ten; the evening makes up for it.
            history.counts[touched.row, 20:40] = 0.0
            history.counts[touched.row, 68:88] *= 1.5
    days = day_range(np.datetime64("2026-05-25"), np.datetime64("2026-05-25"))

    effect = holiday_effect(history, days, ("US",), np.zeros(history.counts.shape, dtype=bool))

    factor = effect.factor[0]
    assert factor[24:36].mean() < 0.45 < 0.8 < factor[72:84].mean()


def test_with_half_of_the_markets_off_half_of_the_effect_shows():
    # No holiday in these weeks; the weekend has three tenths of a workday's contacts.
    history = series("2026-05-27", "2026-06-17", "US", rest=0.3)

    whole, _ = effect_on(history, "2026-06-19", "US")
    half, _ = effect_on(history, "2026-06-19", "US", "GB")

    assert whole == pytest.approx(0.3, abs=0.03)
    assert half == pytest.approx(0.65, abs=0.03)


def test_what_one_market_does_on_its_holidays_says_little_of_another():
    # Half of the contacts are American and stay away on American holidays only.
    history = series("2025-07-01", "2026-05-22", "US", rest=1.0, holiday=0.5)

    american, _ = effect_on(history, "2026-05-25", "US", "JP")
    japanese, _ = effect_on(history, "2026-07-20", "US", "JP")

    assert american == pytest.approx(0.5, abs=0.06)
    assert japanese == pytest.approx(1.0, abs=0.06)


def test_a_desk_without_weekend_counts_is_not_taken_to_shut_on_holidays():
    history = series("2026-03-02", "2026-05-22", "US")
    history.counts[history.weekday >= 5] = np.nan

    factor, sd = effect_on(history, "2026-05-25", "US")

    assert 0.4 < factor < 0.8
    assert sd > 0.15


def test_every_weekday_keeps_a_day_to_learn_from():
    # Two weeks in which every weekend is a long one.
    days = day_range(np.datetime64("2025-12-22"), np.datetime64("2026-01-04"))
    counts = np.ones((len(days), 96))

    apart = moved_by_holidays(days, counts, ("US",))

    assert set(weekdays(days)[~apart]) == {0, 1, 2, 4, 5, 6}
    assert apart[[3, 10]].all()  # Christmas and New Year's Day, both Thursdays


# -- laws ----------------------------------------------------------------------------------------


@laws
@given(
    length=st.integers(14, 500),
    country=st.sampled_from(["US", "DE", "IL", "JP"]),
    level=st.sampled_from([0.0, 0.05, 3.0, 1e9]),
    slots=st.sampled_from([24, 48, 96]),
    missing=st.floats(0, 0.9),
)
def test_the_effect_is_always_finite_and_says_nothing_of_ordinary_days(
    length, country, level, slots, missing
):
    rng = np.random.default_rng(length)
    days = day_range(np.datetime64("2025-06-30"), np.datetime64("2025-06-30") + length - 1)
    counts = rng.poisson(level, (length, slots)).astype(float)
    counts[rng.random((length, slots)) < missing] = np.nan
    known = np.zeros(counts.shape, dtype=bool)
    known[moved_by_holidays(days, counts, (country,))] = True
    ahead = day_range(days[-1] + 1, days[-1] + 40)

    effect = holiday_effect(History("x", days, counts, known), ahead, (country,), known & False)

    assert np.isfinite(effect.factor).all()
    assert (effect.factor >= 0).all()
    assert np.isfinite(effect.sd).all()
    assert (effect.sd >= 0).all()
    touched = {t.row for t in touched_days(ahead, (country,), SATURDAY_SUNDAY)}
    touched |= {t.row for t in touched_days(ahead, (country,), frozenset({4, 5}))}
    touched |= {t.row for t in touched_days(ahead, (country,), frozenset({3, 4}))}
    for row in set(range(40)) - touched:
        assert (effect.factor[row] == 1).all()
        assert effect.sd[row, 0] == 0


def test_only_the_history_s_own_days_are_looked_at():
    history = series("2025-07-01", "2026-02-28", "US", holiday=0.5)
    nothing = np.zeros(history.counts.shape, dtype=bool)
    later = history.counts.copy()
    later[180:] *= 7
    changed = History("x", history.days, later, history.known)

    effects = [
        holiday_effect(one.until(180), history.days[180:187], ("US",), nothing[:180])
        for one in (history, changed)
    ]

    np.testing.assert_array_equal(effects[0].factor, effects[1].factor)
    np.testing.assert_array_equal(effects[0].sd, effects[1].sd)
    assert (effects[0].factor != 1).any()


@pytest.mark.parametrize("weekend", [0.0, 0.25])
def test_a_calendar_of_holidays_that_nobody_keeps_costs_next_to_nothing(weekend):
    """Workday calls through a year of holidays without effect: they teach that there is none."""
    rng = np.random.default_rng(0)
    days = np.datetime64("2025-06-01") + np.arange(330)
    hour = np.arange(48) / 2
    shape = np.where((hour >= 8) & (hour < 18), np.exp(-(((hour - 13) / 4) ** 2)), 0.0)
    level = np.where(weekdays(days) >= 5, weekend, 1.0) * rng.gamma(100, 0.01, len(days))
    counts = rng.poisson(12 * level[:, None] * shape).astype(float)

    kept, none = (rolled_miss(days, counts, country) for country in ("US", None))

    assert kept < 1.01 * none


def rolled_miss(days: np.ndarray, counts: np.ndarray, country: str | None) -> float:
    """Absolute error of the engine's next week, from every week since September."""
    countries, missed = ((country,) if country else ()), 0.0
    for origin in range(100, len(days) - 7, 7):
        known = np.repeat(
            moved_by_holidays(days[:origin], counts[:origin], countries)[:, None], 48, axis=1
        )
        history = History("x", days[:origin], counts[:origin], known)
        week = days[origin : origin + 7]
        told = Blend().predict(history, week).median
        told = told * holiday_effect(history, week, countries, np.zeros_like(known)).factor
        missed += float(np.abs(told - counts[origin : origin + 7]).sum())
    return missed


def test_counts_moved_by_a_campaign_teach_nothing_of_holidays():
    history = series("2025-07-01", "2026-05-22", "US", holiday=0.8)
    moved = np.zeros(history.counts.shape, dtype=bool)
    for touched in touched_days(history.days, ("US",), SATURDAY_SUNDAY):
        if touched.kind == "holiday" and touched.row % 2:
            moved[touched.row] = True
    loud = history.counts.copy()
    loud[moved] *= 5
    days = day_range(np.datetime64("2026-05-25"), np.datetime64("2026-05-25"))

    plain = holiday_effect(history, days, ("US",), moved)
    pushed = holiday_effect(History("x", history.days, loud, history.known), days, ("US",), moved)

    np.testing.assert_allclose(plain.factor, pushed.factor)
