"""Who pressed the button: a callback's caller, whom the app's door let in."""

from __future__ import annotations

from dash.backends._fastapi import get_current_request

from api.auth import Caller, require
from wfm.errors import NotSignedIn

_planner = require("planner", "manager")
_lead = require("team-lead", "manager")


def planner() -> str:
    """The actor of the callback that is being answered, for the audit.

    Raises NotAllowed for whoever may look but not change, as the API does.
    """
    return _planner(_caller()).actor


def lead() -> str:
    """The actor who works the queue in the callback: a team lead or a manager.

    Raises NotAllowed for whoever may look but not act.
    """
    return _lead(_caller()).actor


def _caller() -> Caller:
    caller = get_current_request().scope.get("state", {}).get("caller")
    if not isinstance(caller, Caller):
        raise NotSignedIn("nobody is signed in; `wfm sign-in-link` prints a link")
    return caller
