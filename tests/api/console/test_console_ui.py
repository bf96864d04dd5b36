"""The console in a real browser, on a real server, behind its real door."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from browsing import Watched, options, serving

from api.planning import drafts, records
from api.service import sign_in_url
from api.worker import Work, publish_draft
from scheduling.editing.edits import Drop
from wfm.progress import silent
from wfm.store import jobs as job_rows
from wfm.store.engine import Store, open_store
from wfm.timegrid import SystemClock

pytestmark = [pytest.mark.ui, pytest.mark.slow]


@pytest.fixture
def watched(browser: Any) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    yield Watched(context.new_page())
    context.close()


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """A store whose clock shows the morning of the plan's first day, as the demo's does."""
    clock = SystemClock.starting_at(datetime(2026, 3, 2, 7, 15, tzinfo=UTC))
    opened = open_store(sqlite_url, clock=clock)
    yield opened
    opened.close()


def test_a_planner_signs_in_and_reads_the_plan_and_the_roster(
    store: Store, fill: Any, watched: Watched, tmp_path: Path
):
    records.publish(store, fill(store), "test")
    page = watched.page
    with serving(store) as address:
        page.goto(sign_in_url(store, address, "test"))

        page.wait_for_selector("#plan-heat .main-svg")
        page.wait_for_selector("#plan-tiles .tile")  # drawn by a request of its own
        assert page.title() == "Plan · Northlight"
        assert "The clock shows 2026-03-02 08:15 (demo)" in page.inner_text("#clock")
        assert "93.4 %" in page.inner_text("#plan-tiles")
        plan_bytes = watched.bytes
        page.screenshot(path=tmp_path / "plan.png", full_page=True)

        page.click("#go-roster")
        page.wait_for_selector("#roster-coverage .main-svg")
        page.click(".ag-cell.shift-early >> nth=0")
        page.wait_for_selector("#roster-words .segments")
        assert "Monday 2 March 2026" in page.inner_text("#roster-words")
        assert page.locator("#roster-actions >> text=Drop").count() == 0
        page.screenshot(path=tmp_path / "roster.png", full_page=True)

    assert watched.complaints == []
    assert watched.hosts == {urlsplit(address).netloc}
    assert plan_bytes < 3_000_000
    assert {p.name for p in tmp_path.glob("*.png")} == {"plan.png", "roster.png"}


def test_choosing_a_queue_and_a_week_redraws_the_plan(store: Store, fill: Any, watched: Watched):
    records.publish(store, fill(store), "test")
    page = watched.page
    with serving(store) as address:
        page.goto(sign_in_url(store, address, "test"))
        page.wait_for_selector("#plan-goals tbody tr")
        assert page.locator("#plan-goals tbody tr").count() == 4

        page.click("#plan-queue")
        page.locator(".dash-dropdown-content").get_by_text("Instagram").click()
        page.wait_for_selector("#plan-goals tbody:not(:has(tr:nth-child(2)))")
        page.click("#plan-week")
        page.locator(".dash-dropdown-content").get_by_text("Week 2").click()
        page.wait_for_selector("#plan-heat :text('Mon 9 Mar')")

    assert watched.complaints == []


@pytest.mark.parametrize("path", ["", "requirement", "roster", "whatif"])
def test_a_page_opened_by_its_own_address_says_what_is_missing(
    store: Store, watched: Watched, path: str
):
    with serving(store) as address:
        watched.page.goto(sign_in_url(store, address, "test"))
        watched.page.goto(f"{address}/console/{path}")

        watched.page.wait_for_selector(".card.empty")
        assert "wfm import brand" in watched.page.inner_text("#page")

    assert watched.complaints == []


def test_the_console_fits_a_small_laptop(store: Store, fill: Any, watched: Watched):
    records.publish(store, fill(store), "test")
    page = watched.page
    page.set_viewport_size({"width": 1024, "height": 720})
    with serving(store) as address:
        page.goto(sign_in_url(store, address, "test"))
        for path, ready in (
            ("", "#plan-heat .main-svg"),
            ("roster", ".ag-cell"),
            ("queue", ".queues"),
        ):
            page.goto(f"{address}/console/{path}")
            page.wait_for_selector(ready)
            assert page.evaluate("document.documentElement.scrollWidth") <= 1024, path


def parts_of(page: Any) -> tuple[list[float], float]:
    """The parts of the chosen step as the page tells them, and the number that they explain."""
    shown = page.evaluate(
        "document.querySelector('#forecast-why .js-plotly-plot').data[0].y.slice()"
    )
    return shown[:-1], shown[-1]


def test_a_planner_reads_the_forecast_and_changes_it(
    store: Store, keep_forecast: Any, watched: Watched, tmp_path: Path
):
    keep_forecast(store)
    page = watched.page
    with serving(store) as address:
        page.goto(sign_in_url(store, address, "cli:ann"))
        page.goto(f"{address}/console/forecast")
        page.wait_for_selector("#forecast-reasons dl")
        assert page.title() == "Forecast · Northlight"

        options(page, "forecast-queue", "Instagram")
        page.wait_for_selector("#forecast-accuracy tbody:not(:has(tr:nth-child(2)))")
        options(page, "forecast-step", "15 minutes")
        page.wait_for_selector("#forecast-chart :text('New cases per 15 minutes')")

        before = page.inner_text("#forecast-reasons h3")
        box = page.locator("#forecast-chart .nsewdrag").first.bounding_box()
        page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + box["height"] * 0.5)
        page.wait_for_selector("#forecast-chart .hoverlayer text")
        page.mouse.click(box["x"] + box["width"] * 0.8, box["y"] + box["height"] * 0.5)
        page.wait_for_selector(f"#forecast-reasons h3:not(:text-is('{before}'))")
        parts, total = parts_of(page)
        assert sum(parts) == pytest.approx(total, abs=0.01)
        assert f"{total:.1f} new cases expected" in page.inner_text("#forecast-reasons h3")

        options(page, "forecast-queue", "X")
        page.get_by_role("button", name="Reject").first.click()
        page.wait_for_selector("#forecast-marks :text('rejected, learned from')")
        assert "made from now on" in page.inner_text("#forecast-said")

        page.click("text=Adjust the forecast")
        page.fill("#adjust-value", "50")
        page.fill("#adjust-reason", "TV spot")
        page.click("#adjust-add")
        page.wait_for_selector("#forecast-adjustments :text('+50 %')")
        page.wait_for_selector("#forecast-chart :text('Without adjustments')")
        page.screenshot(path=tmp_path / "forecast.png", full_page=True)
        page.get_by_role("button", name="Withdraw").click()
        page.wait_for_selector("#forecast-adjustments :text('nothing is adjusted')")

    with store.reading() as connection:
        written = connection.exec_driver_sql(
            "SELECT action, actor FROM audit WHERE action LIKE 'mark.%' "
            "OR action LIKE 'forecast.%' ORDER BY rowid"
        ).fetchall()
    assert [tuple(row) for row in written][-3:] == [
        ("mark.decide", "console:ann"),
        ("forecast.adjust", "console:ann"),
        ("forecast.withdraw", "console:ann"),
    ]
    assert watched.complaints == []
    assert watched.hosts == {urlsplit(address).netloc}


def told_hours(page: Any) -> float:
    """The agent hours that the page tells for the promise on its sliders."""
    return float(page.inner_text("#cost-result .tile .value >> nth=0").replace("\u202f", ""))


def test_a_planner_asks_why_and_what_another_promise_costs(
    store: Store, fill: Any, watched: Watched, tmp_path: Path
):
    records.publish(store, fill(store), "test")
    page = watched.page
    with serving(store) as address:
        page.goto(sign_in_url(store, address, "test"))
        page.goto(f"{address}/console/requirement")
        page.wait_for_selector("#needs-why .sentence", timeout=60_000)
        assert page.title() == "Requirement · Northlight"

        before = page.inner_text("#needs-facts h3")
        box = page.locator("#requirement-chart .nsewdrag").first.bounding_box()
        page.mouse.move(box["x"] + box["width"] * 0.77, box["y"] + box["height"] * 0.6)
        page.wait_for_selector("#requirement-chart .hoverlayer text")
        page.mouse.click(box["x"] + box["width"] * 0.77, box["y"] + box["height"] * 0.6)
        page.wait_for_selector(f"#needs-facts h3:not(:text-is('{before}'))")
        clicked = page.inner_text("#needs-facts h3").partition("–")[0].removeprefix("X, ")
        page.wait_for_selector(f"#needs-why .sentence:has-text('{clicked[-5:]}')")

        page.wait_for_selector("#cost-result :text('plan\\'s own promise')")
        hours = told_hours(page)
        page.locator("#cost-minutes [role=slider]").focus()
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        page.wait_for_selector("#cost-words:has-text('within 5 min')", timeout=60_000)
        page.wait_for_selector("#cost-chart .main-svg path.js-line", timeout=60_000)
        assert told_hours(page) >= hours

        assert "± 0.12 %" in page.inner_text("#certificate-goals")
        assert "wfm import cases" in page.inner_text("#certificate-came")
        page.screenshot(path=tmp_path / "requirement.png", full_page=True)

        page.set_viewport_size({"width": 400, "height": 800})
        page.goto(f"{address}/console/requirement")
        page.wait_for_selector("#cost-chart .main-svg path.js-line")
        page.wait_for_selector("#certificate-goals tbody tr")
        assert page.evaluate("document.documentElement.scrollWidth") <= 400

    assert watched.complaints == []
    assert watched.hosts == {urlsplit(address).netloc}


def test_the_forecast_fits_a_phone(store: Store, keep_forecast: Any, watched: Watched):
    keep_forecast(store)
    page = watched.page
    page.set_viewport_size({"width": 400, "height": 800})
    with serving(store) as address:
        page.goto(sign_in_url(store, address, "test"))
        page.goto(f"{address}/console/forecast")
        page.wait_for_selector("#forecast-reasons dl")

        assert page.evaluate("document.documentElement.scrollWidth") <= 400


class DeskJobs:
    """Carries a draft's jobs out in a thread: publishing as it is, re-solving by one shift less."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.threads: list[threading.Thread] = []

    def start(self) -> None: ...

    def stop(self) -> None:
        for thread in self.threads:
            thread.join()

    def submit(self, kind: str, request: dict[str, Any], actor: str) -> str:
        job_id = f"job-{len(self.threads) + 1}"
        with self.store.writing(actor) as writing:
            job_rows.insert_job(writing, job_id, kind, request)
        work = Work(self.store, job_id, {**request, "replications": 2}, actor, silent, _untold)
        doing = publish_draft if kind == "publish_draft" else self._resolve
        thread = threading.Thread(target=self._carry_out, args=(doing, work))
        thread.start()
        self.threads.append(thread)
        return job_id

    def _carry_out(self, doing: Any, work: Work) -> None:
        result = doing(work)
        with self.store.writing(work.actor) as writing:
            job_rows.finish_job(writing, work.job_id, result)

    def _resolve(self, work: Work) -> dict[str, Any]:
        draft_id = work.request["draft_id"]
        dropped = drafts.preview(self.store, draft_id, Drop("a001", date(2026, 3, 3))).changes
        drafts.edit(self.store, draft_id, dropped, actor=work.actor, kind="resolve")
        return {"draft_id": draft_id, "changed": len(dropped)}


