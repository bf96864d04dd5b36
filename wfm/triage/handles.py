"""The accounts that customers write to: whose queue they feed, when they answer, what they say.

On the live queue's path: standard library only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from wfm.brands import Brand
from wfm.calendars import WEEKDAYS, Hours, ServiceWindow, is_open, next_opening
from wfm.care import Handle
from wfm.errors import NotFound
from wfm.timegrid import local_day
from wfm.triage.words import fold

# Where a notice names the next opening.
OPENS = "{opens}"
# Where a redirect names the handle that helps.
CARE_HANDLE = "{handle}"

REDIRECT = f"Please write to {CARE_HANDLE}: our colleagues there will help you."


def handles_of(brand: Brand) -> tuple[Handle, ...]:
    """The brand's handles: those it lists, and those of its queues that it does not list.

    Of several queues with one handle, the first has it.
    """
    found = {(handle.channel, plain_name(handle.name)): handle for handle in brand.care.handles}
    for queue in brand.queues:
        own = Handle(queue.handle, queue.channel, queue.name)
        found.setdefault((own.channel, plain_name(own.name)), own)
    return tuple(found.values())


def plain_name(account: str) -> str:
    """An account's name for comparing: `@Care` and `care` are one."""
    return fold(account).strip().lstrip("@")


class Accounts:
    """The brand's handles by the names of their accounts."""

    def __init__(self, handles: Sequence[Handle]) -> None:
        self._names = ", ".join(f"{handle.name} ({handle.channel})" for handle in handles)
        self._found: dict[str, dict[str, Handle]] = {}
        for handle in handles:
            self._found.setdefault(plain_name(handle.name), {})[handle.channel] = handle

    def handle(self, account: str, platform: str = "") -> Handle:
        """The handle of an account; NotFound names those there are.

        platform  the channel of the account; "" where its name tells it apart
        """
        found = self._found.get(plain_name(account), {})
        if platform in found:
            return found[platform]
        if len(found) == 1 and not platform:
            return next(iter(found.values()))
        if found and not platform:
            raise NotFound(
                f"the account {account!r} is a handle on {' and '.join(found)}; say which by the "
                "message's platform, or name its queue",
                account=account,
            )
        where = f" on {platform}" if platform else ""
        raise NotFound(
            f"the account {account!r}{where} is no handle of the brand, so its messages have no "
            f"queue; its handles are {self._names}. Add it to [[care.handles]] of the brand file, "
            "or name the message's queue",
            account=account,
        )


def window_of(brand: Brand, handle: Handle) -> ServiceWindow:
    """When the handle answers: its stated hours, or those of its queue."""
    return handle.window or brand.queue(handle.queue).window


def notice_for(brand: Brand, account: str, at: datetime, *, platform: str = "") -> str | None:
    """What a customer who writes to the account at `at` is told at once: that nobody is there.

    None while the handle answers, and where it has no notice. `{opens}` in the notice becomes the
    next opening, in the site's time. NotFound for an account that is no handle.
    """
    handle = Accounts(handles_of(brand)).handle(account, platform)
    if not handle.off_hours_notice:
        return None
    window = window_of(brand, handle)
    if is_open(window, at):
        return None
    opens = opening_words(next_opening(window, at), at, brand.tz)
    return handle.off_hours_notice.replace(OPENS, opens)


def opening_words(opens: datetime, at: datetime, zone: ZoneInfo) -> str:
    """An opening as people of the zone say it at `at`, e.g. `Tuesday 3 March at 08:00 (CET)`.

    The day is left out when it is the same one.
    """
    local = opens.astimezone(zone)
    time = f"{local:%H:%M} ({local:%Z})"
    if local_day(opens, zone) == local_day(at, zone):
        return time
    return f"{local:%A} {local.day} {local:%B} at {time}"


def redirect_for(brand: Brand, account: str, *, platform: str = "") -> str | None:
    """What a customer who complains to a handle that speaks for the brand is told: where to go.

    None for a handle that stands there to help, and where no other is named for it. NotFound for
    an account that is no handle.
    """
    handle = Accounts(handles_of(brand)).handle(account, platform)
    if handle.kind != "brand" or not handle.care_handle:
        return None
    return REDIRECT.replace(CARE_HANDLE, handle.care_handle)


def hours_text(brand: Brand, handle: Handle) -> str:
    """The handle's hours as its profile may state them, e.g. `mon-fri 09:00-18:00 (Europe/Berlin)`.

    Equal to what its clocks and notices go by, since it is made from the same window.
    """
    window = window_of(brand, handle)
    if window.is_always:
        return "24/7"
    return "; ".join(_hours_words(part) for part in window.parts)


def _hours_words(part: Hours) -> str:
    days = ",".join(_runs(sorted(part.weekdays)))
    shut = f", not on holidays of {part.holidays_of}" if part.holidays_of else ""
    return f"{days} {_clock(part.opens)}-{_clock(part.closes)} ({part.zone}{shut})"


def _runs(days: Sequence[int]) -> Iterator[str]:
    """Weekdays as people write them, following ones together: mon-wed, fri."""
    begins = [day for day in days if day - 1 not in days]
    ends = [day for day in days if day + 1 not in days]
    for first, last in zip(begins, ends, strict=True):
        yield WEEKDAYS[first] if first == last else f"{WEEKDAYS[first]}-{WEEKDAYS[last]}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
