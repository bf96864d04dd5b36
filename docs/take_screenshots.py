"""Take the pictures of the console that the README shows.

    wfm serve                                        # prints a sign-in link
    python docs/take_screenshots.py "SIGN-IN LINK"   # writes docs/images/*.png

Needs playwright and a Chromium of the system.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).parent / "images"
SIZE = {"width": 1440, "height": 900}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
WAIT_MS = 60_000

# Charts fade in after their data have come.
SETTLE_MS = 900


def open_plan(page: Page) -> None:
    page.wait_for_selector("#plan-heat .main-svg")


def open_forecast(page: Page) -> None:
    page.click("#go-forecast")
    page.wait_for_selector("#forecast-reasons dl")
    page.wait_for_selector("#forecast-reliability .main-svg")


def open_requirement(page: Page) -> None:
    page.click("#go-requirement")
    page.wait_for_selector("#requirement-chart .main-svg")
    page.wait_for_selector("#needs-chart .main-svg")


def open_roster(page: Page) -> None:
    page.click("#go-roster")
    page.wait_for_selector("#roster-coverage .main-svg")
    page.locator(".ag-cell[class*='shift-']").nth(2).click()
    page.wait_for_selector("#roster-words .segments")


def open_what_if(page: Page) -> None:
    page.click("#go-whatif")
    page.wait_for_selector("#whatif-tiles .tile")
    page.click("#whatif-find")
    page.wait_for_selector("#whatif-repairs .repairs li")


PICTURES = {
    "plan": open_plan,
    "forecast": open_forecast,
    "requirement": open_requirement,
    "roster": open_roster,
    "whatif": open_what_if,
}


def take(link: str, folder: Path, *, chromium: str, whole: bool) -> None:
    """Sign in with the link, walk through the pages and write a picture of each."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
        page.set_default_timeout(WAIT_MS)
        page.goto(link)
        if urlsplit(page.url).path.endswith("/sign-in"):
            raise SystemExit("the link was not accepted; `wfm sign-in-link` prints a new one")
        for name, open_page in PICTURES.items():
            open_page(page)
            page.evaluate("window.scrollTo(0, 0)")
            page.wait_for_timeout(SETTLE_MS)
            page.screenshot(path=folder / f"{name}.png", full_page=whole)
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("link", help="a sign-in link of a running service")
    parser.add_argument("--folder", type=Path, default=IMAGES)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--whole", action="store_true", help="the whole page, not the first screen")
    given = parser.parse_args()
    take(given.link, given.folder, chromium=given.chromium, whole=given.whole)


if __name__ == "__main__":
    main()
