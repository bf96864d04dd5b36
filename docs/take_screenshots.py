"""Take the pictures of the console that the README shows.

    wfm serve                                        # prints a sign-in link
    python docs/take_screenshots.py "SIGN-IN LINK"   # writes docs/images/*.png

Writes messages of made-up customers to the service, so that the queue has something to show
(`--messages 0` writes none): point it at a demo, never at a service that people work with. Needs
playwright and a Chromium of the system.
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


def open_queue(page: Page) -> None:
    page.click("#go-queue")
    page.wait_for_selector("#queue-queues li")
    lines = page.locator(".waits button")
    if lines.count():
        lines.nth(2).click()
        page.wait_for_selector("#queue-acts .forms")


PICTURES = {
    "plan": open_plan,
    "forecast": open_forecast,
    "requirement": open_requirement,
    "roster": open_roster,
    "whatif": open_what_if,
    "queue": open_queue,
}

# What customers write in the picture of the queue.
MESSAGES = (
    "My parcel should have come on Monday. Where is it?",
    "Third time I write: my card was charged twice for one order. Please check.",
    "The app logs me out again and again since the update this morning.",
    "Ma commande est arrivée ouverte, que dois-je faire ?",
    "Is the shop in Lyon open on Sunday?",
    "طلبي لم يصل حتى الآن، ماذا أفعل؟",
    "Wo finde ich die Rechnung für März?",
    "I was promised a call back yesterday. Nobody called.",
)


def write_messages(page: Page, count: int) -> None:
    """Let made-up customers write to all queues, each once."""
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(page.url))
    told = page.request.get(f"{origin}/api/v1/queues").json()
    queues = [queue["queue"] for queue in told["queues"]]
    rows = [
        {
            "source": "screenshots",
            "account": "@care",
            "native_id": f"{told['as_of']}-{number}",
            "queue": queues[number % len(queues)],
            "author": f"u-{number}",
            "handle": f"@customer_{number}",
            "text": MESSAGES[number % len(MESSAGES)],
            "published_at": told["as_of"],
            "severity": 2 if number % 7 == 3 else 0,
        }
        for number in range(count)
    ]
    answer = page.request.post(f"{origin}/api/v1/contacts/bulk", data=rows)
    if not answer.ok:
        raise SystemExit(f"the service did not take the messages: {answer.text()[:400]}")


def take(link: str, folder: Path, *, chromium: str, whole: bool, messages: int) -> None:
    """Sign in with the link, walk through the pages and write a picture of each."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport=SIZE)  # type: ignore[arg-type]
        page.set_default_timeout(WAIT_MS)
        page.goto(link)
        if urlsplit(page.url).path.endswith("/sign-in"):
            raise SystemExit("the link was not accepted; `wfm sign-in-link` prints a new one")
        if messages:
            write_messages(page, messages)
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
    parser.add_argument("--messages", type=int, default=36, help="how many customers write")
    given = parser.parse_args()
    take(
        given.link,
        given.folder,
        chromium=given.chromium,
        whole=given.whole,
        messages=given.messages,
    )


if __name__ == "__main__":
    main()
