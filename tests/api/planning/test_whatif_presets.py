"""Presets are as large as the brand's own past, say where that comes from, and fit a scenario."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from api.planning.plan import PlanInputs
from api.planning.whatif.presets import Preset, preset_scenario, presets
from scheduling.whatif.scenario import check_scenario
from wfm.campaigns import CATEGORIES, Campaign
from wfm.errors import NotFound
from wfm.frames import interval_index
from wfm.store.brands import save_brand
from wfm.store.campaigns import save_campaigns
from wfm.store.engine import Store, open_store
from wfm.store.volumes import Count, record_import, write_counts
from wfm.timegrid import FixedClock

TODAY = datetime(2026, 3, 2, tzinfo=UTC)
FIRST = TODAY - timedelta(weeks=4)
SPIKES = tuple(FIRST + timedelta(days=day, hours=12) for day in (16, 19, 22, 25))


@pytest.fixture
def store(inputs: PlanInputs, tmp_path) -> Store:
    opened = open_store(
        f"sqlite:///{tmp_path}/wfm.sqlite", clock=FixedClock(TODAY + timedelta(hours=9))
    )
    with opened.writing("ann") as writing:
        save_brand(writing, inputs.brand)
    yield opened
    opened.close()


def take_in(store: Store, factor: float = 1.0, *starts: datetime, queue: str = "night") -> None:
    """Four weeks of counts, so many times as many for two hours from each of the starts on."""
    index = interval_index(FIRST, TODAY)
    rate = np.full(len(index), 12.0)
    for start in starts:
        rate[(index >= start) & (index < start + timedelta(hours=2))] *= factor
    counts = np.random.default_rng(1).poisson(rate)
    rows = (
        ((queue, at.to_pydatetime()), Count(int(count), 300.0))
        for at, count in zip(index, counts, strict=True)
    )
    with store.writing("ann") as writing:
        write_counts(
            writing, "volumes", rows,
            record_import(writing, "volumes", "f.csv", sha256="", options={}),
        )  # fmt: skip


def of(cause: str, found: tuple[Preset, ...]) -> Preset:
    return next(one for one in found if one.cause == cause)


def test_a_brand_without_volumes_is_told_that_the_sizes_are_beliefs(store: Store):
    found = presets(store)

    assert {one.cause for one in found} == set(CATEGORIES)
    for preset in found:
        assert preset.learned_from == 0
        assert preset.because.startswith("A belief: ")
        assert f"category {preset.cause}" in preset.because


def test_spikes_that_nobody_announced_make_the_viral_preset(store: Store):
    take_in(store, 10.0, *SPIKES)

    viral = of("viral", presets(store))

    assert viral.learned_from == 4
    assert 5.5 < viral.surges[0].factor < 10.0
    assert viral.because == (
        "Learned from 4 spikes that nobody announced; our belief counts for as much as 3 of them. "
        "It is 4 times the usual volume at the peak."
    )


def test_a_single_spike_says_that_it_is_little_to_go_by(store: Store):
    take_in(store, 10.0, SPIKES[0])

    viral = of("viral", presets(store))

    assert 4.0 < viral.surges[0].factor < 6.5
    assert "from 1 spike that nobody announced; with so few, our belief counts" in viral.because


def test_a_queue_tells_more_of_itself_than_of_another(store: Store):
    take_in(store, 10.0, *SPIKES)

    own, other = (of("viral", presets(store, queue=name)) for name in ("night", "day"))

    assert own.surges[0].factor > other.surges[0].factor
    assert ", 4 on night;" in own.because
    assert ", 0 on day;" in other.because
    with pytest.raises(NotFound, match="no queue 'fax'"):
        presets(store, queue="fax")


def test_presets_are_learned_anew_when_an_import_or_a_campaign_tells_more(store: Store):
    take_in(store)
    assert of("viral", presets(store)).learned_from == 0
    take_in(store, 8.0, *SPIKES)
    assert of("viral", presets(store)).learned_from == 4

    known = [
        Campaign(f"phone {n}", at, at + timedelta(hours=2), ("night",), "launch",
                 rise_min=0, half_life_min=15)
        for n, at in enumerate(SPIKES)
    ]  # fmt: skip
    with store.writing("ann") as writing:
        save_campaigns(writing, known)

    assert of("viral", presets(store)).learned_from == 0
    assert of("launch", presets(store)).learned_from == 4
    assert of("launch", presets(store)).surges[0].factor > 3.0


def test_the_high_preset_goes_further_the_way_the_typical_one_goes(store: Store):
    for typical, high in zip(presets(store), presets(store, high=True), strict=True):
        for one, other in zip(typical.surges, high.surges, strict=True):
            assert (one.factor, other.factor) == (one.typical, one.high)
            assert (one.high - one.typical) * (one.typical - 1) > 0


def test_a_preset_becomes_a_scenario_that_the_roster_can_be_asked_about(
    store: Store, inputs: PlanInputs
):
    start = TODAY + timedelta(hours=10)
    for preset in (*presets(store), *presets(store, high=True)):
        scenario = preset_scenario(preset, start, ("night",))

        check_scenario(scenario, inputs.brand, start=TODAY, end=TODAY + timedelta(days=7))
        assert scenario.name == preset.title
        assert scenario.surges[0].start == start
        assert {surge.cause for surge in scenario.surges} == {preset.cause}
        assert {surge.queues for surge in scenario.surges} == {("night",)}
        assert [one.factor for one in scenario.handling] == [
            preset.handling for _ in range(preset.handling != 1.0)
        ]


def test_what_comes_after_an_outage_begins_when_the_outage_ends(store: Store):
    outage = of("outage", presets(store))
    stop, after = preset_scenario(outage, TODAY).surges

    assert outage.title == "An outage: contacts stop, then come at once"
    assert stop.factor < 1 < after.factor
    assert after.start == stop.end
    # Nothing of the dip is left when the customers are back.
    assert stop.shape(after.start + timedelta(minutes=15)) < 0.01


def test_today_is_not_learned_from_before_it_is_over(store: Store):
    take_in(store)
    morning = interval_index(TODAY, TODAY + timedelta(hours=9))
    rows = (((q, at.to_pydatetime()), Count(500, 300.0)) for at in morning for q in ("night",))
    with store.writing("ann") as writing:
        number = record_import(writing, "volumes", "g.csv", sha256="", options={})
        write_counts(writing, "volumes", rows, number)

    assert pd.Timestamp(morning[-1]) < pd.Timestamp(store.clock.now())
    assert of("viral", presets(store)).learned_from == 0
