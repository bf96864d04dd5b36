from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.console import app as app_module
from api.console.app import attach
from wfm.errors import StoreBusy


@pytest.fixture
def client(views) -> Iterator[TestClient]:
    """A guest app of the console, started."""
    app = FastAPI()
    attach(app, views)
    with TestClient(app) as started:
        yield started


@pytest.mark.parametrize(
    "path",
    [f"/console/{name}" for name in ("", "requirement", "roster", "whatif", "queue")],
)
def test_each_page_has_its_own_address(client, path):
    answer = client.get(path)

    assert answer.status_code == 200
    assert '<html lang="en">' in answer.text
    assert "<title>Workforce console</title>" in answer.text


def test_every_script_and_style_is_the_services_own(client):
    found = re.findall(r'(?:src|href)="([^"]+)"', client.get("/console/").text)

    assert len(found) > 5
    assert all(link.startswith("/console/") for link in found)
    assert all(client.get(link).status_code == 200 for link in found)


def test_the_first_page_that_anyone_opens_has_its_styles(client):
    assert "assets/style.css" in client.get("/console/roster").text


def test_the_address_without_its_slash_leads_to_the_console(client):
    answer = client.get("/console", follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (308, "/console/")


@pytest.mark.parametrize("path", ["/api/v1/nowhere", "/console/nowhere", "/nowhere"])
def test_an_address_that_nobody_serves_stays_not_found(client, path):
    assert client.get(path).status_code == 404


def test_what_is_sent_is_compressed(client):
    script = re.findall(r'src="([^"]+dash_ag_grid[^"]+)"', client.get("/console/").text)[0]

    assert client.get(script).headers["content-encoding"] == "gzip"


def test_dashs_middleware_stands_behind_the_apps_own(views):
    app = FastAPI()
    app.add_middleware(Door)

    attach(app, views)

    names = [m.cls.__name__ for m in app.user_middleware]
    assert names.index("Door") < names.index("DashMiddleware")


def test_the_browser_is_told_of_no_socket(client, views):
    assert "_dash-ws-callback" not in client.get("/console/").text


def test_a_failing_callback_is_told_above_the_page_and_ours_is_logged(monkeypatch, caplog):
    shown = []
    monkeypatch.setattr(app_module, "set_props", lambda _id, props: shown.append(props["children"]))

    app_module.tell(StoreBusy("try again in a moment"))
    app_module.tell(KeyError("boom"))

    assert [failure.children[1] for failure in shown] == [
        "try again in a moment",
        "Something went wrong on our side; the service's log has the details.",
    ]
    assert len(caplog.records) == 1


class Door:
    """A middleware of the app's own."""

    def __init__(self, app) -> None:
        self.app = app

    async def __call__(self, scope, receive, send) -> None:
        await self.app(scope, receive, send)
