"""The workbook, read back with another library."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime

import pytest
from openpyxl import load_workbook

from api.exports.xlsx import SHEETS, xlsx_of
from scheduling.certificate import GoalResult
from scheduling.check import Lack, Violation
from wfm.frames import ROSTER
from wfm.rules import RULES

MONDAY = date(2026, 6, 1)
LACK = Lack(datetime(2026, 6, 1, 8, tzinfo=UTC), "mentors", "mentor", 0, 1)
GOAL = GoalResult(
    queue="x", metric="first_response", goal="goal", threshold_s=900, share=0.9, scope="hour",
    attainment=0.93, se=0.002, p10=0.9, p90=0.96, cases=400.0, worst=None, units=24,
    units_missed=0, units_small=0, kept=True,
)  # fmt: skip


@pytest.fixture(scope="session")
def book():
    return lambda contents: load_workbook(io.BytesIO(xlsx_of(contents)))


def cells(sheet) -> list[list[object]]:
    """The rows' values, without the empty cells behind the last."""
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    return [
        row[: max((n for n, v in enumerate(row, 1) if v is not None), default=0)] for row in rows
    ]


def test_the_grid_has_a_row_an_agent_a_column_a_day_and_paid_hours(book, contents_of, rows):
    contents = contents_of(
        rows("a1", MONDAY, 9), rows("a1", date(2026, 6, 3), 22), rows("zed", MONDAY, 6)
    )
    read = book(contents)
    assert tuple(read.sheetnames) == SHEETS
    grid = cells(read["Roster"])
    assert grid[0][0] == "Nord & Süd: plan 3, version 2"
    assert grid[3] == [
        "agent", "name", "contract", "Mon\n1 Jun", "Tue\n2 Jun", "Wed\n3 Jun", "paid hours",
        "shifts",
    ]  # fmt: skip
    assert grid[4:] == [
        ["a1", "Ann Ünal", "full", "09:00-13:00", None, "22:00-02:00", 6, 2],
        ["b2", "Bo", "full", None, "off", None, 0, 0],
        ["zed", "zed", None, "06:00-10:00", None, None, 3, 1],
    ]
    look = {name: read["Roster"][name].fill.fgColor.rgb for name in ("D5", "F5", "D7", "E6")}
    assert look == {"D5": "FFDDEFE4", "F5": "FFD8D5EC", "D7": "FFFFF0CC", "E6": "FFECEFF2"}


def test_a_day_is_shown_by_quarter_hour_on_beyond_midnight_with_heads_on_queue(
    book, contents_of, rows
):
    contents = contents_of(rows("a1", MONDAY, 22), rows("b2", date(2026, 6, 2), 0), days=2)
    day = cells(book(contents)["Day view"])
    times, ann, heads = day[2:5]
    assert times[6:10] == ["00:00", "00:15", "00:30", "00:45"]
    assert len([t for t in times[6:] if t]) == 96 + 8
    assert ann[:6] == ["Mon 1 Jun", "a1", "Ann Ünal", "early8", "22:00", "02:00"]
    night = 6 + 22 * 4
    assert "".join(ann[night : night + 16]) == "Q" * 8 + "M" * 4 + "Q" * 4
    # Bo of Tuesday is there behind Monday's midnight too.
    assert heads[1] == "on queue"
    assert heads[night - 1 : night + 16] == [0, *[1] * 8, *[1] * 4, *[2] * 4]


@pytest.mark.parametrize(
    ("day", "quarters", "at_four"),
    [(date(2026, 3, 29), 92, 12), (date(2026, 10, 25), 100, 20), (MONDAY, 96, 16)],
)
def test_days_on_which_the_clocks_change_have_the_quarters_they_have(
    book, contents_of, rows, day, quarters, at_four
):
    contents = contents_of(rows("a1", day, 10), first=day, days=1)
    times = cells(book(contents)["Day view"])[2][6:]
    assert len([t for t in times if t]) == quarters
    assert times.index("04:00") == at_four


def test_the_rules_are_listed_with_how_often_they_are_broken_and_the_certificate(
    book, contents_of, rows
):
    contents = contents_of(
        rows("a1", MONDAY, 9),
        violations=(Violation("a1", MONDAY, "rest", "9 h of rest, 11 h are due"),),
        lacks=(LACK,),
        goals=(GOAL,),
    )
    sheet = book(contents)[SHEETS[2]]
    facts = cells(sheet)
    assert ["rest", RULES["rest"].says, 1] in [row[:3] for row in facts]
    listed = {row[0]: row[2] for row in facts if len(row) == 3 and row[0] in RULES}
    assert listed.pop("rest") == 1
    assert listed.pop("presence") == 1
    assert set(listed) == RULES.keys() - {"rest", "presence"}
    assert set(listed.values()) == {0}
    assert ["mentors", str(LACK)] in facts
    assert ["rest", "9 h of rest, 11 h are due", "a1", "2026-06-01"] in [row[:4] for row in facts]
    assert facts[-1] == ["x", "First response", "yes", 0.9, 0.93, 0.9, 0.96, 900]
    assert sheet.cell(sheet.max_row, 5).number_format == "0.0%"


def test_a_roster_that_is_not_certified_says_so(book, contents_of):
    sheet = book(contents_of(roster=ROSTER.empty()))[SHEETS[2]]
    assert "None yet" in sheet.cell(sheet.max_row, 1).value


def test_nothing_in_it_is_a_formula_or_a_link(book, contents_of, rows):
    contents = contents_of(
        rows("=1+1", MONDAY, 9, template="http://example.org"), title="=HYPERLINK(1)"
    )
    for sheet in book(contents):
        for row in sheet.iter_rows():
            assert all(cell.data_type in "sn" and cell.hyperlink is None for cell in row)


def test_the_same_roster_gives_the_same_workbook(contents_of, rows):
    assert xlsx_of(contents_of(rows("a1", MONDAY, 9))) == xlsx_of(
        contents_of(rows("a1", MONDAY, 9))
    )
