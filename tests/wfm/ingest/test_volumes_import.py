"""Interval counts: any step in, quarter-hours out; exactly once; every fault told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wfm.errors import FileFaults, NotFound, RequestError
from wfm.ingest.history import load_volumes
from wfm.ingest.quarters import Quarters, gather, scaled
from wfm.ingest.spool import ROW
from wfm.ingest.steps import is_step
from wfm.ingest.volumeoptions import VolumeOptions
from wfm.ingest.volumes import import_volumes
from wfm.store.engine import Store
from wfm.store.volumes import Count, record_import, write_counts

X = VolumeOptions(queue="x")
HEADER = "timestamp,value"
DAY = datetime(2026, 2, 2, tzinfo=UTC)


def series(count: int, step_min: int, value: int = 4, start: datetime = DAY) -> list[str]:
    stamps = [start + timedelta(minutes=step_min * i) for i in range(count)]
    return [HEADER, *(f"{s:%Y-%m-%d %H:%M:%S},{value}" for s in stamps)]


def stored(store: Store) -> dict[str, int]:
    with store.reading() as connection:
        table = load_volumes(connection)
    return {f"{s:%m-%d %H:%M}": c for s, c in zip(table["start"], table["contacts"], strict=True)}


def faults_of(store: Store, path: Path, options: VolumeOptions = X) -> list[str]:
    with pytest.raises(FileFaults) as caught:
        import_volumes(store, [path], options, actor="tester")
    return [str(fault) for fault in caught.value.faults]


# -- steps ---------------------------------------------------------------------------------------


def test_a_finer_step_is_added_up(branded: Store, make_file):
    report = import_volumes(branded, [make_file(*series(12, 5))], X, actor="tester")

    assert report.steps_s == {"x": 300}
    assert stored(branded) == {f"02-02 00:{m:02}": 12 for m in (0, 15, 30, 45)}


def test_a_quarter_hour_that_lacks_a_step_is_missing_not_smaller(local: Store, make_file):
    lines = series(12, 5)
    del lines[5]  # 00:20

    report = import_volumes(local, [make_file(*lines)], X, actor="tester")

    assert stored(local) == {"02-02 00:00": 12, "02-02 00:30": 12, "02-02 00:45": 12}
    assert report.gaps == 1


def test_a_coarser_step_is_spread_in_whole_counts_that_add_up_again(local: Store, make_file):
    import_volumes(local, [make_file(*series(3, 60, value=7))], X, actor="tester")

    counts = list(stored(local).values())
    assert len(counts) == 12
    assert [sum(counts[i : i + 4]) for i in (0, 4, 8)] == [7, 7, 7]
    assert set(counts) == {1, 2}


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    counts=st.lists(st.integers(0, 500), min_size=1, max_size=30),
    step_s=st.sampled_from([60, 180, 300, 450, 900, 1800, 2700, 3600]),
)
def test_no_contact_is_lost_or_made_by_changing_the_step(counts: list[int], step_s: int):
    parts = max(1, 900 // step_s)
    whole = counts[: len(counts) // parts * parts]
    rows = np.zeros(len(whole), dtype=ROW)
    rows["start"] = 900_000_000 // 3600 * 3600 + step_s * np.arange(len(whole))
    rows["contacts"], rows["aht_s"] = whole, np.nan

    quarters = gather(rows, step_s)

    assert quarters.contacts.sum() == sum(whole)
    assert (np.diff(quarters.start) > 0).all()
    assert (quarters.contacts >= 0).all()


def test_handling_times_of_finer_steps_are_averaged_by_count(local: Store, make_file):
    path = make_file(
        "timestamp,value,aht_s",
        "2026-02-02 09:00,1,100",
        "2026-02-02 09:05,3,300",
        "2026-02-02 09:10,5,",
    )
    import_volumes(local, [path], X, actor="tester")

    with local.reading() as connection:
        row = load_volumes(connection).iloc[0]
    assert (row["contacts"], row["aht_s"]) == (9, 250.0)


def test_uneven_stamps_are_refused_until_a_floor_is_given(local: Store, make_file):
    path = make_file(*series(12, 5, start=DAY + timedelta(minutes=2, seconds=53)))

    (fault,) = faults_of(local, path)
    assert "--floor 5min" in fault

    floored = VolumeOptions(queue="x", floor="5min")
    assert import_volumes(local, [path], floored, actor="tester").written == 4


def test_steps_that_divide_or_multiply_a_quarter_hour_are_the_allowed_ones():
    allowed = [s for s in range(1, 7201) if is_step(s)]
    assert [s // 60 for s in allowed if s % 60 == 0] == [1, 3, 5, 15, 30, 45, 60]
    assert all(900 % s == 0 or s in (1800, 2700, 3600) for s in allowed)


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (series(8, 7), "lie 7 min apart"),
        (series(8, 120), "lie 120 min apart"),
        ([HEADER, "2026-02-02 09:00,4"], "--step 15min"),
        ([*series(8, 15), "2026-02-02 02:10:00,4"], "not on the 15 min grid"),
        ([*series(30, 15), *series(30, 60, start=DAY + timedelta(hours=8))[1:]], "step changes"),
        ([*series(30, 30), "2026-02-03 00:15:00,1"], "the step varies"),
    ],
    ids=["seven minutes", "two hours", "one stamp", "off the grid", "changed", "varied"],
)
def test_a_step_that_cannot_be_told_or_varies_is_a_fault(
    local: Store, make_file, lines: list[str], words: str
):
    (fault,) = faults_of(local, make_file(*lines))
    assert words in fault


def test_a_single_stamp_is_taken_when_its_step_is_named(local: Store, make_file):
    path = make_file(HEADER, "2026-02-02 09:00,4")
    named = VolumeOptions(queue="x", step="30min")
    assert import_volumes(local, [path], named, actor="tester").written == 2


# -- exactly once --------------------------------------------------------------------------------


def test_the_same_file_twice_changes_nothing_and_says_so(branded: Store, make_file, contents):
    path = make_file(*series(8, 15))
    import_volumes(branded, [path], X, actor="tester")
    before = contents(branded)

    again = import_volumes(branded, [path], X, actor="tester")

    assert (again.written, again.unchanged, again.replaced) == (0, 8, 0)
    assert "Nothing was changed." in again.text()
    assert contents(branded) == before


def test_a_changed_count_needs_replace(branded: Store, make_file, contents):
    import_volumes(branded, [make_file(*series(8, 15, value=4))], X, actor="tester")
    before = contents(branded)
    changed = make_file(*series(8, 15, value=5))

    faults = faults_of(branded, changed)
    assert len(faults) == 8
    assert "--replace" in faults[0]
    assert contents(branded) == before

    replacing = VolumeOptions(queue="x", replace=True)
    assert import_volumes(branded, [changed], replacing, actor="tester").replaced == 8
    assert set(stored(branded).values()) == {5}


def test_the_stage_says_writing_only_while_something_may_be_written(local: Store, make_file):
    stages: list[str] = []

    def watch(done: float, stage: str) -> None:
        stages.append(stage)

    bad = make_file(*series(8, 15), "2026-02-02 02:00:00,many")
    with pytest.raises(FileFaults):
        import_volumes(local, [bad], X, actor="tester", progress=watch)
    assert stages[-1] == "comparing with the store"
    assert "writing quarter-hours" not in stages

    stages.clear()
    skipping = VolumeOptions(queue="x", skip_bad=True)
    import_volumes(local, [bad], skipping, actor="tester", progress=watch)
    assert stages[-2:] == ["writing quarter-hours", "done"]
    assert "comparing with the store" not in stages


def test_once_a_month_differs_the_next_ones_are_only_compared(local: Store, make_file):
    import_volumes(local, [make_file(*series(1, 15, value=4), f"{DAY:%F} 00:15,4")], X, actor="t")
    longer = make_file(*series(30 * 96, 15, value=5))
    stages: list[str] = []

    with pytest.raises(FileFaults):
        import_volumes(
            local, [longer], X, actor="tester", progress=lambda done, stage: stages.append(stage)
        )

    assert stages[-2:] == ["writing quarter-hours", "comparing with the store"]


def test_several_files_are_one_import(branded: Store, make_file):
    first = make_file(*series(4, 15), name="a.csv")
    second = make_file(*series(4, 15, start=DAY + timedelta(hours=1)), name="b.csv")

    report = import_volumes(branded, [first, second], X, actor="tester")

    assert (report.rows_read, report.written, report.files) == (8, 8, ("a.csv", "b.csv"))


def test_an_interval_in_two_files_is_told_with_both_places(local: Store, make_file):
    first = make_file(*series(4, 15), name="a.csv")
    second = make_file(*series(2, 15), name="b.csv")

    with pytest.raises(FileFaults, match=r"line 2, b.csv timestamp.*line 2 of a.csv") as caught:
        import_volumes(local, [first, second], X, actor="tester")
    assert caught.value.details["total"] == 2


def test_contacts_win_over_volumes_of_the_same_interval(branded: Store, make_file):
    import_volumes(branded, [make_file(*series(2, 15))], X, actor="tester")
    with branded.writing("tester") as writing:
        number = record_import(writing, "contacts", "c.csv", sha256="", options={})
        write_counts(writing, "contacts", [(("x", DAY), Count(9, 120.0))], number)

    assert stored(branded) == {"02-02 00:00": 9, "02-02 00:15": 4}


def test_volumes_are_read_for_a_span_and_some_queues(branded: Store, make_file):
    import_volumes(branded, [make_file(*series(8, 15))], X, actor="tester")
    with branded.reading() as connection:
        part = load_volumes(
            connection, start=DAY + timedelta(minutes=15), end=DAY + timedelta(minutes=45)
        )
        other = load_volumes(connection, queues=["email"])
    assert (len(part), len(other)) == (2, 0)
    assert list(other.columns) == ["start", "queue", "contacts", "aht_s"]


def test_parquet_gives_what_csv_gives(local: Store, make_file, tmp_path: Path):
    import_volumes(local, [make_file(*series(8, 15))], X, actor="tester")
    path = tmp_path / "same.parquet"
    stamps = [DAY + timedelta(minutes=15 * i) for i in range(8)]
    pq.write_table(
        pa.table(
            {
                "timestamp": pa.array(stamps, pa.timestamp("us", "UTC")),
                "value": pa.array([4.0] * 8),
                "queue": pa.array(["x"] * 8).dictionary_encode(),
                "aht_s": pa.array([None] * 8, pa.float64()),
            }
        ),
        path,
    )
    again = import_volumes(local, [path], actor="tester")
    assert (again.written, again.unchanged) == (0, 8)


# -- clock changes -------------------------------------------------------------------------------

BERLIN = VolumeOptions(queue="x", zone="Europe/Berlin")
AUTUMN = [HEADER, "2025-10-26 01:45,3", *(f"2025-10-26 02:{m:02},5" for m in (0, 15, 30, 45))]


def test_a_local_hour_that_does_not_exist_is_a_fault(local: Store, make_file, contents):
    before = contents(local)
    lines = [HEADER, "2026-03-29 01:45,3", "2026-03-29 02:00,3", "2026-03-29 03:00,3"]
    (fault,) = faults_of(local, make_file(*lines), BERLIN)
    assert "line 3" in fault
    assert "does not exist in Europe/Berlin" in fault
    assert contents(local) == before


def test_a_local_hour_that_happens_twice_is_a_fault_that_names_the_option(local: Store, make_file):
    faults = faults_of(local, make_file(*AUTUMN), BERLIN)
    assert len(faults) == 4
    assert "2025-10-26T00:00:00Z and 2025-10-26T01:00:00Z" in faults[0]
    assert "--ambiguous split or first" in faults[0]


def test_the_first_of_a_repeated_hour_can_be_taken(local: Store, make_file):
    options = VolumeOptions(queue="x", zone="Europe/Berlin", ambiguous="first")
    import_volumes(local, [make_file(*AUTUMN)], options, actor="tester")
    assert stored(local) == {
        "10-25 23:45": 3,
        **{f"10-26 00:{m:02}": 5 for m in (0, 15, 30, 45)},
    }


def test_a_repeated_hour_can_be_split_into_counts_that_add_up(local: Store, make_file):
    options = VolumeOptions(queue="x", zone="Europe/Berlin", ambiguous="split")
    import_volumes(local, [make_file(*AUTUMN)], options, actor="tester")
    counts = stored(local)
    assert len(counts) == 9
    assert [counts[f"10-26 00:{m:02}"] + counts[f"10-26 01:{m:02}"] for m in (0, 15, 30, 45)] == [
        5
    ] * 4


def test_stamps_with_an_offset_need_no_zone(local: Store, make_file):
    lines = [HEADER, "2025-10-26T02:00+02:00,1", "2025-10-26T02:00+01:00,2"]
    options = VolumeOptions(queue="x", zone="Europe/Berlin", step="15min")
    import_volumes(local, [make_file(*lines)], options, actor="tester")
    assert stored(local) == {"10-26 00:00": 1, "10-26 01:00": 2}


# -- scale ---------------------------------------------------------------------------------------


def quarters(counts: list[int]) -> Quarters:
    size = len(counts)
    return Quarters(
        900 * np.arange(size, dtype=np.int64),
        np.array(counts, dtype=np.int64),
        np.full(size, 60.0),
        np.zeros(size, dtype=np.int64),
        np.zeros(size, dtype=np.int64),
        spread=False,
    )


@pytest.mark.parametrize("factor", [0.1, 0.5, 1.0, 1.3, 2.0, 3.7])
def test_scaling_gives_whole_counts_of_the_right_mean(factor: float):
    result = scaled(quarters([40] * 4000), factor, seed=1, queue="x").contacts
    rest = factor % 1
    standard_error = (40 * rest * (1 - rest) / 4000) ** 0.5
    assert abs(result.mean() - 40 * factor) <= 4 * standard_error
    assert (result >= 40 * int(factor)).all()
    assert (result <= 40 * -(-factor // 1)).all()


def test_a_draw_depends_on_seed_queue_and_interval_only():
    whole = scaled(quarters([40] * 100), 0.3, seed=1, queue="x")
    other = quarters([40] * 100)
    other.contacts[:50] = 7
    changed = scaled(other, 0.3, seed=1, queue="x")

    assert (whole.contacts[50:] == changed.contacts[50:]).all()
    for seed, queue in ((2, "x"), (1, "y")):
        differing = scaled(quarters([40] * 100), 0.3, seed=seed, queue=queue)
        assert (differing.contacts != whole.contacts).any()


def test_a_scaled_file_twice_changes_nothing(branded: Store, make_file):
    path = make_file(*series(96, 5, value=50))
    options = VolumeOptions(queue="x", scale=0.1, seed=7)
    import_volumes(branded, [path], options, actor="tester")
    again = import_volumes(branded, [path], options, actor="tester")
    assert (again.written, again.unchanged, again.replaced) == (0, 32, 0)


# -- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ("-3", "cannot be negative"),
        ("2.5", "whole number"),
        ("", "write 0 if there was none"),
        ("1,234", "write it without thousands separators: 1234"),
        ("1 234", "write it without thousands separators: 1234"),
        ("12,5", "write it with a point: 12.5"),
        ("many", "this is no number"),
        ("nan", "this is no number"),
        ("99999999999", "too large"),
    ],
)
def test_a_count_that_is_none_is_told(local: Store, make_file, value: str, remedy: str):
    lines = [line.replace(",", ";") for line in series(4, 15)]
    lines[2] = f"2026-02-02 00:15;{value}"
    (fault,) = faults_of(local, make_file(*lines))
    assert fault.startswith("line 3, value")
    assert remedy in fault


def test_all_faults_of_a_file_are_told_at_once(local: Store, make_file, contents):
    before = contents(local)
    path = make_file(
        "timestamp,queue,value,aht_s",
        "2026-02-02 09:00,x,4,300",
        "02.02.2026 09:15,x,4,300",
        "2026-02-02 09:30,xx,4,300",
        "2026-02-02 09:45,x,-4,300",
        "2026-02-02 10:00,x,4,-1",
        "2026-02-02 09:00,x,4,300",
        "2026-02-02 10:15,x",
    )
    faults = faults_of(local, path, VolumeOptions())

    assert [f.split(",")[0].split(":")[0] for f in faults] == [f"line {n}" for n in range(3, 9)]
    for fault, words in zip(
        faults,
        ["no time", "did you mean 'x'", "negative", "above 0", "line 2", "2 cells"],
        strict=True,
    ):
        assert words in fault
    assert contents(local) == before


def test_bad_rows_can_be_skipped_and_are_listed_and_counted(local: Store, make_file):
    lines = series(8, 15)
    lines[3] = "2026-02-02 00:30,-1"
    lines.append("2026-02-02 00:00:00,99")

    report = import_volumes(
        local, [make_file(*lines)], VolumeOptions(queue="x", skip_bad=True), actor="tester"
    )

    assert (report.rows_read, report.written, report.skipped) == (9, 7, 2)
    assert [fault.line for fault in report.faults] == [4, 10]
    assert stored(local)["02-02 00:00"] == 4
    assert "02-02 00:30" not in stored(local)


def test_a_missing_column_cannot_be_skipped(local: Store, make_file):
    lines = ["timestamp,val", "2026-02-02 09:00,4"]
    (fault,) = faults_of(local, make_file(*lines), VolumeOptions(queue="x", skip_bad=True))
    assert "--value-column val" in fault


def test_a_file_without_queue_column_wants_the_option(local: Store, make_file):
    (fault,) = faults_of(local, make_file(*series(4, 15)), VolumeOptions())
    assert "--queue" in fault


def test_an_unknown_queue_option_lists_what_there_is(local: Store, make_file):
    with pytest.raises(NotFound, match="did you mean 'email'"):
        import_volumes(
            local, [make_file(*series(4, 15))], VolumeOptions(queue="e-mail"), actor="tester"
        )


def test_without_a_brand_the_way_to_one_is_told(store: Store, make_file):
    with pytest.raises(NotFound, match="wfm import brand FILE"):
        import_volumes(store, [make_file(*series(4, 15))], X, actor="tester")


@pytest.mark.parametrize(
    "options",
    [
        VolumeOptions(queue="x", floor="7min"),
        VolumeOptions(queue="x", step="often"),
        VolumeOptions(queue="x", zone="Berlin"),
        VolumeOptions(queue="x", scale=0.0),
        VolumeOptions(queue="x", scale=float("nan")),
    ],
    ids=["floor", "step", "zone", "scale", "scale nan"],
)
def test_an_option_that_cannot_be_is_refused(local: Store, make_file, options: VolumeOptions):
    with pytest.raises(RequestError):
        import_volumes(local, [make_file(*series(4, 15))], options, actor="tester")


@pytest.mark.real_data
def test_five_minute_tweet_counts_come_in_whole(branded: Store, real_data: Path):
    path = real_data / "nab_tweets" / "Twitter_volume_AAPL.csv"
    options = VolumeOptions(queue="x", floor="5min")

    report = import_volumes(branded, [path], options, actor="tester")

    rows = [line.split(",") for line in path.read_text().splitlines()[1:]]
    parts: dict[datetime, list[int]] = {}
    for stamp, value in rows:
        at = datetime.fromisoformat(stamp).replace(second=0, tzinfo=UTC)
        at = at.replace(minute=at.minute // 15 * 15)
        parts.setdefault(at, []).append(int(value))
    whole = {at: sum(v) for at, v in parts.items() if len(v) == 3}
    with branded.reading() as connection:
        table = load_volumes(connection)
    assert dict(zip(table["start"], table["contacts"], strict=True)) == whole
    assert report.steps_s == {"x": 300}
