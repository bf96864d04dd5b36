"""The brand file: every fault at once, each with its place and its remedy."""

from __future__ import annotations

import math
from pathlib import Path
from statistics import NormalDist

import pytest

from wfm.calendars import ServiceWindow
from wfm.errors import Conflict, FileFaults
from wfm.ingest.agents import import_agents
from wfm.ingest.brandfile import import_brand, read_brand
from wfm.store.brands import load_brand
from wfm.store.engine import Store


@pytest.fixture
def changed(examples: dict[str, str], tmp_path: Path):
    """The page's brand file with parts of its text exchanged; each part must be there."""

    def make(*pairs: tuple[str, str]) -> Path:
        text = examples["brand.toml"]
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / "changed.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return make


def faults_of(path: Path) -> list[str]:
    with pytest.raises(FileFaults) as caught:
        read_brand(path)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("format = 1", "format = 2", "reads format 1"),
        ("Europe/London", "Europe/Londn", "no IANA time zone"),
        ('country = "GB"', 'country = "XX"', "no holiday calendar"),
        ('channel = "email"', 'channel = "mail"', "did you mean 'email'?"),
        ("minimum_staff = 2", "minimum_staf = 2", "did you mean 'minimum_staff'?"),
        ("minimum_staff = 2", "minimum_staff = -2", "whole number from 0"),
        ("continue_p = 0.6", "continue_p = 1.0", "below 1"),
        ("planned_shrinkage = 0.05", "planned_shrinkage = 5", "below 1"),
        ("occupancy_cap = 0.85", "occupancy_cap = 85", "at most 1"),
        ('name = "email"', 'name = "x"', "taken by number 1"),
        ('name = "email"', 'name = "e mail"', "letters, digits"),
        ('markets = ["DE", "UK"]', 'markets = ["DE", "FR"]', "no market of that name"),
        ('["mon-sun 08:00-20:00"]', '["mon-sun 8-20"]', "write it as 09:00"),
        ('["mon-sun 08:00-20:00"]', '["mo-so 08:00-20:00"]', "names no weekdays"),
        ('templates = ["early", "night"]', 'templates = ["erly"]', "did you mean 'early'?"),
        ('["early", "night"]\nmax_hours_per_day = 8', '["early"]\nmax_hours_per_day = 7', "longer"),
        ("earliest = 195", "earliest = 135", "begin at 150 or later"),
        ("earliest = 90, latest = 135 },\n  {", "earliest = 95, latest = 135 },\n  {", "of 15"),
        ('activity = "meal", minutes = 30, earliest = 195', 'activity = "lunch", minutes = 30, earliest = 195', "use one of"),  # noqa: E501
        ('starts = ["21:30", "22:00"]', 'starts = ["21:40"]', "quarter-hour"),
        ('starts = ["21:30", "22:00"]', 'starts = ["9pm"]', "no time of day"),
        ("first_touch = { mean_s = 180", "first_touch = { mean_s = 0", "above 0"),
        ("paid = true", "paid = 1", "true or false"),
        ('name = "Harbour & Pine"', "name = 7", "text in quotation marks"),
        ('metric = "resolution"', 'metric = "reply"', "next_reply"),
        ("risk_quantile = 0.80", 'risk = "mean"', "use one of day, expected"),
        ("mean_s = 180", "mean_s = inf", "above 0"),
        ("mean_s = 120", "mean_s = nan", "at least 0"),
        ("concurrency_max = 2", "concurrency_max = 0", "whole number from 1"),
        ("concurrency_max = 2", "productivity = [8, 0]", "numbers above 0"),
        ("concurrency_max = 2", "productivity = 8", "a list of numbers"),
        ("threshold_s = 900, share = 0.90", "threshold_s = 0, share = 0.90", "from 1"),
        ("threshold_s = 900, share = 0.90", "threshold_s = 900, share = 1.0", "below 1"),
    ],
)  # fmt: skip
def test_one_wrong_value_is_one_fault_with_its_line(changed, old: str, new: str, words: str):
    path = changed((old, new))
    (fault,) = faults_of(path)
    assert words in fault
    line = int(fault.split(",")[0].removeprefix("line "))
    around = path.read_text().splitlines()[line - 1]
    assert any(piece in around for piece in new.replace("\n", " ").split()), (fault, around)


def test_a_goal_that_no_staffing_can_meet_says_what_can_be_reached(changed):
    path = changed(
        ('threshold_s = 900, share = 0.90, scope = "hour"', "threshold_s = 200, share = 0.95")
    )
    (fault,) = faults_of(path)
    assert "no staffing can meet this goal" in fault
    sigma = math.sqrt(math.log(1.25))  # lognormal, cv 0.5
    best = NormalDist(math.log(180) - sigma**2 / 2, sigma).cdf(math.log(200))
    assert f"in {best:.1%} of cases" in fault


