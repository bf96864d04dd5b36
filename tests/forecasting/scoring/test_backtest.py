"""The back-test as a table."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from forecasting.scoring.backtest import backtest
from wfm.errors import NotFound, RequestError


def test_a_back_test_has_a_row_for_each_model_horizon_and_step(make_volumes, make_brand) -> None:
    brand = make_brand("x", country=None)

    table = backtest(make_volumes(days=84), brand, (), queue="x", models=("blend",), seed=1)

    keys = ["model", "horizon_days", "step"]
    assert [tuple(row) for row in table[keys].to_numpy()] == list(
        product(["weekly_naive", "blend"], [1, 7], ["15min", "hour", "day"])
    )
    week = table[(table["model"] == "blend") & (table["horizon_days"] == 7)].set_index("step")
    assert (week["relative_wape"] < [0.85, 0.9, 1.05]).all()
    np.testing.assert_allclose(week["wape"] / week["naive_wape"], week["relative_wape"])
    assert week["champion"].all()
    # Sums are easier to tell than their parts.
    assert week["wape"].is_monotonic_decreasing
    assert week.loc["15min", "coverage80"] == pytest.approx(0.8, abs=0.06)


def test_a_back_test_of_nothing_is_refused(make_volumes, make_brand) -> None:
    with pytest.raises(NotFound, match="no queue 'y'"):
        backtest(make_volumes(), make_brand("x"), (), queue="y", seed=1)
    with pytest.raises(RequestError, match="0 origins"):
        backtest(make_volumes(), make_brand("x"), (), queue="x", origins=0, seed=1)
    with pytest.raises(RequestError, match=r"'arima'; there are .*prophet_tuned"):
        backtest(make_volumes(), make_brand("x"), (), queue="x", models=("arima",), seed=1)
