"""The roster as CSV, read back as another program would."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from api.exports.csvfile import COLUMNS, csv_of, guarded
from wfm.frames import ROSTER

MONDAY = date(2026, 6, 1)
FORMULAS = "=+-@\t\r\n＝＋－＠"


def read(written: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(written.decode("utf-8"), newline="")))


def test_a_line_a_segment_with_local_times_and_paid_minutes(contents_of, rows):
    lines = read(csv_of(contents_of(rows("a1", MONDAY, 22))))

    assert tuple(lines[0]) == COLUMNS
    assert [(row["activity"], row["minutes"], row["paid_minutes"]) for row in lines] == [
        ("on_queue", "60", "60"),
        ("on_queue", "60", "60"),
        ("meal", "60", "0"),
        ("on_queue", "60", "60"),
    ]
    # After midnight the day is still that of the shift's start.
    assert {row["day"] for row in lines} == {"2026-06-01"}
    assert lines[2]["start"] == "2026-06-02T00:00:00+02:00"
    assert lines[0]["agent"] == "Ann Ünal"


def test_what_is_written_holds_the_whole_roster(contents_of, rows):
    contents = contents_of(rows("b2", MONDAY, 6), rows("a1", MONDAY, 9), rows("zed", MONDAY, 9))
    lines = read(csv_of(contents))

    told = {
        (row["agent_id"], datetime.fromisoformat(row["start"]), datetime.fromisoformat(row["end"]))
        for row in lines
    }
    held = contents.roster[["agent_id", "start", "end"]].itertuples(index=False)
    assert told == {(agent, start, end) for agent, start, end in held}
    # Agents in their order, whoever has left the brand last and by their id.
    assert list(dict.fromkeys(row["agent"] for row in lines)) == ["Ann Ünal", "Bo", "zed"]


def test_a_roster_without_shifts_is_a_header(contents_of):
    written = csv_of(contents_of(roster=ROSTER.empty()))
    assert written.decode().splitlines() == [",".join(COLUMNS)]


def test_no_cell_begins_a_formula(contents_of, rows):
    contents = contents_of(rows("=cmd|' /C calc'!A0", MONDAY, 9, template="@SUM(A1)"))
    named = replace(contents.agents[0], agent_id="a1", name="+49 30")
    for row in read(csv_of(replace(contents, agents=(named,)))):
        assert not any(value[:1] in FORMULAS for value in row.values() if value), row


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.text(alphabet=st.sampled_from("=+-@\t\r'\"a, 1＝"), max_size=6))
def test_the_guard_is_undone_by_taking_its_apostrophe_away(text: str):
    cell = guarded(text)
    assert cell[:1] not in tuple(FORMULAS) or not cell
    bare = cell.lstrip("'")
    stripped = bare.lstrip(" ")
    was_guarded = cell != bare and (stripped[:1] in tuple(FORMULAS)) and stripped != ""
    assert (cell[1:] if was_guarded else cell) == text
