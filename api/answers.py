"""Every error of the HTTP API answered as a problem document."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.problems import internal_problem, invalid_request, problem, problem_of
from wfm.errors import SetupError, TryLater, WfmError

log = logging.getLogger("wfm.api")

MEDIA_TYPE = "application/problem+json"

_UNFIT = "the service cannot work as it is installed; its log says why"


def respond(document: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The HTTP response that carries the document."""
    extra = dict(headers or {})
    status = int(document["status"])
    if status == 401:
        extra["WWW-Authenticate"] = 'Bearer realm="wfm"'
    if status in (429, 503):
        extra["Retry-After"] = "1"
    return JSONResponse(dict(document), status_code=status, headers=extra, media_type=MEDIA_TYPE)


def tell(error: WfmError, asked: str) -> JSONResponse:
    """The answer that tells the error, logged where it is for whoever runs the service.

    asked  method and path of the request, for the log
    """
    document = problem_of(error)
    if isinstance(error, TryLater):
        log.warning("%s: %s", asked, error)
    elif document["status"] >= 500:
        log.error("%s: %s", asked, error, exc_info=error)
    if isinstance(error, SetupError):
        # Where the database lies and how it is reached is nothing to strangers.
        document |= {"detail": _UNFIT, "arguments": {}}
    return respond(document)


def install(app: FastAPI) -> None:
    """Make the app tell every error as a problem document."""

    @app.exception_handler(WfmError)
    async def told(request: Request, error: WfmError) -> JSONResponse:
        return tell(error, f"{request.method} {request.url.path}")

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        return respond(invalid_request(error.errors()))

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> JSONResponse:
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "http_error")
        detail = {
            404: f"nothing is at {request.url.path}; /api/v1/openapi.json lists what there is",
            405: f"{request.method} is not possible at {request.url.path}",
        }.get(error.status_code, str(error.detail))
        title = code.replace("_", " ").capitalize()
        return respond(problem(error.status_code, title, code, detail), error.headers)

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> JSONResponse:
        log.error("%s %s: %r", request.method, request.url.path, error, exc_info=error)
        return respond(internal_problem())