def _untold(*told: Any) -> None: ...


def cell_of(agent_id: str, day: str) -> str:
    return f"[row-id={agent_id}] [col-id='{day}']"


def test_a_planner_edits_a_draft_and_publishes_it(
    store: Store, fill: Any, watched: Watched, tmp_path: Path
):
    records.publish(store, fill(store), "test")
    page = watched.page
    tuesday, other = cell_of("a000", "2026-03-03"), cell_of("a001", "2026-03-03")
    with serving(store, DeskJobs(store)) as address:
        page.goto(sign_in_url(store, address, "cli:ann"))
        page.goto(f"{address}/console/roster")
        page.get_by_role("button", name="Open a draft").click()
        page.wait_for_selector("#roster-buttons >> text=Publish…")
        assert page.url.endswith("?draft=1")

        page.click(tuesday)
        page.get_by_role("button", name="Start later").click()
        page.wait_for_selector("#roster-judged :text('Every rule is kept')")
        page.fill("#roster-judged input", "doctor at eight")
        page.get_by_role("button", name="Save").click()
        page.wait_for_selector(f"{tuesday}.mark-changed:has-text('09:00-17:30')")
        page.screenshot(path=tmp_path / "draft.png", full_page=True)

        page.get_by_role("button", name="Undo").click()
        page.wait_for_selector(f"{tuesday}:not(.mark-changed):has-text('06:00-14:30')")
        page.wait_for_selector("#roster-words:has-text('Shift 06:00-14:30')")

        page.get_by_role("button", name="Pin", exact=True).click()
        page.wait_for_selector("#roster-judged :text(', pinned')")
        page.get_by_role("button", name="Save").click()
        page.wait_for_selector(f"{tuesday}.mark-pinned")

        page.get_by_role("button", name="Re-solve").click()
        page.wait_for_selector("#roster-progress:has-text('Solved anew: 1 day changed')")
        page.wait_for_selector(f"{other}.mark-changed")

        page.click(".tabs >> text=History")
        page.wait_for_selector("#roster-history li >> nth=2")
        assert "doctor at eight (console:ann" in page.inner_text("#roster-history .undone")
        page.click(".tabs >> text=Day")
        page.wait_for_selector("#rosterday-shifts .bars")

        page.get_by_role("button", name="Publish…").click()
        page.fill("#roster-asked input", "storm on Tuesday")
        page.get_by_role("button", name="Publish all the same").click()
        page.wait_for_selector("#roster-progress:has-text('version 2')", timeout=120_000)
        page.wait_for_selector("#roster-closed:has-text('can only be read')")

        page.set_viewport_size({"width": 400, "height": 800})
        page.goto(f"{address}/console/roster")
        page.click(tuesday)
        page.wait_for_selector("#roster-words .segments")
        assert page.evaluate("document.documentElement.scrollWidth") <= 400

    with store.reading() as connection:
        written = connection.exec_driver_sql(
            "SELECT action, actor FROM audit WHERE action LIKE 'draft.%' ORDER BY rowid"
        ).fetchall()
    assert [tuple(row) for row in written] == [
        (f"draft.{what}", "console:ann")
        for what in ("open", "edit", "undo", "edit", "edit", "publish")
    ]
    assert watched.complaints == []
    assert watched.hosts == {urlsplit(address).netloc}
