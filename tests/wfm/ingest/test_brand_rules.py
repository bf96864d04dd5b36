"""The brand file's contracts, rule sets, weekend, night and presence."""

from __future__ import annotations

from pathlib import Path

import pytest

from wfm.brands import Presence
from wfm.calendars import ServiceWindow
from wfm.errors import FileFaults
from wfm.ingest.brandfile import read_brand
from wfm.people import NightTime

SITE = """
format = 1
[site]
name = "Small"
zone = "UTC"
"""
FLOOR = """
[[queues]]
name = "x"
channel = "x"
handle = "@small"
language = "en"
window = "24/7"
[[templates]]
name = "early"
minutes = 480
starts = ["06:00"]
[[templates]]
name = "night"
minutes = 480
starts = ["22:00"]
"""
CONTRACT = """
[[contracts]]
name = "full"
templates = ["early", "night"]
"""
HOURS = "max_hours_per_day = 8\nmax_hours_per_week = 40\n"


@pytest.fixture
def brand_of(tmp_path: Path):
    """The brand of a file with these parts added."""

    def read(contract: str = HOURS, *, site: str = "", more: str = ""):
        path = tmp_path / "brand.toml"
        path.write_text(SITE + site + FLOOR + CONTRACT + contract + more, encoding="utf-8")
        return read_brand(path)

    return read


def faults_of(read, *args: str, **parts: str) -> list[str]:
    with pytest.raises(FileFaults) as caught:
        read(*args, **parts)
    return [str(fault) for fault in caught.value.faults]


def test_every_field_of_a_contract_is_read(brand_of):
    (full,) = brand_of(
        HOURS
        + """
min_hours_per_week = 30
target_hours_per_week = 38
period_weeks = 2
min_hours_per_period = 60
target_hours_per_period = 76
max_hours_per_period = 78
max_days_per_week = 4
max_consecutive_days = 6
max_consecutive_nights = 3
min_consecutive_shifts = 2
min_consecutive_days_off = 2
min_rest_h = 12
weekly_rest_h = 36
nights_in_series = 2
rest_after_nights_h = 48
max_weekends_in_4 = 1
max_start_change_h = 2.5
max_holidays_per_period = 1
max_shifts = { night = 3, early = 8 }
forbidden_sequences = [["night", "early"], ["night", "early"]]
"""
    ).contracts

    assert (full.target_hours_per_week, full.target_hours_per_period) == (38, 76)
    assert (full.min_hours_per_period, full.max_hours_per_period, full.period_weeks) == (60, 78, 2)
    assert (full.max_consecutive_nights, full.nights_in_series, full.rest_after_nights_h) == (
        3,
        2,
        48,
    )
    assert (full.min_consecutive_shifts, full.min_consecutive_days_off) == (2, 2)
    assert (full.min_rest_h, full.weekly_rest_h, full.max_start_change_h) == (12, 36, 2.5)
    assert (full.max_weekends_in_4, full.max_holidays_per_period) == (1, 1)
    assert full.max_shifts == (("night", 3), ("early", 8))
    assert full.forbidden_sequences == (("night", "early"),)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("max_consecutive_nights = -1", "from 0 to 28"),
        ("weekly_rest_h = 200", "at most 144"),
        ("period_weeks = 0", "from 1 to 52"),
        ("max_start_change_h = 25", "at most 24"),
        ("max_shifts = { nite = 2 }", "did you mean 'night'?"),
        ("max_shifts = { night = -2 }", "from 0"),
        ("max_shifts = 3", "want a table"),
        ('forbidden_sequences = ["night", "early"]', "want pairs"),
        ('forbidden_sequences = [["night"]]', "want pairs"),
        ('forbidden_sequences = "night > early"', "want pairs"),
        ('forbidden_sequences = [["night", "erly"]]', "did you mean 'early'?"),
        ("target_hours_per_week = 45", "target_hours_per_week 45 is above max_hours_per_week 40"),
        ("min_consecutive_shifts = 6", "is above max_consecutive_days 5"),
        ("min_hours_per_period = 90\nmax_hours_per_period = 80", "is above max_hours_per_period"),
        ('ruleset = "eux"', "did you mean 'eu'?"),
        ("max_consecutive_night = 3", "did you mean 'max_consecutive_nights'?"),
    ],
)
def test_a_figure_that_cannot_be_is_told_where_it_stands(brand_of, line: str, words: str):
    found = faults_of(brand_of, HOURS + line + "\n")

    assert any(words in fault for fault in found), found
    first = (SITE + FLOOR + CONTRACT + HOURS).count("\n") + 1
    assert all(fault.startswith(f"line {first}") for fault in found)


def test_what_a_contract_leaves_out_comes_from_its_rule_set(brand_of):
    (full,) = brand_of('ruleset = "eu"\nmax_hours_per_week = 38\n').contracts

    assert full.ruleset == "eu"
    assert (full.max_hours_per_day, full.max_hours_per_week) == (13, 38)
    assert (full.min_rest_h, full.weekly_rest_h, full.max_consecutive_days) == (11, 35, 6)
    assert full.max_weekends_in_4 == 2  # the set says nothing of weekends


def test_a_contract_may_be_stricter_than_its_rule_set_and_no_laxer(brand_of):
    (strict,) = brand_of('ruleset = "eu"\nmin_rest_h = 12\nmax_hours_per_week = 40\n').contracts
    assert strict.min_rest_h == 12

    lax = faults_of(brand_of, 'ruleset = "eu"\nmin_rest_h = 9\nmax_hours_per_week = 60\n')
    assert len(lax) == 2
    assert "contracts[1].min_rest_h: '9.0'" in lax[0]
    assert "laxer than 11 of the rule set eu; write 11 or more, leave it out" in lax[0]
    assert "laxer than 48 of the rule set eu; write 48 or less" in lax[1]


