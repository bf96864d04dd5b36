from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.console.why import Basis, explain
from api.planning.parts import Known, Stretch
from wfm.adjustments import Adjustment
from wfm.campaigns import Campaign
from wfm.frames import QUANTILE_COLUMNS, interval_index
from wfm.timegrid import local_midnight

BERLIN = ZoneInfo("Europe/Berlin")
START = local_midnight(date(2026, 3, 2), BERLIN)
NINE = START + timedelta(hours=9)
INDEX = interval_index(START, START + timedelta(days=1))
NOTHING = Known(holidays=(), campaigns=(), adjustments=())


def basis(*, adjusted: float = 0.0, seed: int = 0) -> Basis:
    """Two queues for a day; planners have added `adjusted` contacts to each interval."""
    rng = np.random.default_rng(seed)
    tables, parts, models, sums = [], [], [], []
    for queue in ("x", "mail"):
        own = pd.DataFrame(
            {
                "start": INDEX,
                "queue": queue,
                "baseline": rng.uniform(5, 9, len(INDEX)),
                "holiday": rng.uniform(-2, 0, len(INDEX)),
                "campaign": rng.uniform(0, 2, len(INDEX)),
                "correction": rng.uniform(-1, 1, len(INDEX)) + adjusted,
            }
        )
        mean = own[["baseline", "holiday", "campaign", "correction"]].sum(axis=1)
        rows = pd.DataFrame(
            {"start": INDEX, "queue": queue, "mean": mean, "aht_s": 200.0, "model": "blend"}
        )
        parts.append(own)
        tables.append(rows)
        models.append(rows.assign(mean=mean - adjusted))
        sums.append(mean.set_axis(INDEX))
    hourly = sum(sums).resample("1h").sum()
    bands = pd.DataFrame(dict.fromkeys(QUANTILE_COLUMNS, hourly))
    return Basis(*(pd.concat(t, ignore_index=True) for t in (tables, parts, models)), bands)


def hour(known: Known = NOTHING, tables: Basis | None = None, queues=("x", "mail")):
    return explain(
        tables or basis(), known, Stretch(NINE, NINE + timedelta(hours=1), "hour", BERLIN), queues
    )


def part(why, name):
    return next(p for p in why.parts if p.name == name)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(adjusted=st.floats(-2, 50), seed=st.integers(0, 50))
def test_the_parts_add_up_to_the_number(adjusted, seed):
    tables = basis(adjusted=adjusted, seed=seed)

    why = hour(tables=tables)

    inside = tables.table[tables.table["start"].between(NINE, NINE + timedelta(minutes=59))]
    assert sum(p.contacts for p in why.parts) == pytest.approx(why.mean, abs=1e-6)
    assert why.mean == pytest.approx(inside["mean"].sum())
    assert part(why, "adjustment").contacts == pytest.approx(8 * adjusted, abs=1e-6)


def test_nothing_known_is_said_in_so_many_words():
    tables = basis()
    quiet = replace(tables, parts=tables.parts.assign(holiday=0.0, campaign=0.0))

    told = {p.name: p.because for p in hour(tables=quiet).parts}

    assert told["baseline"] == "What 09:00 to 10:00 on a Monday usually brings, by the last weeks."
    assert told["holiday"] == "No public holiday of the queue's markets."
    assert told["adjustment"] == "No planner has changed it."


def test_what_is_known_is_named_in_the_sentence_of_its_part():
    known = Known(
        holidays=["Labour Day (DE)"],
        campaigns=[Campaign("Sale", NINE - timedelta(hours=3), NINE + timedelta(hours=3), ("x",))],
        adjustments=[
            Adjustment("x", NINE, NINE + timedelta(hours=1), "percent", "TV spot", value=20)
        ],
    )

    told = {p.name: p.because for p in hour(known, basis(adjusted=1.0)).parts}

    assert told["holiday"] == "Labour Day (DE)."
    assert told["campaign"] == "Sale (100 % of its peak)."
    assert told["adjustment"] == "+20 %: TV spot"


def test_adjustments_that_a_plan_holds_are_said_to_be_in_the_correction():
    change = Adjustment("x", NINE, NINE + timedelta(hours=1), "percent", "TV spot", value=20)

    merged = replace(NOTHING, adjustments=[change], merged=True)

    assert "in the correction" in part(hour(merged), "adjustment").because


def test_a_version_kept_without_parts_is_all_baseline():
    tables = basis()
    why = hour(tables=replace(tables, parts=tables.parts.iloc[:0]))

    assert part(why, "baseline").contacts == pytest.approx(why.mean)
    assert "without its parts" in part(why, "baseline").because


def test_a_time_that_the_forecast_does_not_hold_has_no_parts():
    april = datetime(2026, 4, 2, 9, tzinfo=UTC)
    late = Stretch(april, april + timedelta(hours=1), "hour", BERLIN)

    assert explain(basis(), NOTHING, late, ["x"]) is None
