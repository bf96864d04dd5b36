"""The console's door: one-time links, sessions, and requests that another site's page makes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi import Depends, FastAPI, WebSocket
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from api.auth import COOKIE, Caller, require
from api.routes import sign_in
from wfm.errors import NotSignedIn
from wfm.store import access
from wfm.store.engine import Store
from wfm.timegrid import SystemClock

# The test client would otherwise connect to a host of its own.
SOCKET = "ws://127.0.0.1:8000/console/_dash-ws"


@pytest.fixture
def client(app: FastAPI, client_of) -> TestClient:
    """A client of an app with the door and a small console behind it."""
    app.include_router(sign_in.router)

    @app.get("/console/")
    def page() -> str:
        return "inside"

    @app.post("/console/_dash-update-component")
    def callback() -> str:
        return "called"

    @app.websocket("/console/_dash-ws")
    async def socket(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("inside")

    @app.post("/api/v1/change")
    def change(caller: Caller = Depends(require("manager"))) -> str:  # noqa: B008
        return caller.actor

    return client_of(app)


def test_a_link_works_once(client: TestClient, link: str, client_of, app: FastAPI):
    first = client.get(link)
    assert (first.status_code, first.headers["location"]) == (303, "/console/")
    assert client.get("/console/").text == '"inside"'

    stranger = client_of(app)
    second = stranger.get(link)
    assert second.status_code == 401
    assert "wfm sign-in-link" in second.text
    assert stranger.get("/console/", headers={"accept": "text/html"}).status_code == 303


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(client: TestClient, link: str):
    cookie = client.get(link).headers["set-cookie"].lower()
    assert cookie.startswith(COOKIE)
    for flag in ("httponly", "samesite=lax", "path=/", "max-age=43200"):
        assert flag in cookie


def test_the_page_that_takes_the_link_is_neither_cached_nor_told_on(client: TestClient, link: str):
    answer = client.get(link)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_a_browser_that_looks_ahead_does_not_use_the_link_up(client: TestClient, link: str):
    assert client.get(link, headers={"sec-purpose": "prefetch"}).status_code == 503
    assert client.head(link).status_code == 405
    assert client.get(link).status_code == 303


def test_a_link_expires_after_a_day(store: Store):
    now = SystemClock().now()
    with store.writing("cli:ann") as writing:
        secret = access.create_link(writing, now=now)
        with pytest.raises(NotSignedIn, match="expired"):
            access.follow_link(writing, secret, now=now + timedelta(hours=24))
        access.follow_link(writing, secret, now=now + timedelta(hours=23, minutes=59))


def test_a_session_lasts_twelve_hours_and_is_kept_as_a_hash(store: Store):
    now = SystemClock().now()
    with store.writing("cli:ann") as writing:
        link = access.create_link(writing, now=now)
        _, secret = access.follow_link(writing, link, now=now)
        connection = writing.connection
        kept = connection.exec_driver_sql("SELECT token_sha256 FROM sessions").scalars().all()
        assert secret.encode() not in kept
        assert access.session_of(connection, secret, now=now + timedelta(hours=11)) is not None
        assert access.session_of(connection, secret, now=now + timedelta(hours=12)) is None
        assert access.session_of(connection, link, now=now) is None


def test_a_link_is_no_session(client: TestClient, store: Store):
    with store.writing("cli:ann") as writing:
        secret = access.create_link(writing, now=SystemClock().now())
    client.cookies.set(COOKIE, secret)
    assert client.get("/console/").status_code == 401


def test_the_door_sends_people_to_the_sign_in_page_and_refuses_callbacks(client: TestClient):
    page = client.get("/console/", headers={"accept": "text/html,*/*"})
    assert (page.status_code, page.headers["location"]) == (303, "/console/sign-in")
    assert "wfm sign-in-link" in client.get("/console/sign-in").text
    assert client.post("/console/_dash-update-component").status_code == 401
    assert client.get("/console/assets/x.css").status_code == 401
    with pytest.raises(WebSocketDisconnect), client.websocket_connect(SOCKET):
        pass


def test_a_machines_key_does_not_open_the_console(client: TestClient, key_for):
    assert client.get("/console/", headers=key_for("queue-engine")).status_code == 403


def test_a_session_reaches_callbacks_sockets_and_the_api(client: TestClient, link: str):
    client.get(link)
    own = {"origin": "http://127.0.0.1:8000"}
    assert client.post("/console/_dash-update-component", headers=own).text == '"called"'
    assert client.post("/api/v1/change", headers=own).text == '"console:ann"'
    with client.websocket_connect(SOCKET, headers=own) as socket:
        assert socket.receive_text() == "inside"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9000"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://127.0.0.1:8000", "sec-fetch-site": "cross-site"},
    ],
    ids=str,
)
def test_another_sites_page_changes_nothing(headers: dict, client: TestClient, link: str):
    client.get(link)
    assert client.post("/api/v1/change", headers=headers).status_code == 403
    assert client.post("/console/_dash-update-component", headers=headers).status_code == 403
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(SOCKET, headers=headers),
    ):
        pass


def test_signing_out_ends_the_session(client: TestClient, link: str):
    client.get(link)
    secret = client.cookies[COOKIE]
    assert client.post("/console/sign-out").status_code == 303
    client.cookies.set(COOKIE, secret)
    assert client.get("/console/").status_code == 401
