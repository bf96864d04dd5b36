"""Rows of the store counted into cells, by local day, queue and account. Pure.

On the live queue's path: standard library only.
"""

from __future__ import annotations

from collections.abc import Iterable
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


@dataclass
class Tally:
    """Cells being filled, by day, queue and account; those of the site have neither of the two."""

    zone: ZoneInfo
    cells: dict[Key, Cell] = field(default_factory=dict)
    _days: dict[int, tuple[float, date]] = field(default_factory=dict)

    def place(self, at: float, queue: str, account: str) -> tuple[Cell, int]:
        """The cell of an instant, and the hour of its day."""
        # In every zone a quarter of an hour lies within one local day.
        quarter = int(at) // INTERVAL_S
        found = self._days.get(quarter)
        if found is None:
            day = local_day(datetime.fromtimestamp(at, UTC), self.zone)
            found = self._days[quarter] = (local_midnight(day, self.zone).timestamp(), day)
        key = (found[1], queue, account)
        cell = self.cells.get(key)
        if cell is None:
            cell = self.cells[key] = Cell()
        return cell, int(at - found[0]) // 3600

    def finished(self) -> dict[Key, Cell]:
        """The cells, ready to be read."""
        return {key: cell.finished() for key, cell in self.cells.items()}

    def count_clocks(self, rows: Iterable[ClockRow]) -> None:
        """Promises, at the instant they were started."""
        for row in rows:
            cell, hour = self.place(row.started_at, row.queue, row.account)
            _count_clock(cell, hour, row)

    def count_cases(self, rows: Iterable[CaseRow], *, repeat_s: int) -> None:
        """Cases, at the instant they were opened; those merged into others are not cases."""
        for row in rows:
            cell, hour = self.place(row.opened_at, row.queue, row.account)
            if row.merged_into is not None:
                cell.add("merged", hour)
                continue
            cell.add("cases", hour)
            cell.add("contacts", hour, row.contacts)
            if row.contacts > 1:
                cell.add("wrote_again", hour)
            if row.state == "closed" and row.was_answered:
                cell.add("resolved", hour)
                cell.add("resolved_contacts", hour, row.contacts)
            if row.reopened:
                cell.add("reopened", hour)
            if row.is_repeat(repeat_s):
                cell.add("repeat_contacts", hour)

    def count_left_out(self, rows: Iterable[LeftOut]) -> None:
        """Messages that opened no case, at the instant we received them."""
        for row in rows:
            cell, hour = self.place(row.received_at, row.queue or "", row.account)
            cell.add(_LEFT_OUT[row.kind], hour)

    def count_tasks(self, rows: Iterable[TaskRow], *, now: float) -> None:
        """Tasks, at the instant they are due; only of days that are not kept."""
        for row in rows:
            cell, hour = self.place(row.due_at, row.queue, row.account)
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
        busy = tuple(held)
        for name, stretches in (("handled_ms", busy), ("staffed_ms", (*busy, *available))):
            for one in union(stretches):
                for a, b in by_quarter(max(one.start, start), min(one.end, end)):
                    cell, hour = self.place(a, "", "")
                    cell.add(name, hour, round(b * 1000) - round(a * 1000))


def _count_clock(cell: Cell, hour: int, row: ClockRow) -> None:
    promise = f"{row.metric}.{row.goal}"
    if row.stopped_at is None:
        _count_open(cell, hour, row)
    elif row.outcome in ("met", "late"):
        cell.add(f"{promise}.{row.outcome}", hour)
        passed_s = round(row.stopped_at - row.started_at, 3)
        cell.note(row.metric, hour, row.elapsed_s)
        cell.note(f"{row.metric}_clock", hour, passed_s)
        if row.metric == "first_response":
            cell.add("badge.quick" if passed_s <= BADGE_S else "badge.slow", hour)
    elif row.outcome == "cancelled" and row.any_at is not None:
        cell.add(f"{promise}.automatic", hour)
    else:
        cell.add(f"{promise}.{row.outcome}", hour)
    if row.metric == "first_response" and row.any_at is not None and row.outcome != "merged":
        cell.note("first_any", hour, row.any_elapsed_s or 0.0)
        cell.note("first_any_clock", hour, round(row.any_at - row.started_at, 3))


def _count_open(cell: Cell, hour: int, row: ClockRow) -> None:
    is_late = row.elapsed_s > row.threshold_s
    if row.due_at is None and row.metric not in REPLIES:
        # Answered cases wait for their customers in great numbers, and nothing runs meanwhile.
        waiting = "waiting_late" if is_late else "waiting"
        cell.add(f"{row.metric}.{row.goal}.{waiting}", hour)
        return
    cell.open.append(Open(hour, row.metric, row.goal, row.started_at, row.due_at, is_late))
