"""The benchmarks' reader takes files as they come, and says in a sentence what it cannot take."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.series import Series, read_folders

DAYS = 14
Make = Callable[..., Path]


def counted(step_min: int, *, start: str = "2026-01-05", days: int = DAYS) -> pd.DataFrame:
    """A file's rows: every stamp counts the minutes of its step, so that a day sums to 1,440."""
    stamps = pd.date_range(start, periods=days * 1440 // step_min, freq=f"{step_min}min")
    return pd.DataFrame({"timestamp": stamps.astype(str), "value": step_min})


@pytest.fixture
def folder(tmp_path: Path) -> Make:
    """Writes a folder of one file and its description."""

    def make(rows: pd.DataFrame, about: Any = None, listing: str | None = None) -> Path:
        home = tmp_path / "calls"
        home.mkdir(exist_ok=True)
        rows.to_csv(home / "a.csv", index=False)
        text = json.dumps({"a.csv": about}) if listing is None else listing
        (home / "series.json").write_text(text)
        return home

    return make


def read(home: Path) -> Series:
    (series,) = read_folders([home])
    return series


@pytest.mark.parametrize(
    ("step_min", "slot_min"), [(1, 15), (5, 15), (6, 30), (7, 60), (15, 15), (30, 30), (60, 60)]
)
def test_every_step_becomes_slots_that_fit_a_day_and_keep_its_total(
    folder: Make, step_min: int, slot_min: int
):
    series = read(folder(counted(step_min), {"zone": "UTC"}))
    assert (series.slot_min, series.slots) == (slot_min, 1440 // slot_min)
    whole = series.counts[:-1]
    assert np.nansum(whole) == pytest.approx(1440 * len(whole), rel=0.01)


@pytest.mark.parametrize("about", [None, {}, {"zone": None, "country": None, "open": None}])
def test_what_is_not_told_of_a_file_is_taken_as_usual(folder: Make, about: Any):
    series = read(folder(counted(15), about))
    assert (series.zone.key, series.country, series.group) == ("UTC", None, "calls")
    assert series.open.all()


@pytest.mark.parametrize(
    ("begin", "end"), [("07:00", "21:00"), (7, 21), ("7", "21"), (7.0, "21:00"), ("7:00", 21.0)]
)
def test_hours_are_read_in_any_spelling(folder: Make, begin: Any, end: Any):
    series = read(
        folder(counted(15), {"open": {"days": [0, 1, 2, 3, 4], "from": begin, "to": end}})
    )
    assert series.open[0].nonzero()[0].tolist() == list(range(28, 84))
    assert not series.open[5:7].any()
    assert np.isnan(series.counts[~series.open]).all()
    assert np.isfinite(series.counts[series.open]).all()


def test_half_hours_and_midnight_are_hours_too(folder: Make):
    series = read(folder(counted(15), {"open": {"from": 7.5, "to": "24:00"}}))
    assert series.open[:, 30:].all()
    assert not series.open[:, :30].any()


def test_hours_past_midnight_belong_to_the_day_they_begin_on(folder: Make):
    series = read(folder(counted(60), {"open": {"days": [4], "from": "22:00", "to": "02:00"}}))
    assert series.open[4].nonzero()[0].tolist() == [22, 23]
    assert series.open[5].nonzero()[0].tolist() == [0, 1]
    assert series.open.sum() == 2 * 4


def test_shut_days_without_rows_and_with_zeros_are_the_same(folder: Make):
    rows = counted(30)
    weekend = pd.to_datetime(rows["timestamp"]).dt.day_of_week >= 5
    hours = {"open": {"days": [0, 1, 2, 3, 4], "from": 8, "to": 20}}
    absent = read(folder(rows[~weekend], hours))
    zeros = read(folder(rows.assign(value=rows["value"].where(~weekend, 0)), hours))
    assert len(absent.days) == len(zeros.days) == DAYS
    np.testing.assert_array_equal(absent.counts, zeros.counts)
    np.testing.assert_array_equal(absent.open, zeros.open)


def test_a_stamp_that_appears_twice_counts_once_with_its_last_value(folder: Make):
    rows = counted(15)
    again = rows.iloc[[40]].assign(value=99)
    series = read(folder(pd.concat([rows, again])))
    assert series.counts[0, 40] == 99
    assert np.nansum(series.counts) == 1440 * DAYS - 15 + 99


def test_the_order_of_rows_does_not_matter(folder: Make):
    rows = counted(5).assign(value=lambda table: np.arange(len(table)) % 17)
    sorted_ = read(folder(rows)).counts
    np.testing.assert_array_equal(read(folder(rows.sample(frac=1, random_state=3))).counts, sorted_)


def test_an_empty_value_and_an_absent_row_are_missing_not_zero(folder: Make):
    rows = counted(5).astype({"value": float})
    rows.loc[0, "value"] = np.nan
    series = read(folder(rows.drop(index=6)))
    # One step of three is unknown: so is the slot.
    assert np.isnan(series.counts[0, [0, 2]]).all()
    assert series.counts[0, 1] == 15


def test_fractions_are_kept(folder: Make):
    assert read(folder(counted(15).assign(value=0.25))).counts.sum() == 0.25 * 96 * DAYS


@pytest.mark.parametrize("form", ["{}", "{}Z", "{}+00:00"])
def test_stamps_may_be_iso_with_and_without_an_offset(folder: Make, form: str):
    rows = counted(15)
    stamps = [form.format(stamp.replace(" ", "T")) for stamp in rows["timestamp"]]
    series = read(folder(rows.assign(timestamp=stamps)))
    assert np.nansum(series.counts) == 1440 * DAYS


def test_an_offset_is_believed_before_the_zone(folder: Make):
    rows = counted(60)
    series = read(
        folder(rows.assign(timestamp=rows["timestamp"] + "+00:00"), {"zone": "Asia/Tokyo"})
    )
    assert np.isnan(series.counts[0, :9]).all()
    assert np.isfinite(series.counts[0, 9:]).all()


def test_stamps_that_end_in_odd_seconds_are_floored(folder: Make):
    rows = counted(5)
    late = pd.to_datetime(rows["timestamp"]) + pd.Timedelta("173s")
    series = read(folder(rows.assign(timestamp=late.astype(str)), {"floor": "5min"}))
    np.testing.assert_array_equal(series.counts, np.full((DAYS, 96), 15.0))


@pytest.mark.parametrize("ambiguous", [None, "first", "second", "infer"])
def test_clock_changes_leave_a_matrix_of_whole_days(folder: Make, ambiguous: str | None):
    utc = pd.date_range("2025-10-20", periods=DAYS * 96, freq="15min", tz="UTC")
    local = utc.tz_convert("Europe/London").tz_localize(None)
    rows = pd.DataFrame({"timestamp": local.astype(str), "value": 4})
    series = read(folder(rows, {"zone": "Europe/London", "ambiguous": ambiguous}))
    known = series.counts[np.isfinite(series.counts)]
    assert set(known) == {4}
    autumn = int((np.datetime64("2025-10-26") - series.days[0]).astype(int))
    assert np.isfinite(series.counts[autumn]).all()


def test_the_hour_that_spring_skips_is_missing(folder: Make):
    series = read(folder(counted(30, start="2026-03-23"), {"zone": "Europe/London"}))
    sunday = series.counts[6]
    assert np.isnan(sunday[2:4]).all()
    assert np.isfinite(np.delete(sunday, [2, 3])).all()


def test_days_shut_by_rule_after_the_last_row_belong_to_the_series(folder: Make):
    rows = counted(30, days=12)
    series = read(folder(rows, {"open": {"days": [0, 1, 2, 3, 4]}}))
    assert str(series.days[-1]) == "2026-01-18"


def test_files_of_one_name_in_two_folders_are_told_apart(tmp_path: Path, folder: Make):
    first = folder(counted(60))
    second = first.rename(tmp_path / "tweets")
    both = read_folders([folder(counted(60)), second])
    assert [series.name for series in both] == ["calls/a.csv", "tweets/a.csv"]


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"zone": "Mars/Olympus"}, "'Mars/Olympus' is no IANA time zone"),
        ({"country": "QQ"}, "no holiday calendar for country 'QQ'"),
        ({"floor": "often"}, "'floor' 'often' is no step such as 5min"),
        ({"ambiguous": "both"}, "'ambiguous' is 'both', not first, second or infer"),
        ({"open": {"days": [7]}}, "0 being Monday"),
        ({"open": {"from": "noon"}}, "0 being Monday"),
        ({"open": "always"}, "0 being Monday"),
        ("a file", "is described by 'a file'"),
    ],
)
def test_a_description_that_cannot_be_is_refused_in_a_sentence(folder: Make, about: Any, said: str):
    with pytest.raises(SystemExit, match=said):
        read(folder(counted(60), about))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda t: t.rename(columns={"value": "count"}),
            "has no column value; it has timestamp, c",
        ),
        (lambda t: t.assign(value=["x"] + [1] * (len(t) - 1)), "line 2: 'x' is no count"),
        (lambda t: t.assign(value=-4), "line 2: '-4' is no count"),
        (lambda t: t.assign(timestamp="yesterday"), "line 2: 'yesterday' is no stamp"),
        (lambda t: t.iloc[:1], "has fewer than two rows"),
        (lambda t: t.iloc[:0], "has fewer than two rows"),
        (lambda t: t.iloc[::5], "its rows lie 18000 s apart"),
        (lambda t: t.assign(value=np.nan), "not one of its slots is whole"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_its_line(
    folder: Make, change: Callable[[pd.DataFrame], pd.DataFrame], said: str
):
    with pytest.raises(SystemExit, match=said) as told:
        read(folder(change(counted(60))))
    assert "a.csv: " in str(told.value)


@pytest.mark.parametrize(
    ("listing", "said"),
    [
        ("{oops", "series.json is no JSON"),
        ("[]", "must map file names to descriptions"),
        ("{}", "must map file names to descriptions"),
        ('{"b.csv": {}}', "describes b.csv, which is not there"),
    ],
)
def test_a_listing_that_cannot_be_read_is_refused_in_a_sentence(
    folder: Make, listing: str, said: str
):
    with pytest.raises(SystemExit, match=said):
        read(folder(counted(60), listing=listing))


def test_a_folder_without_a_listing_is_refused_in_a_sentence(tmp_path: Path):
    with pytest.raises(SystemExit, match=r"has no series\.json that says what its files are"):
        read_folders([tmp_path])
