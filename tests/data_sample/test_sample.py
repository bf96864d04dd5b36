"""The sample brand: what is committed is what the generator writes, and it follows its truth."""

from __future__ import annotations

import csv
import importlib.util
import json
import math
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from wfm.calendars import is_open, public_holidays
from wfm.frames import VOLUMES, interval_index
from wfm.ingest.agents import import_agents
from wfm.ingest.brandfile import import_brand, read_brand
from wfm.ingest.campaigns import import_campaigns
from wfm.ingest.history import load_volumes
from wfm.ingest.report import ImportReport
from wfm.ingest.volumes import import_volumes
from wfm.people import Agent
from wfm.store.campaigns import load_campaigns
from wfm.store.engine import Store, open_store
from wfm.store.people import load_agents
from wfm.timegrid import FixedClock, format_instant, local_midnight

FOLDER = Path(__file__).parents[2] / "data" / "sample"
BERLIN = ZoneInfo("Europe/Berlin")
PLANNED = [date(2026, 3, 2) + timedelta(days=day) for day in range(28)]


@pytest.fixture(scope="module")
def generator() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("make_sample", FOLDER / "make_sample.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their own module up while it is read.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    return json.loads((FOLDER / "truth.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def volumes() -> pd.DataFrame:
    return pd.read_parquet(FOLDER / "volumes.parquet")


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store that holds the sample, as the importers took it."""
    url = f"sqlite:///{tmp_path_factory.mktemp('sample') / 'wfm.sqlite'}"
    store = open_store(url, clock=FixedClock(local_midnight(PLANNED[0], BERLIN)))
    for report in import_all(store):
        assert report.changed
        assert report.skipped == 0
    yield store
    store.close()


@pytest.fixture
def agents(imported: Store) -> tuple[Agent, ...]:
    with imported.reading() as connection:
        return load_agents(connection)


def import_all(store: Store) -> list[ImportReport]:
    return [
        import_brand(store, FOLDER / "brand.toml", actor="test"),
        import_agents(store, FOLDER / "agents.csv", actor="test"),
        import_campaigns(store, FOLDER / "campaigns.csv", actor="test"),
        import_volumes(store, [FOLDER / "volumes.parquet"], actor="test"),
    ]


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


# -- the truth, computed once more from truth.json with plain loops --------------------------------


def usual_rate(queue: dict[str, Any], at: datetime, truth: dict[str, Any]) -> float:
    """Expected contacts of the interval from the week, the growth and the holidays."""
    local = at.astimezone(BERLIN)
    bumps = queue["weekend"] if local.weekday() >= 5 else queue["workday"]

    def shape(slot: int) -> float:
        hour = slot / 4 + 0.125
        height = queue["floor"]
        for bump in bumps:
            away = (hour - bump["hour"] + 12) % 24 - 12
            height += bump["height"] * math.exp(-((away / bump["width_h"]) ** 2) / 2)
        return height

    in_day = shape(local.hour * 4 + local.minute // 15) / sum(shape(slot) for slot in range(96))
    weights = queue["weekday_weights"]
    in_week = weights[local.weekday()] / sum(weights)
    years = (at - datetime.fromisoformat(truth["start"])) / timedelta(days=365)
    rate = queue["contacts_per_week"] * in_week * in_day * (1 + truth["growth_per_year"]) ** years
    for country, share in queue["market_shares"].items():
        if local.date() in public_holidays(country, local.year):
            rate *= 1 - share * (1 - queue["holiday_effect"])
    return rate


def by_name(truth: dict[str, Any], queue: str) -> dict[str, Any]:
    return next(q for q in truth["queues"] if q["name"] == queue)


def series(volumes: pd.DataFrame, queue: str) -> pd.Series:
    return volumes[volumes["queue"] == queue].set_index("timestamp")["value"]


def test_the_committed_files_are_what_the_script_writes(
    generator: ModuleType,
    truth: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setattr(sys, "argv", ["make_sample.py", "--out", str(tmp_path)])
    generator.main()

    assert f"synthetic, seed {truth['seed']}" in capsys.readouterr().out

    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path / "volumes.parquet"), pd.read_parquet(FOLDER / "volumes.parquet")
    )
    for name in ("agents.csv", "campaigns.csv"):
        assert rows_of(tmp_path / name) == rows_of(FOLDER / name)
    assert json.loads((tmp_path / "truth.json").read_text(encoding="utf-8")) == truth
    assert read_brand(tmp_path / "brand.toml") == read_brand(FOLDER / "brand.toml")


def test_a_seed_decides_the_history_and_another_gives_another(generator: ModuleType):
    one, again, other = (generator.make_volumes(generator.TRUTH, seed) for seed in (7, 7, 8))

    pd.testing.assert_frame_equal(one, again)
    assert not one["value"].equals(other["value"])
    assert generator.make_agents(7) == generator.make_agents(7)
    assert generator.make_agents(7) != generator.make_agents(8)


def test_the_folder_is_small_and_says_that_it_is_synthetic(truth: dict[str, Any]):
    assert sum(f.stat().st_size for f in FOLDER.iterdir() if f.is_file()) < 1_500_000
    assert truth["synthetic"] is True
    assert "synthetic" in read_brand(FOLDER / "brand.toml").name
    provenance = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"seed {truth['seed']}" in provenance
    assert "synthetic" in provenance.splitlines()[0]


def test_the_history_is_26_whole_local_weeks_with_the_stated_gap_only(
    volumes: pd.DataFrame, truth: dict[str, Any]
):
    start, end = (datetime.fromisoformat(truth[key]) for key in ("start", "end"))
    assert start.astimezone(BERLIN) == datetime(2025, 9, 1, tzinfo=BERLIN)
    assert end.astimezone(BERLIN) == datetime(2026, 3, 2, tzinfo=BERLIN)
    down = interval_index(
        datetime.fromisoformat(truth["outage"]["start"]),
        datetime.fromisoformat(truth["outage"]["end"]),
    )
    assert len(down) > 0
    want = interval_index(start, end).difference(down)

    for queue in truth["queues"]:
        assert series(volumes, queue["name"]).index.tolist() == want.tolist()
    assert len(volumes) == len(want) * len(truth["queues"])


def test_the_volumes_satisfy_the_schema_of_volumes(volumes: pd.DataFrame):
    table = volumes.rename(columns={"timestamp": "start", "value": "contacts"})
    VOLUMES.check(
        table.astype({"start": "datetime64[us, UTC]", "contacts": "int64", "aht_s": "float64"})
    )
    assert (volumes["aht_s"].isna() == (volumes["value"] == 0)).all()


def test_the_autumn_clock_change_gives_a_day_of_100_intervals_and_the_spring_one_is_planned(
    volumes: pd.DataFrame,
):
    local_days = Counter(series(volumes, "x").index.tz_convert(BERLIN).date)
    assert local_days[date(2025, 10, 26)] == 100
    assert {n for day, n in local_days.items() if day not in {date(2025, 10, 26)}} == {96, 75}

    midnight = datetime(2026, 3, 29, tzinfo=BERLIN)
    spring = interval_index(
        midnight.astimezone(UTC), datetime(2026, 3, 30, tzinfo=BERLIN).astimezone(UTC)
    )
    assert len(spring) == 92
    assert midnight.date() in PLANNED


@pytest.mark.parametrize("name", ["x", "facebook", "instagram", "email", "linkedin"])
def test_a_quiet_week_has_the_level_and_the_shape_of_the_truth(
    name: str, volumes: pd.DataFrame, truth: dict[str, Any]
):
    queue = by_name(truth, name)
    # Two months with neither campaign nor spike nor outage, a holiday among them.
    span = interval_index(datetime(2025, 10, 18, tzinfo=UTC), datetime(2025, 11, 10, tzinfo=UTC))
    counts = series(volumes, name).reindex(span)
    expected = pd.Series([usual_rate(queue, at, truth) for at in span], index=span)

    noise = truth["noise"]
    total = expected.sum()
    days = len(span) / 96
    spread = math.sqrt(total + (noise["day_cv"] * total) ** 2 / days)
    assert abs(counts.sum() - total) < 4 * spread

    local = span.tz_convert(BERLIN)
    for part in (local.hour, local.day_of_week):
        seen = counts.groupby(part).sum() / counts.sum()
        want = expected.groupby(part).sum() / total
        few = 4 / np.sqrt(expected.groupby(part).sum())
        assert ((seen / want - 1).abs() < few + 4 * noise["day_cv"] / math.sqrt(3)).all()


def test_the_totals_are_those_the_truth_expects(volumes: pd.DataFrame, truth: dict[str, Any]):
    totals = volumes.groupby("queue")["value"].sum()
    for name, expected in truth["expected_contacts"].items():
        relative = math.hypot(truth["noise"]["day_cv"] / math.sqrt(182), 1 / math.sqrt(expected))
        assert totals[name] == pytest.approx(expected, rel=4 * relative)


def test_handling_times_come_to_the_work_laws_of_the_brand(
    volumes: pd.DataFrame, truth: dict[str, Any]
):
    brand = read_brand(FOLDER / "brand.toml")
    for queue in truth["queues"]:
        rows = volumes[volumes["queue"] == queue["name"]]
        mean = (rows["value"] * rows["aht_s"]).sum() / rows["value"].sum()
        assert mean == pytest.approx(queue["aht_s"], rel=0.015)
        assert brand.queue(queue["name"]).work.aht_s == pytest.approx(queue["aht_s"])
        assert brand.queue(queue["name"]).default_aht_s == pytest.approx(queue["aht_s"])


def test_busy_days_are_shared_by_the_queues_and_counts_spread_more_than_poisson(
    volumes: pd.DataFrame, truth: dict[str, Any]
):
    midnight = datetime(2025, 12, 1, tzinfo=BERLIN)
    span = interval_index(midnight.astimezone(UTC), (midnight + timedelta(weeks=3)).astimezone(UTC))
    day = span.tz_convert(BERLIN).date
    ratio = {}
    for name in ("x", "instagram"):
        queue = by_name(truth, name)
        expected = pd.Series([usual_rate(queue, at, truth) for at in span], index=span)
        counts = series(volumes, name).reindex(span)
        ratio[name] = (counts.groupby(day).sum() / expected.groupby(day).sum()).to_numpy()
        assert ((counts - expected) ** 2 / expected).mean() > 1.15
    assert np.corrcoef(ratio["x"], ratio["instagram"])[0, 1] > 0.8
    assert ratio["x"].std() == pytest.approx(truth["noise"]["day_cv"], rel=0.5)


def test_a_holiday_quietens_the_market_that_has_it(volumes: pd.DataFrame, truth: dict[str, Any]):
    # 2025-10-27 is one in Ireland only, 2025-12-25 in both markets.
    for name, day in (("linkedin", date(2025, 10, 27)), ("email", date(2025, 12, 25))):
        queue = by_name(truth, name)
        counts = series(volumes, name)
        local = counts.index.tz_convert(BERLIN).date
        usual = counts[local == day - timedelta(weeks=2)].sum()
        factor = 1.0
        for country, share in queue["market_shares"].items():
            if day in public_holidays(country, day.year):
                factor -= share * (1 - queue["holiday_effect"])
        assert factor < 0.8
        assert counts[local == day].sum() / usual == pytest.approx(factor, rel=0.35)


def test_campaigns_add_the_uplift_of_the_truth(volumes: pd.DataFrame, truth: dict[str, Any]):
    history_end = datetime.fromisoformat(truth["end"])
    past = [c for c in truth["campaigns"] if datetime.fromisoformat(c["end"]) < history_end]
    assert len(past) == 3
    for campaign in past:
        risen = datetime.fromisoformat(campaign["start"]) + timedelta(hours=1)
        span = interval_index(risen, datetime.fromisoformat(campaign["end"]))
        seen = expected = 0.0
        for name in campaign["queues"]:
            seen += series(volumes, name).reindex(span).sum()
            expected += sum(usual_rate(by_name(truth, name), at, truth) for at in span)
        assert seen / expected - 1 == pytest.approx(campaign["peak_uplift"], abs=0.25)


def test_the_viral_posts_start_where_the_truth_says_and_fade_by_a_power_law(
    volumes: pd.DataFrame, truth: dict[str, Any]
):
    assert len(truth["virals"]) == 2
    quiet = by_name(truth, "facebook")
    for viral in truth["virals"]:
        queue = by_name(truth, viral["queue"])
        onset = datetime.fromisoformat(viral["onset"])
        # How busy the day was is read off a queue that the post did not reach.
        midnight = onset.astimezone(BERLIN).replace(hour=0, minute=0)
        day = interval_index(midnight.astimezone(UTC), midnight.astimezone(UTC) + timedelta(days=1))
        busy = series(volumes, "facebook").reindex(day).sum() / sum(
            usual_rate(quiet, at, truth) for at in day
        )
        for first, last in ((-3, 0), (0, 1), (1, 3), (3, 9)):
            span = interval_index(onset + timedelta(hours=first), onset + timedelta(hours=last))
            minutes = [(at - onset).total_seconds() / 60 for at in span]
            decay = [
                (1 + m / viral["tau_min"]) ** -viral["power"] if m >= 0 else 0 for m in minutes
            ]
            usual = sum(usual_rate(queue, at, truth) for at in span)
            extra = viral["size"] * usual_rate(queue, onset, truth) * sum(decay)
            seen = series(volumes, viral["queue"]).reindex(span).sum()
            assert abs(seen - busy * (usual + extra)) < 3.5 * math.sqrt(
                1.3 * busy * (usual + extra)
            )
            if first == 0:
                assert seen > busy * usual + 3 * math.sqrt(1.3 * busy * usual)


def test_people_write_again_after_the_outage(volumes: pd.DataFrame, truth: dict[str, Any]):
    outage = truth["outage"]
    end = datetime.fromisoformat(outage["end"])
    hour = interval_index(end, end + timedelta(hours=1))
    seen = expected = 0.0
    for queue in truth["queues"]:
        seen += series(volumes, queue["name"]).reindex(hour).sum()
        expected += sum(usual_rate(queue, at, truth) for at in hour)
    surge = np.mean([outage["surge"] * 0.5 ** (15 * k / outage["half_life_min"]) for k in range(4)])
    assert seen / expected - 1 == pytest.approx(surge, abs=0.35)


def test_shut_queues_have_volumes_at_night_but_fewer(volumes: pd.DataFrame):
    brand = read_brand(FOLDER / "brand.toml")
    week = interval_index(
        datetime(2026, 1, 18, 23, tzinfo=UTC), datetime(2026, 1, 25, 23, tzinfo=UTC)
    )
    for name in ("email", "linkedin"):
        open_now = np.array([is_open(brand.queue(name).window, at) for at in week])
        counts = series(volumes, name).reindex(week).to_numpy()
        assert 0.05 < counts[~open_now].sum() / counts.sum() < 0.25


# -- the brand and its people ----------------------------------------------------------------------


def test_the_brand_has_the_five_queues_and_their_windows():
    brand = read_brand(FOLDER / "brand.toml")

    assert [q.name for q in brand.queues] == ["x", "facebook", "instagram", "email", "linkedin"]
    assert [q.name for q in brand.queues if q.window.is_always] == ["x", "facebook", "instagram"]
    assert brand.zone == "Europe/Berlin"
    # St Patrick's Day: the Irish hours are shut, the German ones are not.
    linkedin = brand.queue("linkedin").window
    assert is_open(linkedin, datetime(2026, 3, 17, 17, 15, tzinfo=BERLIN).astimezone(UTC))
    assert not is_open(linkedin, datetime(2026, 3, 17, 18, 15, tzinfo=BERLIN).astimezone(UTC))
    assert is_open(linkedin, datetime(2026, 3, 18, 18, 15, tzinfo=BERLIN).astimezone(UTC))


def test_long_shifts_may_start_at_every_half_hour_of_the_day():
    brand = read_brand(FOLDER / "brand.toml")
    starts = sorted(at for t in brand.templates if t.minutes == 510 for at in t.starts)
    assert starts == list(range(0, 1440, 30))


def test_the_importers_take_every_file_and_a_second_time_changes_nothing(
    imported: Store, volumes: pd.DataFrame
):
    assert not any(report.changed for report in import_all(imported))
    with imported.reading() as connection:
        loaded = load_volumes(connection)
    assert len(loaded) == len(volumes)
    assert loaded["contacts"].sum() == volumes["value"].sum()


def test_every_agent_has_a_contract_of_the_brand_and_a_skill(agents: tuple[Agent, ...]):
    assert len(agents) == 120
    for agent in agents:
        assert agent.skills
        assert any(agent.contract_on(day) for day in PLANNED)
    assert {agent.contract_on(PLANNED[0]) for agent in agents} == {
        "full_8h",
        "rota_8h",
        "part_6h",
        "part_8h",
        "part_4h",
        None,  # who joins later
    }


def test_most_agents_have_several_skills_a_fifth_is_restricted_and_nights_can_be_staffed(
    agents: tuple[Agent, ...],
):
    def share(having: Callable[[Agent], object]) -> float:
        return sum(bool(having(agent)) for agent in agents) / len(agents)

    assert share(lambda a: len(a.skills) > 1) >= 0.6
    assert 0.15 <= share(lambda a: a.availability) <= 0.25
    assert 0.15 <= share(lambda a: any(a.is_off(day) for day in PLANNED)) <= 0.25
    assert share(lambda a: a.preferences) >= 0.4
    for queue in ("x", "facebook", "instagram"):
        nights = [
            agent
            for agent in agents
            if queue in {skill.queue for skill in agent.skills}
            and not agent.availability
            and agent.terms[0].contract.endswith("_8h")
        ]
        assert len(nights) >= 20


def test_one_campaign_lies_in_the_first_two_planned_weeks_and_all_are_to_be_learned(
    imported: Store, truth: dict[str, Any]
):
    with imported.reading() as connection:
        campaigns = load_campaigns(connection)

    first, last = (local_midnight(PLANNED[day], BERLIN) for day in (0, 14))
    assert len(campaigns) == 4
    assert [first <= c.start < c.end < last for c in campaigns].count(True) == 1
    assert all(campaign.peak_uplift is None for campaign in campaigns)
    known = {(c["name"], c["start"], c["end"]) for c in truth["campaigns"]}
    assert {(c.name, format_instant(c.start), format_instant(c.end)) for c in campaigns} == known


def test_the_posts_are_what_their_generator_writes(tmp_path: Path):
    script = FOLDER / "make_posts.py"
    subprocess.run([sys.executable, script, "--out", tmp_path], check=True)
    assert (tmp_path / "posts.csv").read_bytes() == (FOLDER / "posts.csv").read_bytes()
