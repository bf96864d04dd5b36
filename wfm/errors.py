"""Every error a user can meet, one branch per remedy.

A `WfmError` says the value, the rule and the way out. Domain code knows no HTTP status and no
exit code; `api.problems` and `api.cli` translate. Each class has a stable `code` for clients.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar


class WfmError(Exception):
    """Root of all errors that are told to a user."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details: Mapping[str, Any] = details


# -- fix your data ------------------------------------------------------------------------------


class DataError(WfmError):
    """Something in the data handed to us is wrong; the data must change."""

    code = "data_error"


@dataclass(frozen=True, order=True)
class Fault:
    """One thing wrong with a file: where it is, what stands there, what would be right.

    line counts from 1 as an editor shows it (a CSV's header is line 1); 0 means the whole file.
    """

    line: int
    column: str
    value: str
    remedy: str

    def __str__(self) -> str:
        place = f"line {self.line}" if self.line else "file"
        column = f", {self.column}" if self.column else ""
        value = f": {self.value!r}" if self.value else ""
        return f"{place}{column}{value}: {self.remedy}"


class FileFaults(DataError):
    """A file with faults: all of them, at once, and nothing was written."""

    code = "file_faults"
    shown: ClassVar[int] = 20

    def __init__(self, file: str, faults: Iterable[Fault], *, total: int | None = None) -> None:
        kept = sorted(faults)
        count = len(kept) if total is None else total
        lines = [f"{file}: {count} fault{'s' if count != 1 else ''}, nothing was written"]
        lines += [f"  {fault}" for fault in kept[: self.shown]]
        if count > self.shown:
            lines.append(f"  ... and {count - min(len(kept), self.shown)} more (--json lists them)")
        super().__init__("\n".join(lines), file=file, total=count, faults=[asdict(f) for f in kept])
        self.file = file
        self.faults = tuple(kept)


class FrameError(DataError):
    """A table that breaks its declared schema, with every fault."""

    code = "frame_error"


class DemandError(DataError):
    """A volume or a handling time that no contact can have."""

    code = "demand_error"


# -- fix your request ---------------------------------------------------------------------------


class RequestError(WfmError):
    """The request cannot be carried out as it was put; ask differently."""

    code = "bad_request"


class NotFound(RequestError):
    """What was asked for does not exist; the message lists what does where that helps."""

    code = "not_found"


class Conflict(RequestError):
    """The request contradicts what is already stored."""

    code = "conflict"


class IllegalMove(Conflict):
    """A case, roster or job cannot go from its state to the one asked for."""

    code = "illegal_move"


class LeaseLost(Conflict):
    """The case is no longer held by the agent who wants to act on it."""

    code = "lease_lost"


class LostEdit(Conflict):
    """The thing was changed by someone else since the caller read it."""

    code = "lost_edit"


class TooLarge(RequestError):
    """The request's body is larger than the service takes."""

    code = "too_large"


class OffShift(Conflict):
    """The agent is not on shift in the roster in force, so no case can be theirs."""

    code = "off_shift"


class NotPresent(Conflict):
    """The agent said that they are away or have signed off."""

    code = "not_present"


class NoFreeSlot(Conflict):
    """The agent holds as many cases as the roster gives them slots."""

    code = "no_free_slot"


class NotSignedIn(RequestError):
    """No key or session, or one that is unknown, revoked or expired."""

    code = "not_signed_in"


class SignatureRefused(NotSignedIn):
    """A delivery that its source did not sign, or not as it is."""

    code = "signature_refused"


class SignatureStale(SignatureRefused):
    """A delivery that its source signed, but not just now."""

    code = "signature_stale"


class Replayed(Conflict):
    """The very same signed request came before: somebody sends it again."""

    code = "replayed"


class NotAllowed(RequestError):
    """A known caller whose role does not reach this far."""

    code = "not_allowed"


# -- relax a rule -------------------------------------------------------------------------------


class RuleConflict(WfmError):
    """Rules that cannot all hold at once; the message names them."""

    code = "rule_conflict"


class GoalOutOfReach(RuleConflict):
    """A service goal that no number of agents can meet."""

    code = "goal_out_of_reach"


# -- try later ----------------------------------------------------------------------------------


class TryLater(WfmError):
    """Nothing is wrong with the request; something it needs is not free now."""

    code = "try_later"


class StoreBusy(TryLater):
    """Another process holds the database's write lock for longer than we wait."""

    code = "store_busy"


class InboxFull(TryLater):
    """More is delivered than can be stored just now."""

    code = "inbox_full"


class PortInUse(TryLater):
    """The address to serve at is taken."""

    code = "port_in_use"


class Cancelled(TryLater):
    """The work was cancelled before it ended; nothing of it was kept."""

    code = "cancelled"


# -- put the installation right -----------------------------------------------------------------


class SetupError(WfmError):
    """The installation, its settings or its database is not fit to be used."""

    code = "setup_error"


class StoreReadOnly(SetupError):
    """The database cannot be written to."""

    code = "store_read_only"


class StoreTooNew(SetupError):
    """The database was written by a newer version of the product."""

    code = "store_too_new"


# -- tell us ------------------------------------------------------------------------------------


class InternalFault(WfmError):
    """A promise of our own code that did not hold."""

    code = "internal_fault"
