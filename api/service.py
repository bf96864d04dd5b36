"""Serving until told to stop: the port, the one process a SQLite store allows, the sign-in link."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from wfm.errors import Conflict, PortInUse, RequestError
from wfm.settings import Settings
from wfm.store import access
from wfm.store.engine import Store
from wfm.timegrid import SystemClock

# How long an open connection may keep a stopping service alive.
GRACE_S = 3


def sign_in_url(store: Store, address: str, actor: str) -> str:
    """The address of a new one-time link to the console that is served at `address`."""
    with store.writing(actor) as writing:
        secret = access.create_link(writing, now=SystemClock().now())
    return f"{address}/console/sign-in?token={secret}"


def address_of(host: str, port: int) -> str:
    """The address a browser on this machine opens.

    >>> address_of("0.0.0.0", 8000), address_of("::1", 80)
    ('http://127.0.0.1:8000', 'http://[::1]:80')
    """
    name = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket bound to the address before anything else is started. PortInUse when it is taken."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, OverflowError) as error:
        raise RequestError(f"{host}:{port} is no address to serve at: {error}") from None
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(where)
        bound.listen(128)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(
                f"port {port} of {host} is in use; stop what uses it, or choose another with "
                f"--port {port + 1}",
                host=host,
                port=port,
            ) from None
        raise RequestError(f"cannot serve at {host}:{port}: {error.strerror}") from None
    try:
        yield bound
    finally:
        bound.close()


@contextmanager
def only_service(store: Store, home: Path) -> Iterator[None]:
    """Holds the lock that one service a SQLite store may hold. Conflict names who holds it.

    The kernel lets go of the lock when the process ends, however it ends. On PostgreSQL any number
    of services may share a store.
    """
    if not store.is_sqlite:
        yield
        return
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = home / "service.lock"
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode().strip() or "unknown"
            raise Conflict(
                f"process {holder} serves the store in {home} already; stop it, point WFM_HOME "
                "elsewhere, or share a store between services with WFM_DATABASE_URL",
                pid=holder,
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        os.close(descriptor)


class _Server(uvicorn.Server):
    """A server that says when it answers, and when it is about to end."""

    on_ready: Callable[[], None]
    on_stop: Callable[[], None]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Before connections are waited for: those that listen for events never end by themselves.
        self.on_stop()
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.on_ready()


def serve(
    store: Store,
    settings: Settings,
    host: str,
    port: int,
    on_ready: Callable[[str], None],
    *,
    console: bool = True,
) -> None:
    """Serve the API and the console until Ctrl-C or SIGTERM, then end in order.

    on_ready  is given the one-time sign-in link once requests are answered

    Raises PortInUse, or Conflict when another process serves the same SQLite store, before
    anything is started.
    """
    with listening(host, port) as bound, only_service(store, settings.home):
        # Late: a taken port is told without loading anything.
        from api.app import create_app
        from api.queueengine import engine_of
        from api.warming import warming_of

        port = bound.getsockname()[1]
        app = create_app(
            store,
            settings,
            console=console,
            warming=warming_of(store),
            engine=engine_of(store, settings),
        )
        config = uvicorn.Config(
            app,
            # A request line may hold the one-time link, so none is logged.
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
        )
        server = _Server(config)
        server.on_ready = lambda: on_ready(
            sign_in_url(store, address_of(host, port), "service:start")
        )
        server.on_stop = app.state.listening.close
        try:
            server.run(sockets=[bound])
        except KeyboardInterrupt:
            return  # uvicorn hands the signal on once everything has ended
