"""Serving: the port, the one service a SQLite store allows, the link, an end in order."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.service import address_of, listening, only_service, serve
from wfm.errors import Conflict, PortInUse, RequestError
from wfm.settings import Settings
from wfm.store.engine import Store


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def wfm(home: Path, *arguments: str, **options) -> subprocess.Popen[str]:
    program = (
        f"import sys; from api.cli.main import main; sys.argv = {['wfm', *arguments]!r}; main()"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "WFM_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_a_port_in_use_is_told_before_anything_starts(
    store: Store, settings: Settings, taken_port: int
):
    with pytest.raises(PortInUse, match=f"port {taken_port} of 127.0.0.1 is in use; stop what"):
        serve(store, settings, "127.0.0.1", taken_port, lambda _link: None)
    assert not (settings.home / "service.lock").exists()


def test_a_host_that_is_none_is_told():
    with pytest.raises(RequestError, match="no address to serve at"), listening("no such host", 1):
        pass
    with pytest.raises(RequestError, match="cannot serve at"), listening("203.0.113.1", 0):
        pass


def test_the_address_is_one_that_a_browser_opens():
    assert address_of("0.0.0.0", 8000) == address_of("127.0.0.1", 8000) == "http://127.0.0.1:8000"
    assert address_of("::1", 80) == address_of("::", 80) == "http://[::1]:80"
    assert address_of("desk.local", 80) == "http://desk.local:80"


def test_a_second_service_on_the_same_sqlite_store_is_refused_and_told_who_holds_it(
    store: Store, settings: Settings
):
    with (
        only_service(store, settings.home),
        pytest.raises(Conflict, match=f"process {os.getpid()} serves"),
        only_service(store, settings.home),
    ):
        pass
    with only_service(store, settings.home):
        pass


def test_the_command_refuses_a_taken_port_with_exit_code_2(tmp_path: Path, taken_port: int):
    process = wfm(tmp_path, "serve", "--port", str(taken_port))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert f"port {taken_port} of 127.0.0.1 is in use" in err
    assert out == ""


def test_wfm_serve_prints_a_link_that_signs_in_and_ends_in_order_on_ctrl_c(tmp_path: Path):
    process = wfm(tmp_path, "serve", "--port", "0", start_new_session=True)
    try:
        assert process.stdout is not None
        link = process.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/console/sign-in\?token=[\w-]{43}", link), (
            process.communicate(timeout=10)
        )
        base = link.split("/console")[0]
        jar = urllib.request.HTTPCookieProcessor()
        browser = urllib.request.build_opener(jar)
        assert browser.open(link, timeout=20).status == 200
        assert browser.open(f"{base}/api/v1/jobs", timeout=20).status == 200
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"{base}/api/v1/jobs", timeout=20)

        second = wfm(tmp_path, "serve", "--port", "0")
        assert f"process {process.pid} serves the store" in second.communicate(timeout=60)[1]
        assert second.returncode == 2

        os.kill(process.pid, signal.SIGINT)
        begun = time.monotonic()
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert time.monotonic() - begun < 15
    assert "Traceback" not in err
    token, cookie = link.split("=")[1], next(iter(jar.cookiejar)).value
    assert token not in out + err
    assert cookie is not None
    assert cookie not in out + err
