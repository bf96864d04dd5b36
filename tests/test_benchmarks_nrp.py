"""Instances in the Curtois & Qu text format are read whole, judged by their words, and solved."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import nrp
from benchmarks.nrpcheck import Cost, broken, cost
from benchmarks.nrpfile import (
    Cover,
    Employee,
    Instance,
    Request,
    ShiftType,
    parse_instance,
    read_instance,
)
from benchmarks.nrpproblem import lines_of, problem_of
from scheduling.rostering.engine import EngineLimits, solve
from wfm.errors import DataError, FileFaults

TEXT = """
# two people, two shifts
SECTION_HORIZON
14
SECTION_SHIFTS
E,480,
L,360,E|L
SECTION_STAFF
Ann, E=14|L=0 ,4800,2400,5,2,2,1
Bob,E=3,4800,0,6,1,1,2
SECTION_DAYS_OFF
Ann,0,13
SECTION_SHIFT_ON_REQUESTS
Ann,2,E,3
SECTION_SHIFT_OFF_REQUESTS
Bob,5,L,1  # he plays
SECTION_COVER
0,E,2,100,1
0,L,1,50,2
"""


def test_every_section_is_read_whatever_the_line_ends_and_comments():
    read = parse_instance(TEXT, "two")

    ann, bob = read.staff
    assert (read.days, [s.name for s in read.shifts]) == (14, ["E", "L"])
    assert read.shifts[1] == ShiftType("L", 360, frozenset({"E", "L"}))
    assert ann == Employee("Ann", {"E": 14, "L": 0}, 4800, 2400, 5, 2, 2, 1, frozenset({0, 13}))
    assert bob.most_of == {"E": 3}
    assert (read.on, read.off) == ((Request("Ann", 2, "E", 3),), (Request("Bob", 5, "L", 1),))
    assert read.cover == (Cover(0, "E", 2, 100, 1), Cover(0, "L", 1, 50, 2))
    assert parse_instance(TEXT.replace("\n", "\r\n"), "two") == read


def test_a_file_is_named_by_its_stem_and_may_begin_with_a_byte_order_mark(tmp_path: Path):
    file = tmp_path / "Two1.txt"
    file.write_text(TEXT, encoding="utf-8-sig")
    assert read_instance(file) == parse_instance(TEXT, "Two1")
    with pytest.raises(DataError, match="check the path"):
        read_instance(tmp_path / "none.txt")
    file.write_bytes(b"SECTION_\xff\xfe")
    with pytest.raises(DataError, match="no text in UTF-8"):
        read_instance(file)


FAULTS = {
    "14\n": ("fortnight\n", 4, "fortnight", "whole number"),
    "L,360,E|L": ("L,360,E|X", 7, "X", "no such shift"),
    "E,480,": ("E,0,", 6, "0", "want 1 or more"),
    "Bob,E=3,4800,0": ("Ann,E=3,4800,0", 10, "Ann", "line 9 already"),
    "Bob,E=3,": ("Bob,E,", 10, "E", "shift=number"),
    "E=3,4800,0,": ("E=3,4800,4801,", 10, "4801", "above the most"),
    "Ann,0,13": ("Ann,0,14", 12, "14", "0 to 13"),
    "Ann,2,E,3": ("Cid,2,E,3", 14, "Cid", "no such employee"),
    "Bob,5,L,1": ("Bob,5,L", 16, "Bob,5,L", "3 values"),
    "0,E,2,100,1": ("0,E,-2,100,1", 18, "-2", "0 or more"),
    "0,L,1,50,2": ("0,E,1,50,2", 19, "0, E", "line 18 already"),
    "SECTION_DAYS_OFF": ("SECTION_HOLIDAYS", 11, "SECTION_HOLIDAYS", "unknown section"),
    "SECTION_SHIFT_OFF_REQUESTS": ("SECTION_COVER", 17, "SECTION_COVER", "begun before"),
    "# two people": ("two people", 2, "two people, two shifts", "before the first section"),
}


@pytest.mark.parametrize("there", FAULTS)
def test_a_fault_of_a_file_is_told_with_its_line_and_value(there: str):
    instead, line, value, remedy = FAULTS[there]
    assert TEXT.count(there) >= 1
    with pytest.raises(FileFaults) as told:
        parse_instance(TEXT.replace(there, instead, 1), "two")
    found = [(fault.line, fault.value) for fault in told.value.faults if remedy in fault.remedy]
    assert (line, value) in found


def test_all_faults_of_a_file_are_told_at_once():
    text = TEXT.replace("Ann,0,13", "Ann,0,99").replace("Bob,5,L,1", "Bob,5,L,one")
    with pytest.raises(FileFaults) as told:
        parse_instance(text, "two")
    assert [fault.value for fault in told.value.faults] == ["99", "one"]
    with pytest.raises(FileFaults, match="'SECTION_COVER': the section is missing"):
        parse_instance(TEXT[: TEXT.index("SECTION_COVER")], "two")


# -- the verifier ---------------------------------------------------------------------------------

SHIFTS = (ShiftType("E", 480), ShiftType("L", 360, frozenset({"E"})))
# Three weeks; free enough that one rule at a time decides.
FREE = Employee("Ann", {}, 99_999, 0, 21, 1, 1, 3)


def judged(line: str, **limits: Any) -> set[str]:
    """Rules that a line breaks: a letter a day, `.` for a day off; days not told are off."""
    days = ["" if letter == "." else letter for letter in line.ljust(21, ".")]
    instance = Instance("one", 21, SHIFTS, (replace(FREE, **limits),), (), (), ())
    return {fault.rule for fault in broken(instance, {"Ann": days})}


EXAMPLES: dict[str, tuple[dict[str, Any], str, str]] = {
    # rule: limits, a line that breaks it, one that keeps it
    "unknown_shift": ({}, "X", "E"),
    "day_off": ({"off": frozenset({1})}, ".E", "E.E"),
    "sequence": ({}, "LE", "L.EL"),
    "max_shifts": ({"most_of": {"L": 1}}, "LL", "L.E"),
    "max_minutes": ({"max_minutes": 960}, "EEL", "EE"),
    "min_minutes": ({"min_minutes": 840}, "LL", "EL"),
    "max_run": ({"max_run": 2}, "EEE", "EE.EE"),
    "min_run": ({"min_run": 2}, "..E", "E..EE"),
    "min_days_off": ({"min_days_off": 2}, "E.E", ".EE..E"),
    "max_weekends": ({"max_weekends": 1}, ".....E......E", ".....EE"),
}


@pytest.mark.parametrize("rule", EXAMPLES)
def test_a_rule_of_the_family_is_told_where_it_is_broken_and_only_there(rule: str):
    limits, breaks, keeps = EXAMPLES[rule]
    assert judged(breaks, **limits) == {rule}
    assert judged(keeps, **limits) == set()


def test_runs_at_the_edges_are_long_enough_but_never_too_short_to_be_too_long():
    edges = "E" + "." * 19 + "E"
    assert judged(edges, min_run=3, min_days_off=3) == set()
    assert judged("." + "E" * 19 + ".", min_days_off=3) == set()
    assert judged("." * 18 + "EEE", max_run=2) == {"max_run"}


def test_a_line_that_is_missing_too_short_or_nobodys_is_told():
    instance = Instance("one", 21, SHIFTS, (FREE,), (), (), ())
    assert [fault.rule for fault in broken(instance, {})] == ["horizon"]
    assert [fault.rule for fault in broken(instance, {"Ann": ["E"]})] == ["horizon"]
    lines = {"Ann": [""] * 21, "Cid": [""] * 21}
    assert [(f.rule, f.employee) for f in broken(instance, lines)] == [("unknown_employee", "Cid")]


def test_the_cost_is_requests_refused_and_heads_beside_the_cover():
    read = parse_instance(TEXT, "two")
    lines = {"Ann": [""] * 14, "Bob": ["E", "", "", "", "", "L", *[""] * 8]}
    # Ann's shift is refused (3), Bob's L is not spared him (1); one E and the L are missing.
    assert cost(read, lines) == Cost(requests=4, under=100 + 50, over=0)
    both = {name: ["L", *[""] * 13] for name in lines}
    assert cost(read, both) == Cost(requests=3, under=200, over=2)
    assert cost(read, both).total == 205


# -- the engine on instances ----------------------------------------------------------------------

LIMITS = EngineLimits(neighbourhoods=5, wall_s=20.0)


@st.composite
def instances(draw: st.DrawFn) -> Instance:
    """One person, a week, every limit drawn."""
    days, whole = 7, st.integers
    employee = Employee(
        "Ann",
        draw(st.dictionaries(st.sampled_from("EL"), whole(0, 8))),
        draw(whole(3, 8)) * 480,
        draw(whole(0, 2)) * 360,
        draw(whole(2, 6)),
        draw(whole(1, 3)),
        draw(whole(1, 3)),
        draw(whole(0, 2)),
        frozenset(draw(st.sets(whole(0, 6), max_size=2))),
    )
    requests = st.lists(
        st.builds(Request, st.just("Ann"), whole(0, 6), st.sampled_from("EL"), whole(1, 30)),
        max_size=3,
    )
    cover = tuple(
        Cover(day, shift, draw(whole(0, 1)), draw(whole(1, 100)), draw(whole(0, 50)))
        for day in range(days)
        for shift in "EL"
    )
    return Instance(
        "drawn", days, SHIFTS, (employee,), tuple(draw(requests)), tuple(draw(requests)), cover
    )


@settings(max_examples=10, deadline=None, derandomize=True)
@given(instances())
def test_for_one_person_the_engine_finds_the_best_of_all_lawful_lines(instance: Instance):
    lawful = [
        line
        for line in product(("", "E", "L"), repeat=instance.days)
        if not broken(instance, {"Ann": line})
    ]
    found = solve(problem_of(instance), seed=1, limits=LIMITS)
    lines = lines_of(instance, found.roster.task)
    if not lawful:  # The fewest minutes are a price to the engine: nothing else gives way.
        assert {fault.rule for fault in broken(instance, lines)} == {"min_minutes"}
        return
    assert broken(instance, lines) == ()
    assert cost(instance, lines).total == pytest.approx(found.objective)
    assert found.objective == min(cost(instance, {"Ann": line}).total for line in lawful)


def test_weekends_are_counted_over_the_whole_horizon():
    ann = replace(FREE, max_minutes=99_999, max_run=56, max_weekends=3)
    cover = tuple(Cover(day, "E", 1, 10, 1) for day in range(56))
    instance = Instance("long", 56, SHIFTS, (ann,), (), (), cover)
    found = solve(problem_of(instance), seed=1, limits=LIMITS)
    assert broken(instance, lines_of(instance, found.roster.task)) == ()
    # Five of eight weekends are free, two days each.
    assert found.objective == pytest.approx(5 * 2 * 10)


def test_the_rows_hold_what_was_found_beside_the_best_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    days = "\n".join(f"{day},{shift},1,100,1" for day in range(14) for shift in "EL")
    file, out = tmp_path / "Case7.txt", tmp_path / "out.json"
    file.write_text(TEXT[: TEXT.index("SECTION_COVER")] + "SECTION_COVER\n" + days)
    (tmp_path / "bounds.csv").write_text("instance,best_ub\n7,500\n")
    asked = ["nrp", str(file), "--seconds", "1", "--json", str(out)]
    monkeypatch.setattr(sys, "argv", asked)
    nrp.main()

    written = json.loads(out.read_text())
    (row,) = written["rows"]
    wanted = "instance seconds objective bound best_known gap violations"
    assert list(row) == wanted.split()
    assert (row["instance"], row["best_known"], row["violations"]) == ("Case7", 500, 0)
    assert row["bound"] <= row["objective"]
    assert row["gap"] == written["meta"]["mean_gap"] == round(row["objective"] / 500 - 1, 4)
    assert "best_known" in capsys.readouterr().out

    monkeypatch.setattr(sys, "argv", [*asked, "--bounds", str(tmp_path / "none.csv")])
    with pytest.raises(SystemExit, match="check the path"):
        nrp.main()


def test_best_known_costs_are_found_by_name_or_number(tmp_path: Path):
    file = tmp_path / "bounds.csv"
    file.write_text("instance,best_lb,best_ub\nward,5,9\n12,1,4\n")
    known = nrp.best_known(file)
    assert [nrp.known_of(name, known) for name in ("ward", "Instance12", "ward2", "x")] == [
        *(9, 4),
        *(None, None),
    ]
    file.write_text("instance,best_ub\n1,many\n")
    with pytest.raises(FileFaults, match="line 2, best_ub: 'many'"):
        nrp.best_known(file)
    file.write_text("instance,ub\n1,2\n")
    with pytest.raises(DataError, match="best_ub"):
        nrp.best_known(file)
