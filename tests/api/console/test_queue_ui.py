"""The page Queue and the strip Today in a real browser: a case claimed, answered, handed over."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from browsing import Watched, options, serving

from api.planning import records
from api.service import sign_in_url
from wfm.brands import Brand
from wfm.cases import Contact
from wfm.ingest.intake import take_in
from wfm.store.engine import Store, open_store
from wfm.timegrid import SystemClock

pytestmark = [pytest.mark.ui, pytest.mark.slow]

SCRIPT = "<script>document.title = 'broken into'</script><img src=x onerror='alert(1)'>"
ARABIC = "أين طلبي رقم 4411؟"
COUNTED_MS = 4_000


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """A store whose clock shows the morning of the plan's first day."""
    clock = SystemClock.starting_at(datetime(2026, 3, 2, 7, 15, tzinfo=UTC))
    opened = open_store(sqlite_url, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def watched(browser: Any) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    yield Watched(context.new_page())
    context.close()


@pytest.fixture
def write(store: Store, brand: Brand) -> Any:
    """A customer's message to X, received now."""

    def write(author: str, text: str) -> None:
        now = store.clock.now()
        contact = Contact("hook", "@care", text, "x", author, text, now, handle=f"@{author}")
        take_in(store, contact, brand=brand, actor="key:hook", raw_body="{}")

    return write


def test_a_lead_works_the_queue_as_an_agent(store: Store, fill: Any, watched: Watched, write: Any):
    records.publish(store, fill(store), "test")
    write("ann", SCRIPT)
    write("bea", ARABIC)
    page = watched.page
    with serving(store) as address:
        page.goto(sign_in_url(store, address, "cli:kim"))

        # The strip stands above every page, and leads to the queue.
        page.wait_for_selector("#today-waiting:text-is('2')")
        assert page.inner_text("#today-due_soon") == "2"
        page.click("#today .figures")
        page.wait_for_selector(".waits li")
        assert page.title() == "Queue · Northlight"

        # What strangers wrote is shown, not done; from right to left where it is written so.
        lines = page.locator(".waits .words")
        assert lines.all_inner_texts() == [SCRIPT, ARABIC]
        directions = lines.evaluate_all("all => all.map(one => getComputedStyle(one).direction)")
        assert directions == ["ltr", "rtl"]

        # Slack counts down without the service.
        page.route("**/_dash-update-component", lambda route: route.abort())
        first = page.locator(".waits .slack").first
        before = first.inner_text()
        page.wait_for_function(
            "before => document.querySelector('.waits .slack').innerText !== before",
            arg=before,
            timeout=COUNTED_MS,
        )
        assert first.inner_text().startswith("14:")
        page.unroute("**/_dash-update-component")
        watched.complaints.clear()  # what we had cut off

        page.click("#queue-person")
        page.locator(".dash-dropdown-content").get_by_text("slot").first.click()
        page.click("[data-do=claim]")
        page.wait_for_selector(".replying textarea")
        page.wait_for_selector(".in-hand li")
        assert page.locator(".timeline .said-text").first.inner_text() == SCRIPT
        page.fill(".replying textarea", "We are looking into it.")

        # A message that comes meanwhile is shown, and the half-written answer stays.
        write("ann", "hello?")
        page.wait_for_selector(".timeline :text('hello?')")
        assert page.input_value(".replying textarea") == "We are looking into it."
        page.click("[data-do=answer]")
        page.wait_for_selector("#queue-said :text('is sent')")
        page.wait_for_selector(".timeline .ours :text('We are looking into it.')")
        page.wait_for_selector(".waits:not(:has(li:nth-child(2)))")

        # A case is opened from its line, and handed over as a team lead.
        options(page, "queue-person", "Team lead")
        page.locator(".waits button").first.click()
        page.wait_for_selector(f".timeline :text('{ARABIC}')")
        page.click("summary:text-is('Hand over')")
        page.click("[data-do=give]")
        page.wait_for_selector("#queue-said :text('is given to')")
        page.wait_for_selector("text=Nobody waits for an answer.")

        page.set_viewport_size({"width": 390, "height": 844})
        write("cat", "Where is my parcel?")
        page.locator(".waits button").first.click()
        page.wait_for_selector(".timeline :text('Where is my parcel?')")
        page.wait_for_function(
            "document.querySelector('#queue-panel').getBoundingClientRect().top < 400"
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= 390

    assert watched.complaints == []
