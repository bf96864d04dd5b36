"""Errors as RFC 9457 problem documents: one table from error class to HTTP status.

A document has `type`, `title`, `status`, `detail`, a stable `code`, and `arguments`: the values the
sentence in `detail` was made of. Jobs keep the same documents, so this module loads no web library;
`api.answers` puts them on HTTP.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from wfm import errors
from wfm.errors import WfmError

# Every error class -> HTTP status and title. A class that is missing here fails a test.
STATUS: dict[type[WfmError], tuple[int, str]] = {
    errors.WfmError: (500, "Internal error"),
    errors.DataError: (422, "Data at fault"),
    errors.FileFaults: (422, "File at fault"),
    errors.FrameError: (422, "Table at fault"),
    errors.DemandError: (422, "Demand at fault"),
    errors.RequestError: (400, "Bad request"),
    errors.NotFound: (404, "Not found"),
    errors.Conflict: (409, "Conflict"),
    errors.IllegalMove: (409, "Illegal move"),
    errors.Replayed: (409, "Replayed"),
    errors.LeaseLost: (409, "Lease lost"),
    errors.OffShift: (409, "Off shift"),
    errors.NotPresent: (409, "Not present"),
    errors.NoFreeSlot: (409, "No free slot"),
    errors.LostEdit: (412, "Lost edit"),
    errors.TooLarge: (413, "Too large"),
    errors.NotSignedIn: (401, "Not signed in"),
    errors.SignatureRefused: (401, "Signature refused"),
    errors.SignatureStale: (401, "Signature too old"),
    errors.NotAllowed: (403, "Not allowed"),
    errors.RuleConflict: (422, "Rules in conflict"),
    errors.GoalOutOfReach: (422, "Goal out of reach"),
    errors.TryLater: (503, "Try later"),
    errors.StoreBusy: (503, "Store busy"),
    errors.InboxFull: (429, "Inbox full"),
    errors.PortInUse: (503, "Port in use"),
    errors.Cancelled: (409, "Cancelled"),
    errors.SetupError: (500, "Installation at fault"),
    errors.StoreReadOnly: (500, "Store is read-only"),
    errors.StoreTooNew: (500, "Store is too new"),
    errors.InternalFault: (500, "Internal error"),
}

# The sentence of these is for us, not for the caller.
_PRIVATE = (errors.InternalFault,)

_INTERNAL = "something went wrong on our side; it was logged"


def problem(
    status: int, title: str, code: str, detail: str, arguments: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A problem document; values that are not JSON are told as text."""
    document = {
        "type": f"urn:wfm:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "arguments": dict(arguments or {}),
    }
    plain: dict[str, Any] = json.loads(json.dumps(document, default=str))
    return plain


def problem_of(error: WfmError) -> dict[str, Any]:
    """The problem document of an error, by the table."""
    kind = next(c for c in type(error).__mro__ if c in STATUS)
    status, title = STATUS[kind]
    if type(error) is WfmError or isinstance(error, _PRIVATE):
        return problem(status, title, error.code, _INTERNAL)
    return problem(status, title, error.code, error.message, error.details)


def invalid_request(errors: Sequence[Any]) -> dict[str, Any]:
    """The problem document of a body or a query that pydantic refused: every fault with its place.

    errors  what pydantic's and FastAPI's `errors()` give
    """
    faults = [{"place": ".".join(map(str, fault["loc"])), "text": fault["msg"]} for fault in errors]
    told = "; ".join(f"{fault['place']}: {fault['text']}" for fault in faults)
    return problem(422, "Request at fault", "invalid_request", told, {"faults": faults})


def internal_problem() -> dict[str, Any]:
    """The problem document of a fault that we did not foresee; gives no internals away."""
    return problem(500, "Internal error", errors.InternalFault.code, _INTERNAL)


def error_of(document: Mapping[str, Any]) -> WfmError:
    """The error a problem document was made of, as far as the document tells."""
    kind = next((c for c in STATUS if c.code == document["code"]), errors.InternalFault)
    error = kind.__new__(kind)
    # The root's own constructor: a subclass may make its message of other things.
    WfmError.__init__(error, document["detail"], **document["arguments"])
    return error
