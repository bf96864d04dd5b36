"""What came of cases: taken in once, completed by what came since, refused with all faults."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest
import sqlalchemy as sa

from wfm.errors import FileFaults, NotFound, RequestError
from wfm.ingest.results import import_results
from wfm.store import tables
from wfm.store.engine import Store, open_store
from wfm.store.results import CaseResult, extents, recorded, stored_results

HEADER = "queue,arrival,first_response_at,resolved_at,external_id"
ROWS = (
    "x,2026-03-02T08:00:05Z,2026-03-02T08:07:10Z,2026-03-02T08:40:00Z,t-1",
    "x,2026-03-02T08:03:00Z,,,t-2",
    "email,2026-03-02T08:04:00Z,2026-03-02T09:00:00Z,,t-3",
)


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 3, 2, hour, minute, second, tzinfo=UTC)


def rows_in(store: Store) -> list[tuple[object, ...]]:
    """All stored cases with the kept imports, to tell whether anything changed."""
    with store.reading() as connection:
        found = [
            connection.execute(sa.select(table).order_by(*table.primary_key)).all()
            for table in (tables.case_results, tables.imports, tables.audit)
        ]
    return [tuple(row) for part in found for row in part]


def take_in(store: Store, *paths: object, **options: object):
    return import_results(store, list(paths), actor="tester", **options)


def test_cases_are_kept_with_their_times(branded: Store, make_file):
    report = take_in(branded, make_file(HEADER, *ROWS))
    assert (report.rows_read, report.written, report.unchanged) == (3, 3, 0)
    assert (report.first, report.last) == (at(8, 0, 5), at(8, 4))
    with branded.reading() as connection:
        x = list(recorded(connection, "x", at(8), at(9)))
        later = list(recorded(connection, "x", at(9), at(10)))
        told = extents(connection)
    assert x == [
        CaseResult("x", at(8, 0, 5), at(8, 7, 10), at(8, 40), None),
        CaseResult("x", at(8, 3), None, None, None),
    ]
    assert later == []
    # Up to the last instant that is named.
    assert (told["x"].first, told["x"].last) == (at(8, 0, 5), at(8, 40))
    assert told["email"].last == at(9)


def test_the_same_cases_twice_change_nothing(local: Store, make_file):
    take_in(local, make_file(HEADER, *ROWS))
    before = rows_in(local)
    again = take_in(local, make_file(HEADER, *ROWS))
    assert (again.unchanged, again.changed) == (3, False)
    assert rows_in(local) == before


def test_an_answer_that_came_since_completes_a_case_and_an_older_file_takes_nothing_back(
    branded: Store, make_file
):
    take_in(branded, make_file(HEADER, *ROWS))
    report = take_in(branded, make_file(HEADER, ROWS[1].replace(",,,", ",2026-03-02T08:30:00Z,,")))
    assert (report.written, report.replaced) == (0, 1)
    assert "known and completed" in report.text()
    older = take_in(branded, make_file(HEADER, *ROWS))
    assert (older.unchanged, older.changed) == (3, False)
    with branded.reading() as connection:
        assert stored_results(connection, ["t-2"])["t-2"].first_response_at == at(8, 30)


def test_a_case_that_contradicts_the_store_needs_replace(local: Store, make_file):
    take_in(local, make_file(HEADER, *ROWS))
    before = rows_in(local)
    other = make_file(HEADER, ROWS[0].replace("08:07:10", "08:17:10"))
    with pytest.raises(FileFaults, match="--replace"):
        take_in(local, other)
    assert rows_in(local) == before
    assert take_in(local, other, skip_bad=True).skipped == 1

    assert take_in(local, other, replace=True).replaced == 1
    with local.reading() as connection:
        assert stored_results(connection, ["t-1"])["t-1"].first_response_at == at(8, 17, 10)


def test_cases_without_an_id_are_counted_within_their_second(local: Store, make_file):
    header = "arrival,queue,first_response_at"
    three = ["2026-03-02T08:00Z,x,2026-03-02T08:01Z"] * 2 + ["2026-03-02T08:05Z,x,"]
    assert take_in(local, make_file(header, *three)).written == 3
    assert take_in(local, make_file(header, *three)).unchanged == 3
    with local.reading() as connection:
        assert len(list(recorded(connection, "x", at(8), at(9)))) == 3


def test_several_files_are_one_import_and_name_their_faults(local: Store, make_file):
    one = make_file(HEADER, *ROWS, name="one.csv")
    two = make_file(HEADER, ROWS[0], "nobody,2026-03-02T08:04Z,,,t-9", name="two.csv")
    before = rows_in(local)
    with pytest.raises(FileFaults) as caught:
        take_in(local, one, two)
    assert rows_in(local) == before
    assert [fault.column for fault in caught.value.faults] == [
        "two.csv external_id",
        "two.csv queue",
    ]
    assert "line 2 of one.csv" in caught.value.faults[0].remedy

    report = take_in(local, one, two, skip_bad=True)
    assert (report.rows_read, report.written, report.skipped) == (5, 3, 2)


def test_local_times_and_parquet_are_taken_too(local: Store, tmp_path):
    path = tmp_path / "cases.parquet"
    pd.DataFrame(
        {
            "queue": ["x", "x"],
            "arrival": ["2026-03-02 09:00", "2026-03-02 09:05:30"],
            "first_response_at": ["2026-03-02 09:10", None],
            "paused_s": [None, 12.5],
        }
    ).to_parquet(path)
    take_in(local, path, zone="Europe/Berlin")
    with local.reading() as connection:
        first, second = recorded(connection, "x", at(8), at(9))
    assert first == CaseResult("x", at(8), at(8, 10), None, None)
    assert second == CaseResult("x", at(8, 5, 30), None, None, 12.5)


BAD = (
    ("x,,,,t-10", "arrival", "empty"),
    ("x,2026-03-02T08:00Z,2026-03-02T07:59:59Z,,t-11", "first_response_at", "before it arrived"),
    ("x,2026-03-02T08:00Z,,2026-03-02T07:00Z,t-12", "resolved_at", "before it arrived"),
    (
        "x,2026-03-02T08:00Z,2026-03-02T08:30Z,2026-03-02T08:10Z,t-13",
        "resolved_at",
        "before the first reply",
    ),
    ("x,2026-03-02T08:00Z,soon,,t-14", "first_response_at", "no time"),
    ("y,2026-03-02T08:00Z,,,t-15", "queue", "no queue of that name"),
    (f"x,2026-03-02T08:00Z,,,{'t' * 191}", "external_id", "longer than 190"),
    ("x,2026-03-02T08:00Z,,,t-1", "external_id", "stands on line 2 already"),
)


def test_all_bad_rows_are_told_at_once_or_skipped(local: Store, make_file):
    before = rows_in(local)
    path = make_file(HEADER, *ROWS, *(row for row, _, _ in BAD))
    with pytest.raises(FileFaults) as caught:
        take_in(local, path)
    assert rows_in(local) == before
    told = sorted(caught.value.faults)
    assert [(fault.line, fault.column) for fault in told] == [
        (5 + i, column) for i, (_, column, _) in enumerate(BAD)
    ]
    for fault, (_, _, words) in zip(told, BAD, strict=True):
        assert words in fault.remedy
    report = take_in(local, path, skip_bad=True)
    assert (report.rows_read, report.written, report.skipped) == (11, 3, 8)


def test_what_cannot_be_imported_says_why(local: Store, make_file, tmp_path):
    with pytest.raises(RequestError, match="at least one file"):
        take_in(local)
    with pytest.raises(RequestError, match="there is no file"):
        take_in(local, tmp_path / "none.csv")
    header = "queue,arrival,first_response_at,paused_s"
    path = make_file(header, "x,2026-03-02T08:00Z,,-5", "x,2026-03-02T08:01Z,,long")
    with pytest.raises(FileFaults) as caught:
        take_in(local, path)
    assert [fault.column for fault in caught.value.faults] == ["paused_s", "paused_s"]
    with pytest.raises(FileFaults, match="first_response_at"):
        take_in(local, make_file("queue,arrival", "x,2026-03-02T08:00Z"))
    with pytest.raises(FileFaults, match="no row under it"):
        take_in(local, make_file(HEADER))


def test_the_work_on_a_first_reply_is_kept_and_completed(branded: Store, make_file):
    header = "queue,arrival,first_response_at,handling_s,external_id"
    came = "x,2026-03-02T08:00:05Z,2026-03-02T08:07:10Z"
    take_in(branded, make_file(header, f"{came},,t-1"))
    report = take_in(branded, make_file(header, f"{came},126.5,t-1"))
    assert (report.written, report.replaced) == (0, 1)
    assert take_in(branded, make_file(header, f"{came},,t-1")).unchanged == 1
    with branded.reading() as connection:
        (case,) = recorded(connection, "x", at(8), at(9))
    assert case.handling_s == 126.5


def test_no_more_work_went_into_a_reply_than_there_was_time_for(local: Store, make_file):
    header = "queue,arrival,first_response_at,handling_s"
    came = "x,2026-03-02T08:00:05Z,2026-03-02T08:07:10Z"
    path = make_file(header, f"{came},426", f"{came},-1", f"{came},long", f"{came},427")
    with pytest.raises(FileFaults) as caught:
        take_in(local, path)
    told = sorted(caught.value.faults)
    assert [(fault.line, fault.column) for fault in told] == [
        (line, "handling_s") for line in (3, 4, 5)
    ]
    assert "a handling time cannot be negative" in told[0].remedy
    assert "sent 425 s after the arrival" in told[2].remedy


def test_without_a_brand_there_is_no_queue_to_import_for(sqlite_url: str, make_file):
    empty = open_store(sqlite_url)
    with pytest.raises(NotFound, match="no brand"):
        take_in(empty, make_file(HEADER, *ROWS))
    empty.close()


def test_a_reply_in_the_hour_that_happens_twice_comes_after_its_case(local: Store, make_file):
    """25 October: 02:00 to 03:00 in Berlin is 00:00 to 01:00, and then 01:00 to 02:00, in UTC."""
    header = "queue,arrival,first_response_at,resolved_at,external_id"
    path = make_file(
        header,
        "x,2026-10-25 01:50,2026-10-25 02:20,2026-10-25 02:10,t-1",
        "x,2026-10-25 02:50,2026-10-25 02:05,2026-10-25 03:00,t-2",
        "x,2026-10-25T00:59:00Z,2026-10-25 02:30,,t-3",
        "x,2026-10-25 03:10,2026-10-25 02:30,,t-4",
    )
    with pytest.raises(FileFaults, match="happens twice"):
        take_in(local, path, zone="Europe/Berlin")
    report = take_in(local, path, zone="Europe/Berlin", ambiguous="first", skip_bad=True)
    assert [(fault.line, fault.column) for fault in report.faults] == [(5, "first_response_at")]

    def night(hour: int, minute: int) -> datetime:
        return datetime(2026, 10, 25, hour, minute, tzinfo=UTC)

    with local.reading() as connection:
        held = stored_results(connection, ["t-1", "t-2", "t-3"])
    assert [
        (case.received_at, case.first_response_at, case.resolved_at) for case in held.values()
    ] == [
        (datetime(2026, 10, 24, 23, 50, tzinfo=UTC), night(0, 20), night(1, 10)),
        (night(0, 50), night(1, 5), night(2, 0)),
        (night(0, 59), night(1, 30), None),
    ]