OWN = """
[[rulesets]]
name = "house"
extends = "eu"
title = "House agreement"
rules = { min_rest_h = { value = 12, why = "Agreed." }, max_consecutive_nights = 4 }
"""


def test_a_brands_own_rule_set_extends_another(brand_of):
    brand = brand_of('ruleset = "house"\nmax_hours_per_week = 40\n', more=OWN)
    (full,), (house,) = brand.contracts, brand.rulesets

    assert (full.min_rest_h, full.max_consecutive_nights, full.weekly_rest_h) == (12, 4, 35)
    assert (house.name, house.title, house.extends) == ("house", "House agreement", "eu")
    assert house.source.startswith("Directive")
    rest = house.figure("min_rest_h")
    assert rest is not None
    assert (rest.value, rest.why) == (12, "Agreed.")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("min_rest_h = { value = 12", "min_rest_h = { value = 10", "laxer than 11"),
        ("max_consecutive_nights = 4", "max_consecutive_nights = 6", "write 5 or less"),
        ("max_consecutive_nights = 4", "max_consecutive_nite = 4", "'max_consecutive_nights'?"),
        ("max_consecutive_nights = 4", "target_hours_per_week = 4", "unknown key"),
        ("max_consecutive_nights = 4", "max_hours_per_period = 150", "how many weeks"),
        ('name = "house"', 'name = "uk"', "comes with the program"),
        ('extends = "eu"', 'extends = "eux"', "did you mean 'eu'?"),
        ('extends = "eu"', 'extends = "house"', "no rule set of that name before"),
        ("value = 12, ", "", "missing"),
    ],
)
def test_an_own_rule_set_that_cannot_be_is_told(brand_of, old: str, new: str, words: str):
    assert old in OWN
    found = faults_of(brand_of, HOURS, more=OWN.replace(old, new))

    assert any(words in fault for fault in found), found
    assert all("rulesets[1]" in fault for fault in found)


def test_figures_for_another_period_cannot_be_compared(brand_of):
    own = """
[[rulesets]]
name = "season"
rules = { period_weeks = 8, max_hours_per_period = 320 }
"""
    same = brand_of(HOURS + 'ruleset = "season"\nmax_hours_per_period = 300\n', more=own)
    assert (same.contracts[0].period_weeks, same.contracts[0].max_hours_per_period) == (8, 300)

    (fault,) = faults_of(brand_of, HOURS + 'ruleset = "season"\nperiod_weeks = 4\n', more=own)
    assert "laxer than 8 of the rule set season; write 8" in fault


def test_a_rule_set_without_rules_is_told(brand_of):
    (fault,) = faults_of(brand_of, more='[[rulesets]]\nname = "none"\n')
    assert "wants rules, such as min_rest_h = 11" in fault


@pytest.mark.parametrize(
    ("text", "weekend"),
    [
        ('["sat", "sun"]', (5, 6)),
        ('["sat", "fri"]', (4, 5)),
        ('"thu-fri"', (3, 4)),
        ('"sun"', (6,)),
    ],
)
def test_a_weekend_is_days_that_follow_one_another(brand_of, text: str, weekend: tuple[int, ...]):
    assert brand_of(site=f"weekend = {text}\n").weekend == weekend


@pytest.mark.parametrize(
    ("site", "words"),
    [
        ('weekend = ["sun", "mon"]', "follow one another between Monday and Sunday"),
        ('weekend = ["fri", "sun"]', "follow one another"),
        ('weekend = ["saturday"]', "names no weekdays"),
        ("weekend = []", "names no day"),
        ('night = { from = "9pm" }', "write it as 09:00"),
        ('night = { from = "23:10" }', "quarter-hour"),
        ('night = { from = "06:00" }', "ends when it begins"),
        ("night = { hours = 8 }", "the night has only 7"),
        ("night = { hours = 0 }", "above 0"),
        ('night = { till = "06:00" }', "unknown key"),
    ],
)
def test_a_weekend_or_night_that_cannot_be_is_told(brand_of, site: str, words: str):
    (fault,) = faults_of(brand_of, site=site + "\n")
    assert words in fault
    assert fault.startswith(f"line {SITE.count(chr(10)) + 1}")


def test_a_night_may_lie_after_midnight(brand_of):
    site = '[site.night]\nfrom = "24:00"\nto = "05:00"\nhours = 2\n'
    assert brand_of(site=site).night == NightTime(0, 300, 2)
    assert brand_of().night == NightTime()


def test_presence_is_read_with_any_window_of_a_queue(brand_of):
    more = """
[[presence]]
name = "a lead"
role = "lead"
window = "24/7"
[[presence]]
name = "nobody alone"
at_least = 2
window = ["mon-sun 22:00-06:00"]
"""
    lead, pair = brand_of(more=more).presence

    assert lead == Presence("a lead", 1, ServiceWindow.always(), "lead")
    assert (pair.name, pair.at_least, pair.role) == ("nobody alone", 2, "")
    assert {(p.opens, p.closes) for p in pair.window.parts} == {(1320, 1440), (0, 360)}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("at_least = 0", "from 1"),
        ('window = "always"', "is not understood"),
        ("", "missing"),
        ('window = "24/7"\nrole = 3', "text in quotation marks"),
        ('window = "24/7"\nroles = "lead"', "did you mean 'role'?"),
    ],
)
def test_a_presence_that_cannot_be_is_told(brand_of, line: str, words: str):
    found = faults_of(brand_of, more=f'[[presence]]\nname = "p"\n{line}\n')
    assert any(words in fault for fault in found), found