def test_a_goal_within_reach_passes_just_below_the_limit(changed):
    path = changed(
        ('threshold_s = 900, share = 0.90, scope = "hour"', "threshold_s = 200, share = 0.67")
    )
    assert read_brand(path).queue("x").promise.share == 0.67


def test_all_faults_are_told_at_once_in_the_order_of_the_file(changed):
    path = changed(
        ("Europe/Berlin", "Mars/Olympus"),
        ('channel = "x"', 'channel = "why"'),
        ("max_hours_per_week = 20", "max_hours_per_wek = 20"),
    )
    faults = faults_of(path)
    assert len(faults) == 4  # the misspelt key is unknown, and the right one is missing
    lines = [int(f.split(",")[0].removeprefix("line ")) for f in faults]
    assert lines == sorted(lines)
    assert "contracts[2].max_hours_per_week" in "".join(faults)


def test_hours_that_pass_midnight_are_split(changed):
    path = changed(('["mon-sun 08:00-20:00"]', '"fri,sat 20:00-02:00"'))
    parts = read_brand(path).queue("email").window.parts
    assert {(tuple(sorted(p.weekdays)), p.opens, p.closes) for p in parts} == {
        ((4, 5), 1200, 1440),
        ((5, 6), 0, 120),
    }


def test_a_window_of_markets_closes_on_their_holidays(brand_path: Path):
    window = read_brand(brand_path).queue("linkedin").window
    assert {(p.zone, p.holidays_of) for p in window.parts} == {
        ("Europe/Berlin", "DE"),
        ("Europe/London", "GB"),
    }


def test_what_is_left_out_takes_the_defaults(brand_path: Path):
    linkedin = read_brand(brand_path).queue("linkedin")
    assert linkedin.promise.threshold_s == 900
    assert linkedin.opening_goal.threshold_s == 3600
    assert linkedin.default_aht_s == linkedin.work.aht_s == 360
    assert read_brand(brand_path).queue("x").window == ServiceWindow.always()


def test_risk_and_productivity_are_read(changed):
    brand = read_brand(
        changed(
            ("risk_quantile = 0.80", 'risk = "expected"'),
            ("concurrency_max = 2", "concurrency_max = 2\nproductivity = [8, 13.5]"),
        )
    )
    assert brand.planning.risk == "expected"
    assert brand.queue("x").work.productivity == (8.0, 13.5)


def test_goals_that_contradict_each_other_are_kept_and_told(changed, store: Store):
    path = changed(
        ('metric = "resolution", threshold_s = 86400', 'metric = "resolution", threshold_s = 3600')
    )
    notes = import_brand(store, path, actor="test").notes
    assert any(
        "Queue email: the goal 80% of resolutions within 3600 s is sooner" in n for n in notes
    )


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"\x00\x01\x02", "no text"),
        (b"name = '\xff'", "not UTF-8"),
        (b"format = 1\n[site\nname = 'a'\n", "line 2"),
        (b"format = 1\n", "[[queues]]"),
    ],
    ids=["empty", "binary", "latin-1", "no TOML", "nothing in it"],
)
def test_a_file_that_is_no_brand_is_refused(make_file, data: bytes, words: str):
    assert words in "\n".join(faults_of(make_file(name="bad.toml", data=data)))


def test_the_same_brand_twice_changes_nothing(branded: Store, brand_path: Path, contents):
    before = contents(branded)
    report = import_brand(branded, brand_path, actor="other")
    assert (report.unchanged, report.changed) == (1, False)
    assert contents(branded) == before


def test_the_same_brand_with_other_values_updates_it_and_is_audited(
    branded: Store, changed, contents
):
    path = changed(("occupancy_cap = 0.85", "occupancy_cap = 0.80"))
    report = import_brand(branded, path, actor="planner:ann")
    assert report.replaced == 1
    with branded.reading() as connection:
        assert load_brand(connection).planning.occupancy_cap == 0.80
    assert [row[2] for row in contents(branded)["audit"]] == ["tester", "planner:ann"]


def test_a_store_with_another_brand_is_refused_in_a_sentence(branded: Store, changed, contents):
    before = contents(branded)
    with pytest.raises(Conflict, match=r"holds the brand 'Harbour & Pine'.*WFM_HOME"):
        import_brand(branded, changed(("Harbour & Pine", "Other")), actor="tester")
    assert contents(branded) == before


def test_a_brand_that_drops_what_agents_name_is_refused(
    local: Store, changed, make_file, examples: dict[str, str], contents
):
    agents = make_file(name="agents.csv", data=examples["agents.csv"].encode())
    import_agents(local, agents, actor="tester")
    before = contents(local)
    path = changed(('name = "part"', 'name = "half"'), ('name = "linkedin"', 'name = "li"'))
    with pytest.raises(Conflict, match=r"contract 'part' is named by agent a002") as caught:
        import_brand(local, path, actor="tester")
    assert caught.value.details["dropped"] == ["contract 'part'", "queue 'linkedin'"]
    assert contents(local) == before
