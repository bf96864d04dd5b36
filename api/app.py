"""The HTTP application: routes under /api/v1, the console under /console/, errors as problems."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool

from api import answers
from api.auth import signed_in
from api.idempotency import MAX_KEY, Idempotency
from api.inbounddoor import InboundDoor
from api.inbox import Inbox
from api.limits import BodyLimit, ConsoleDoor, SecurityHeaders
from api.listening import Listening
from api.queueengine import QueueEngine
from api.routes import (
    accuracy,
    adjustments,
    board,
    casemoves,
    cases,
    certificates,
    contacts,
    customers,
    events,
    exports,
    forecasts,
    handles,
    health,
    inbound,
    intraday,
    marks,
    merges,
    metrics,
    openshifts,
    outbox,
    plans,
    policy,
    presence,
    readiness,
    requirement,
    rosterjobs,
    rosterreasons,
    rosters,
    scenariorepairs,
    scenarios,
    sign_in,
    sources,
    staffing,
    supervision,
    tasks,
    timeoff,
    trades,
)
from api.routes import jobs as jobs_routes
from api.warming import Warming
from wfm.settings import Settings
from wfm.store.engine import Store

if TYPE_CHECKING:
    from api.jobs import Jobs

PREFIX = "/api/v1"

_PROBLEM: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "A problem document (RFC 9457) with a stable code and its arguments",
        "content": {
            answers.MEDIA_TYPE: {
                "schema": {
                    "type": "object",
                    "required": ["type", "title", "status", "detail", "code", "arguments"],
                    "properties": {
                        "type": {"type": "string"},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "detail": {"type": "string"},
                        "code": {"type": "string"},
                        "arguments": {"type": "object"},
                    },
                }
            }
        },
    }
}


_IDEMPOTENCY_KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same request sent again with the same key is done once and answered alike.",
    "schema": {"type": "string", "maxLength": MAX_KEY},
}


class _Service(FastAPI):
    """An app whose document also tells what its layers do."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            for operations in super().openapi()["paths"].values():
                if "post" in operations:
                    operations["post"].setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
        return super().openapi()


def create_app(
    store: Store,
    settings: Settings,
    *,
    jobs: Jobs | None = None,
    console: bool = True,
    warming: Warming | None = None,
    engine: QueueEngine | None = None,
) -> FastAPI:
    """The application on `store`.

    jobs     who carries jobs out while the application runs; None: this process, through DBOS
    console  whether to serve the console, which loads its libraries
    warming  keeps the roster in force ready for what-ifs while the application runs
    engine   keeps the live queue going while the application runs; None: somebody else ticks
    """
    runner = jobs or _embedded(store, settings)
    inbox = Inbox(store)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(runner.start)
        inbox.start()
        if warming is not None:
            warming.start()
        if engine is not None:
            engine.start()
        try:
            yield
        finally:
            if engine is not None:
                await run_in_threadpool(engine.stop)
            if warming is not None:
                await run_in_threadpool(warming.stop)
            await run_in_threadpool(inbox.stop)
            await run_in_threadpool(runner.stop)

    app = _Service(
        title="WFM for social care",
        version=version("wfm-social"),
        lifespan=lifespan,
        openapi_url=f"{PREFIX}/openapi.json",
        # Their pages load scripts from elsewhere; the document itself is served.
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
    )
    app.state.store, app.state.settings, app.state.jobs = store, settings, runner
    app.state.inbox, app.state.listening = inbox, Listening(store)
    app.state.updates, app.state.warming = intraday.Updates(store), warming
    answers.install(app)
    app.add_middleware(Idempotency, store=store)
    app.add_middleware(ConsoleDoor, store=store)
    app.add_middleware(InboundDoor, prefix=PREFIX)
    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders)
    _route(app, console=console)
    return app


def _embedded(store: Store, settings: Settings) -> Jobs:
    from api.jobs import Jobs  # late: DBOS takes half a second

    return Jobs(store, settings)


def _operation_id(route: APIRoute) -> str:
    """The route's function name: client code is generated from it, so it must stay."""
    return route.name


def _route(app: FastAPI, *, console: bool) -> None:
    v1 = APIRouter(
        responses=_PROBLEM,
        # One for the document, one to turn strangers away before anything is looked up.
        dependencies=[
            Depends(HTTPBearer(scheme_name="key", auto_error=False)),
            Depends(signed_in),
        ],
    )
    # What has a name of its own under /forecasts comes before /forecasts/{which}.
    for module in (
        staffing,
        # Before /plans/{which}/{table}.
        certificates,
        plans,
        rosters,
        rosterjobs,
        rosterreasons,
        openshifts,
        timeoff,
        trades,
        # Before /scenarios/{scenario_id}.
        readiness,
        scenariorepairs,
        scenarios,
        requirement,
        intraday,
        forecasts,
        accuracy,
        adjustments,
        marks,
        metrics,
        jobs_routes,
        contacts,
        inbound,
        sources,
        customers,
        merges,
        handles,
        board,
        casemoves,
        policy,
        events,
        outbox,
        cases,
        presence,
        tasks,
        supervision,
        exports,
    ):
        v1.include_router(module.router)
    # First: it is asked most often, and routes are tried in their order.
    app.include_router(inbound.public, prefix=PREFIX, responses=_PROBLEM)
    # The prefix is given here: without one, all routes would be built once more to look at them.
    app.include_router(v1, prefix=PREFIX)
    app.include_router(exports.public, prefix=PREFIX)
    app.include_router(health.router)
    if not console:
        return
    app.include_router(sign_in.router)

    @app.get("/", include_in_schema=False)
    def to_console() -> RedirectResponse:
        return RedirectResponse("/console/")

    from api.console.app import attach_console  # late: the console's libraries take a second

    attach_console(app, app.state.store)
