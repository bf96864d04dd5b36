"""Rows of the store counted into cells, by local day, queue and account. Pure.

On the live queue's path: standard library only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from wfm.metrics.agenttime import by_quarter, union
from wfm.metrics.cells import BADGE_S, Cell, Open
from wfm.store.metricrows import CaseRow, ClockRow, LeftOut, Span, TaskRow
from wfm.timegrid import INTERVAL_S, local_day, local_midnight

REPLIES = ("first_response", "next_reply")

# What raw events call what was left out, and what we do.
_LEFT_OUT = {"own": "own_posts", "spam": "spam", "repost": "reposts"}


Key = tuple[date, str, str]  # local day, queue, account
Hour = tuple[date, int]  # local day, hour of it


@dataclass
class Tally:
    """Cells being filled, by day, queue and account; those of the site have neither of the two."""

    zone: ZoneInfo
    cells: dict[Key, Cell] = field(default_factory=dict)
    _hours: dict[int, Hour] = field(default_factory=dict)

    def hour(self, at: float) -> Hour:
        """The local day of an instant, and the hour of that day."""
        # In every zone a quarter of an hour lies within one local day and hour.
        quarter = int(at) // INTERVAL_S
        found = self._hours.get(quarter)
        if found is None:
            day = local_day(datetime.fromtimestamp(at, UTC), self.zone)
            midnight = local_midnight(day, self.zone).timestamp()
            found = self._hours[quarter] = (day, int(at - midnight) // 3600)
        return found

    def place(self, hour: Hour, queue: str, account: str) -> tuple[Cell, int]:
        """The cell of an hour, and which of its hours that is."""
        key = (hour[0], queue, account)
        cell = self.cells.get(key)
        if cell is None:
            cell = self.cells[key] = Cell()
        return cell, hour[1]

    def finished(self) -> dict[Key, Cell]:
        """The cells, ready to be read."""
        return {key: cell.finished() for key, cell in self.cells.items()}

    def count_clocks(self, rows: Iterable[ClockRow]) -> None:
        """Promises, at the instant they were started."""
        # Counted in groups of one kind: several times as quick as one by one.
        alike: defaultdict[_Alike, list[ClockRow]] = defaultdict(list)
        for row in rows:
            hour, place = self.hour(row.started_at), (row.queue, row.account)
            alike[hour, place, row.metric, row.goal, row.outcome, row.any_at is None].append(row)
        for (hour, place, *_), group in alike.items():
            _count_clocks(*self.place(hour, *place), group)

    def count_cases(self, rows: Iterable[CaseRow], *, repeat_s: int) -> None:
        """Cases, at the instant they were opened; those merged into others are not cases."""
        alike: defaultdict[tuple[Hour, str, str], list[CaseRow]] = defaultdict(list)
        for row in rows:
            alike[self.hour(row.opened_at), row.queue, row.account].append(row)
        for place, group in alike.items():
            _count_cases(*self.place(*place), group, repeat_s)

    def count_left_out(self, rows: Iterable[LeftOut]) -> None:
        """Messages that opened no case, at the instant we received them."""
        for row in rows:
            cell, hour = self.place(self.hour(row.received_at), row.queue or "", row.account)
            cell.add(_LEFT_OUT[row.kind], hour)

    def count_tasks(self, rows: Iterable[TaskRow], *, now: float) -> None:
        """Tasks, at the instant they are due; only of days that are not kept."""
        for row in rows:
            cell, hour = self.place(self.hour(row.due_at), row.queue, row.account)
            if row.due_at > now and row.state != "done":
                cell.add("follow_ups_to_come", hour)
                continue
            cell.add("follow_ups_due", hour)
            if row.state == "done":
                cell.add("follow_ups_done", hour)
            if (row.ended_at or now) > row.due_at:
                cell.add("follow_ups_late", hour)

    def count_time(
        self, held: Iterable[Span], available: Iterable[Span], start: float, end: float
    ) -> None:
        """Agents' time within [start, end), of all queues together, in milliseconds.

        handled_ms: somebody's case was held; staffed_ms: held, or signed on and available.
        """
        busy = union(held)
        for name, stretches in (("handled_ms", busy), ("staffed_ms", union((*busy, *available)))):
            spent: defaultdict[Hour, int] = defaultdict(int)
            for one in stretches:
                for a, b in by_quarter(max(one.start, start), min(one.end, end)):
                    spent[self.hour(a)] += round(b * 1000) - round(a * 1000)
            for at, many in spent.items():
                cell, hour = self.place(at, "", "")
                cell.add(name, hour, many)


# What clocks have in common that are counted together: hour, queue and account, metric, goal,
# outcome, and whether there was no answer of any kind.
_Alike = tuple[Hour, tuple[str, str], str, str, str | None, bool]


def _count_clocks(cell: Cell, hour: int, rows: Sequence[ClockRow]) -> None:
    """Count clocks of one kind."""
    first = rows[0]
    promise, is_first = f"{first.metric}.{first.goal}", first.metric == "first_response"
    unheard = first.any_at is None
    if first.outcome is None:
        for row in rows:
            _count_open(cell, hour, row)
    elif first.outcome in ("met", "late"):
        passed_s = [_passed(row.started_at, row.stopped_at) for row in rows]
        cell.add(f"{promise}.{first.outcome}", hour, len(rows))
        cell.note(first.metric, hour, [row.elapsed_s for row in rows])
        cell.note(f"{first.metric}_clock", hour, passed_s)
        if is_first:
            quick = sum(passed <= BADGE_S for passed in passed_s)
            cell.add("badge.quick", hour, quick)
            cell.add("badge.slow", hour, len(rows) - quick)
    elif first.outcome == "cancelled" and not unheard:
        cell.add(f"{promise}.automatic", hour, len(rows))
    else:
        cell.add(f"{promise}.{first.outcome}", hour, len(rows))
    if is_first and not unheard and first.outcome != "merged":
        cell.note("first_any", hour, [row.any_elapsed_s or 0.0 for row in rows])
        cell.note("first_any_clock", hour, [_passed(row.started_at, row.any_at) for row in rows])


def _passed(start: float, end: float | None) -> float:
    """Seconds on the wall, to the millisecond: instants are floats."""
    return 0.0 if end is None else round(end - start, 3)


def _count_cases(cell: Cell, hour: int, rows: Sequence[CaseRow], repeat_s: int) -> None:
    own = [row for row in rows if row.merged_into is None]
    resolved = [row.contacts for row in own if row.state == "closed" and row.was_answered]
    for name, many in (
        ("merged", len(rows) - len(own)),
        ("cases", len(own)),
        ("contacts", sum(row.contacts for row in own)),
        ("wrote_again", sum(row.contacts > 1 for row in own)),
        ("resolved", len(resolved)),
        ("resolved_contacts", sum(resolved)),
        ("reopened", sum(bool(row.reopened) for row in own)),
        ("repeat_contacts", sum(row.is_repeat(repeat_s) for row in own)),
    ):
        cell.add(name, hour, many)


def _count_open(cell: Cell, hour: int, row: ClockRow) -> None:
    is_late = row.elapsed_s > row.threshold_s
    if row.due_at is None and row.metric not in REPLIES:
        # Answered cases wait for their customers in great numbers, and nothing runs meanwhile.
        waiting = "waiting_late" if is_late else "waiting"
        cell.add(f"{row.metric}.{row.goal}.{waiting}", hour)
        return
    cell.open.append(Open(hour, row.metric, row.goal, row.started_at, row.due_at, is_late))
