"""Who pressed the button: a callback's caller, whom the app's door let in."""

from __future__ import annotations

from dash.backends._fastapi import get_current_request

from api.auth import Caller, require
from wfm.errors import NotSignedIn

_planner = require("planner", "manager")


def planner() -> str:
    """The actor of the callback that is being answered, for the audit.

    Raises NotAllowed for whoever may look but not change, as the API does.
    """
    caller = get_current_request().scope.get("state", {}).get("caller")
    if not isinstance(caller, Caller):
        raise NotSignedIn("nobody is signed in; `wfm sign-in-link` prints a link")
    return _planner(caller).actor
