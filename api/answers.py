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
from wfm.errors import WfmError

log = logging.getLogger("wfm.api")

MEDIA_TYPE = "application/problem+json"


def respond(document: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The HTTP response that carries the document."""
    extra = dict(headers or {})
    status = int(document["status"])
    if status == 401:
        extra["WWW-Authenticate"] = 'Bearer realm="wfm"'
    if status == 503:
        extra["Retry-After"] = "1"
    return JSONResponse(dict(document), status_code=status, headers=extra, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make the app tell every error as a problem document."""

    @app.exception_handler(WfmError)
    async def told(request: Request, error: WfmError) -> JSONResponse:
        document = problem_of(error)
        if document["status"] >= 500:
            log.error("%s %s: %s", request.method, request.url.path, error, exc_info=error)
        return respond(document)

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
