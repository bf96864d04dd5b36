"""The tables that pass between packages, with their schemas.

`SCHEMA.check(table)` gives the table back with its columns in order and its types exact, or raises
`FrameError` with every fault at once. Instants are UTC on the 15-minute grid where the column is
called `start`. This is the one place that imports pandera.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import pandas as pd
import pandera.pandas as pa

from wfm.errors import FrameError
from wfm.timegrid import INTERVAL_S

INSTANT = "datetime64[us, UTC]"
QUANTILES: tuple[float, ...] = (0.025, 0.10, 0.50, 0.80, 0.90, 0.95, 0.975)
QUANTILE_COLUMNS: tuple[str, ...] = ("q025", "q10", "q50", "q80", "q90", "q95", "q975")
# What decides a requirement: the goals of first replies, those of follow-ups and resolution, the
# occupancy cap, the minimum staff; or a rehearsal, which asked for more than all of them, or for
# less than the first two.
BINDING: tuple[str, ...] = ("first", "follow_up", "occupancy", "minimum", "rehearsal")


def interval_index(start: datetime, end: datetime) -> pd.DatetimeIndex:
    """Starts of the intervals in [start, end), UTC."""
    return pd.date_range(
        start, end, freq=f"{INTERVAL_S}s", inclusive="left", unit="us", name="start"
    )


def _on_grid(values: Any) -> Any:
    return values.dt.floor(f"{INTERVAL_S}s") == values


@dataclass(frozen=True)
class Column:
    """A declared column: its exact dtype, what its values must satisfy, whether it may be empty."""

    dtype: str
    checks: tuple[pa.Check, ...] = ()
    nullable: bool = False


START = Column(INSTANT, (pa.Check(_on_grid, error="lying on the 15-minute grid"),))
END = Column(INSTANT)
TEXT = Column("str")
WHOLE = Column("int64", (pa.Check.ge(0),))
NOT_NEGATIVE = Column("float64", (pa.Check.ge(0),))
NOT_NEGATIVE_OR_NONE = Column("float64", (pa.Check.ge(0),), nullable=True)
SHARE_OR_NONE = Column("float64", (pa.Check.in_range(0, 1),), nullable=True)


@dataclass(frozen=True)
class TableSchema:
    """A named table with declared columns and a key that no two rows share."""

    name: str
    key: tuple[str, ...]
    columns: dict[str, Column]

    @cached_property
    def _checks(self) -> pa.DataFrameSchema:
        return pa.DataFrameSchema(
            {
                name: pa.Column(checks=list(column.checks), nullable=column.nullable)
                for name, column in self.columns.items()
            }
        )

    def empty(self) -> pd.DataFrame:
        return pd.DataFrame(
            {name: pd.Series(dtype=column.dtype) for name, column in self.columns.items()}
        )

    def check(self, table: pd.DataFrame) -> pd.DataFrame:
        """The table, columns in declared order; FrameError with every fault otherwise."""
        missing = [c for c in self.columns if c not in table.columns]
        if missing:
            raise FrameError(
                f"{self.name}: " + "; ".join(f"no column {c!r}" for c in missing), missing=missing
            )
        table = table[list(self.columns)]
        faults: list[str] = []
        for name, column in self.columns.items():
            if str(table[name].dtype) != column.dtype:
                faults.append(f"{name!r} is {table[name].dtype}, want {column.dtype}")
        if not faults:
            try:
                self._checks.validate(table, lazy=True)
            except pa.errors.SchemaErrors as errors:
                cases = errors.failure_cases
                for (name, rule), group in cases.groupby(["column", "check"], sort=False):
                    shown = ", ".join(str(v) for v in group["failure_case"].head(3))
                    faults.append(f"{name!r} breaks {rule} {len(group)} times, first: {shown}")
            twice = table.duplicated(list(self.key), keep=False)
            if twice.any():
                row = table.loc[twice, list(self.key)].iloc[0]
                key = ", ".join(f"{c} {row[c]}" for c in self.key)
                faults.append(f"{key} appears twice ({int(twice.sum())} rows in all)")
        if faults:
            raise FrameError(f"{self.name}: " + "; ".join(faults), faults=faults)
        return table


VOLUMES = TableSchema(
    "volumes",
    ("start", "queue"),
    {"start": START, "queue": TEXT, "contacts": WHOLE, "aht_s": NOT_NEGATIVE_OR_NONE},
)

FORECAST = TableSchema(
    "forecast",
    ("start", "queue"),
    {
        "start": START,
        "queue": TEXT,
        "mean": NOT_NEGATIVE,
        **dict.fromkeys(QUANTILE_COLUMNS, NOT_NEGATIVE),
        "aht_s": Column("float64", (pa.Check.gt(0),)),
        "model": TEXT,
    },
)

# Why a forecast's mean is what it is: the four parts add up to it, contacts.
# baseline    what ordinary days were lately
# holiday     added (or taken away) by a public holiday of the queue's markets
# campaign    added by the campaigns that are felt
# correction  added by the level of the last days, by today so far, and by planners
PARTS = TableSchema(
    "parts",
    ("start", "queue"),
    {
        "start": START,
        "queue": TEXT,
        "baseline": NOT_NEGATIVE,
        **{name: Column("float64") for name in ("holiday", "campaign", "correction")},
    },
)

# Agents needed before shrinkage, and why.
# workload, first_workload  expected erlangs of all messages, and of first replies among them
# factor                    load of the day that is planned for over the expected one
# need_*                    agents that each constraint alone asks for on that day; 0 while shut
# agents_exact, agents      the largest need, or what a rehearsal asked for; and in whole agents
# attainment*               first replies in time with `agents`, expected, P10 and P90 over days;
#                           _less and _more: expected with one agent fewer and one more
NEEDS: tuple[str, ...] = ("need_first", "need_follow", "need_occupancy", "need_minimum")
ATTAINMENTS: tuple[str, ...] = (
    "attainment",
    "attainment_low",
    "attainment_high",
    "attainment_less",
    "attainment_more",
)
REQUIREMENT = TableSchema(
    "requirement",
    ("start", "queue"),
    {
        "start": START,
        "queue": TEXT,
        "workload": NOT_NEGATIVE,
        "first_workload": NOT_NEGATIVE,
        "factor": NOT_NEGATIVE,
        **dict.fromkeys(NEEDS, NOT_NEGATIVE),
        "agents": WHOLE,
        "agents_exact": NOT_NEGATIVE,
        **dict.fromkeys(ATTAINMENTS, SHARE_OR_NONE),
        "binding": Column("str", (pa.Check.isin(BINDING),)),
    },
)

ROSTER = TableSchema(
    "roster",
    ("agent_id", "start"),
    {
        "agent_id": TEXT,
        "start": START,
        "end": END,
        "activity": TEXT,
        "queue": TEXT,
        "template": TEXT,
        "pinned": Column("bool"),
    },
)

STAFFING = TableSchema(
    "staffing",
    ("start", "queue"),
    {
        "start": START,
        "queue": TEXT,
        "scheduled": NOT_NEGATIVE,
        "effective": NOT_NEGATIVE,
        "slots": NOT_NEGATIVE,
        "required": NOT_NEGATIVE,
    },
)

ON_SHIFT = TableSchema(
    "on_shift",
    ("agent_id", "start"),
    {
        "agent_id": TEXT,
        "start": START,
        "end": END,
        "queues": TEXT,
        "slots": Column("int64", (pa.Check.ge(1),)),
    },
)
