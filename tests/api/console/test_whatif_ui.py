"""The page What-if in a real browser: a spike is dragged, answered, repaired, kept, promoted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from browsing import Watched, options, serving

from api.planning import records
from api.service import sign_in_url
from wfm.store import scenarios
from wfm.store.campaigns import load_campaigns
from wfm.store.engine import Store, open_store
from wfm.timegrid import SystemClock

pytestmark = [pytest.mark.ui, pytest.mark.slow]

REDRAW_MS = 500
ANSWER_MS = 1_500
TRIED = 3

# Presses a key on the factor's slider; gives the milliseconds until what `seen` tells has changed.
PRESSED = """([key, seen]) => new Promise((done) => {
  const tells = {
    drawn: () => document.querySelector("#whatif-build .js-plotly-plot").layout.shapes[0].y1,
    said: () => document.querySelector("#whatif-said").innerText,
  };
  const before = tells[seen]();
  const began = performance.now();
  const look = () => {
    if (tells[seen]() !== before) done(performance.now() - began);
    else requestAnimationFrame(look);
  };
  const slider = document.querySelector("#whatif-factor [role=slider]");
  slider.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  requestAnimationFrame(look);
})"""

# The page's width once its charts have taken the window's, or after three seconds.
WIDTH = """(most) => new Promise((done) => {
  const until = performance.now() + 3000;
  const look = () => {
    const width = document.documentElement.scrollWidth;
    if (width <= most || performance.now() > until) done(width);
    else requestAnimationFrame(look);
  };
  look();
})"""


@pytest.fixture
def watched(browser: Any) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield Watched(context.new_page())
    context.close()


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """A store whose clock shows the morning of the plan's first day."""
    clock = SystemClock.starting_at(datetime(2026, 3, 2, 7, 15, tzinfo=UTC))
    opened = open_store(sqlite_url, clock=clock)
    yield opened
    opened.close()


def drag(page: Any, across: float, down: float, *, along: float, below: float) -> None:
    """Drag the spike's rectangle by pixels, from a place in it given as shares of its size."""
    box = page.locator("#whatif-build .shapelayer path").first.bounding_box()
    x, y = box["x"] + box["width"] * along, box["y"] + box["height"] * below
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + across, y + down, steps=4)
    page.mouse.up()


def press(page: Any, seen: str, times: int) -> list[float]:
    return [page.evaluate(PRESSED, ["ArrowRight", seen]) for _ in range(times)]


def test_a_manager_builds_a_spike_repairs_it_compares_and_promotes(
    store: Store, fill_calm: Any, watched: Watched
):
    records.publish(store, fill_calm(store), "test")
    page = watched.page
    with serving(store) as address:
        page.goto(sign_in_url(store, address, "cli:ann"))
        page.goto(f"{address}/console/whatif")
        page.wait_for_selector("#whatif-tiles .tile", timeout=120_000)
        assert page.inner_text("#whatif-start-told") == "Starts at 18:00"

        options(page, "whatif-cause", "Viral post")
        page.wait_for_selector("#whatif-because:not(:empty)")
        page.wait_for_selector("#whatif-factor-told:not(:text-is('3 times the usual'))")
        options(page, "whatif-cause", "As set below")

        # The rectangle is moved to an earlier hour, then pulled longer at its right edge.
        drag(page, -60, 0, along=0.5, below=0.5)
        page.wait_for_selector("#whatif-start-told:not(:has-text('18:00'))")
        drag(page, 40, 0, along=0.9, below=0.5)
        page.wait_for_selector("#whatif-length-told:has-text('h')")
        length = page.inner_text("#whatif-length-told").removeprefix("Lasts ")
        page.wait_for_selector(f"#whatif-said:has-text('for {length}:')")

        redrawn = press(page, "drawn", TRIED)
        times = page.inner_text("#whatif-factor-told")
        page.wait_for_selector(f"#whatif-said:has-text('{times}')")
        answered = press(page, "said", TRIED)
        assert median(redrawn) <= REDRAW_MS, redrawn
        assert median(answered) <= ANSWER_MS, answered

        page.locator("#whatif-factor [role=slider]").press("End")
        page.wait_for_selector("#whatif-said:has-text('10 times')")
        page.fill("#whatif-name", "Evening")
        page.get_by_role("button", name="Save", exact=True).click()
        page.wait_for_selector("text=Save as new")
        assert page.url.endswith("?scenario=1")

        page.wait_for_selector("#whatif-said:has-text('10 times')")
        broken = page.inner_text("#whatif-said")
        page.click("#whatif-find")
        page.locator(".repairs button:text-is('Apply')").first.click()
        page.wait_for_selector("#whatif-beside li")
        page.wait_for_selector(f'#whatif-said:not(:text-is("{broken}"))')
        page.wait_for_selector(".repairs button:text-is('Applied')")
        page.fill("#whatif-name", "Evening, repaired")
        page.get_by_role("button", name="Save as new").click()
        page.wait_for_selector("h1 + p :text('scenario 2: Evening, repaired')")

        for box in page.locator("table.kept input").all():
            box.check()
        page.click("#whatif-compare")
        page.wait_for_selector("#whatif-comparison tbody tr:nth-child(3)")
        page.wait_for_selector("#whatif-compared-backlog .js-line >> nth=2")

        page.wait_for_selector("#whatif-tiles .tile")
        page.get_by_role("button", name="Copy as picture").click()
        page.wait_for_selector("#whatif-copied:has-text('Copied')")

        page.get_by_role("button", name="Make it a campaign").click()
        page.wait_for_selector("#whatif-kept :text('campaign “Evening, repaired”')")

        page.set_viewport_size({"width": 400, "height": 800})
        assert page.evaluate(WIDTH, 400) <= 400

    with store.reading() as connection:
        assert scenarios.find(connection, 2).state == "promoted"
        assert [one.name for one in load_campaigns(connection)] == ["Evening, repaired"]
    assert watched.complaints == []
    # The picture is drawn from an address that holds it, which has no host.
    assert watched.hosts - {""} == {urlsplit(address).netloc}
