"""Signing in to the console by a one-time link, and out again."""

from __future__ import annotations

from html import escape

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.auth import COOKIE
from api.deps import StoreDep
from wfm.errors import NotSignedIn, TryLater
from wfm.store import access
from wfm.timegrid import SystemClock

router = APIRouter(prefix="/console", include_in_schema=False)

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Sign in</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 15vh auto; max-width: 34rem; padding: 0 1rem;
  color: #1c2430; background: #f6f7f9 }}
main {{ background: #fff; border: 1px solid #d9dee5; border-radius: 8px; padding: 1.5rem 2rem }}
code {{ background: #eef1f5; padding: .1rem .35rem; border-radius: 4px }}
.told {{ color: #9b1c1c }}
</style></head>
<body><main>
<h1>Sign in</h1>
{told}
<p>The console opens by a one-time link. It is printed where the service was started;
for a new one run</p>
<p><code>wfm sign-in-link</code></p>
<p>there, and open the link in this browser. A link works once, within 24 hours.</p>
</main></body></html>
"""


def _page(told: str = "", status: int = 200) -> HTMLResponse:
    paragraph = f'<p class="told" role="alert">{escape(told)}</p>' if told else ""
    return HTMLResponse(
        _PAGE.format(told=paragraph), status_code=status, headers={"Cache-Control": "no-store"}
    )


@router.get("/sign-in")
def sign_in(request: Request, store: StoreDep, token: str = "") -> Response:
    """Use the link up and open a session; without a token, say how to get a link."""
    if not token:
        return _page()
    if "prefetch" in request.headers.get("sec-purpose", request.headers.get("purpose", "")):
        raise TryLater("a sign-in link is not used up by a browser that only looks ahead")
    try:
        with store.writing("console:sign-in") as writing:
            _session, secret = access.follow_link(writing, token, now=SystemClock().now())
    except NotSignedIn as error:
        return _page(error.message, 401)
    answer = RedirectResponse("/console/", 303, headers={"Cache-Control": "no-store"})
    answer.set_cookie(
        COOKIE,
        secret,
        max_age=int(access.SESSION_LIFE.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return answer


@router.post("/sign-out")
def sign_out(request: Request, store: StoreDep) -> Response:
    """End the session."""
    with store.writing("console:sign-out") as writing:
        access.end_session(writing, request.cookies.get(COOKIE, ""))
    answer = RedirectResponse("/console/sign-in", 303, headers={"Cache-Control": "no-store"})
    answer.delete_cookie(COOKIE, httponly=True, samesite="lax")
    return answer
