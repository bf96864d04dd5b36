"""What the live queue achieved: every figure, by when, where and how it is asked; and its cases."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Caller, require
from api.deps import MAX_ID, BrandDep, Moment, StoreDep
from api.exports.metricscsv import figures_csv
from wfm.brands import Brand
from wfm.metrics import badge, behind
from wfm.metrics.definitions import DEFINITIONS, Unit
from wfm.metrics.ranges import Group, Split, Step, measure
from wfm.store.engine import Store
from wfm.store.metricrows import Part, backlog
from wfm.timegrid import local_day, local_midnight

router = APIRouter(prefix="/metrics", tags=["metrics"])

Reader = Annotated[
    Caller, Depends(require("planner", "manager", "team-lead", "queue-engine", "auditor"))
]

NO_NUL = r"^[^\x00]*$"


class DefinitionOut(BaseModel):
    """A figure, its unit, what it means, and whether `/metrics/{figure}/cases` lists its cases."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    unit: Unit
    text: str
    cases: bool


class DefinitionsOut(BaseModel):
    items: list[DefinitionOut]


class GroupOut(BaseModel):
    """The figures of [start, end); queue and account are null where all are counted together.

    A figure is null where it is a share or a time of nothing.
    """

    start: datetime
    end: datetime
    queue: str | None
    account: str | None
    figures: dict[str, float | int | None]


class MetricsOut(BaseModel):
    """`as_of`: when what is still open was judged."""

    as_of: datetime
    groups: list[GroupOut]


class BacklogLine(BaseModel):
    """Cases that wait now, and how many of them for longer than that."""

    model_config = ConfigDict(from_attributes=True)

    queue: str
    account: str
    waiting: int
    late: int
    oldest_at: datetime
    over_15_min: int
    over_1_h: int
    over_4_h: int
    over_24_h: int


class BacklogOut(BaseModel):
    as_of: datetime
    items: list[BacklogLine]


class BadgeOut(BaseModel):
    """A handle's badge: nine of ten first answers within 15 minutes by the clock on the wall.

    `misses_left`: how many more slow answers it bears; `needed`: how many quick ones win it back;
    `lost_at`: the hour after which it is lost if answers go on as in the last hour.
    """

    model_config = ConfigDict(from_attributes=True)

    account: str
    judged: int
    share: float | None
    held: bool
    misses_left: int
    needed: int
    lost_at: datetime | None


class BadgesOut(BaseModel):
    as_of: datetime
    window_s: int
    items: list[BadgeOut]


class CaseIdsOut(BaseModel):
    """Ids of cases in ascending order; `next` continues after the last of them, if more follow."""

    items: list[int]
    next: int | None


class Asked(BaseModel):
    """Which range and part: [from, to), today until now by default."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    start: Moment | None = Field(None, alias="from")
    end: Moment | None = Field(None, alias="to")
    queue: str | None = Field(None, max_length=80, pattern=NO_NUL)
    account: str | None = Field(None, max_length=200, pattern=NO_NUL)

    @property
    def part(self) -> Part:
        return Part(self.queue, self.account)

    def range_in(self, brand: Brand, now: datetime) -> tuple[datetime, datetime]:
        """The instants asked for; what is left out is the local day's begin, and now."""
        end = self.end or now
        start = self.start or local_midnight(
            local_day(end - timedelta(microseconds=1), brand.tz), brand.tz
        )
        return start, end


class Grouped(Asked):
    """How the range is cut: by step of time, and by queue or account."""

    step: Step = "whole"
    split: Split = "none"


class Listed(Asked):
    """Which page of cases."""

    after: int = Field(0, ge=0, le=MAX_ID, description="`next` of the page before")
    limit: int = Field(50, ge=1, le=500)


GroupedQuery = Annotated[Grouped, Query()]
ListedQuery = Annotated[Listed, Query()]


def _measured(store: Store, brand: Brand, asked: Grouped) -> tuple[datetime, tuple[Group, ...]]:
    now = store.clock.now()
    start, end = asked.range_in(brand, now)
    with store.reading() as connection:
        groups = measure(
            connection,
            brand,
            start,
            end,
            now=now,
            step=asked.step,
            split=asked.split,
            part=asked.part,
        )
    return now, groups


@router.get("")
def get_metrics(
    store: StoreDep, brand: BrandDep, _caller: Reader, asked: GroupedQuery
) -> MetricsOut:
    """Every figure of a range: a case counts when it was opened, a promise when it began."""
    now, groups = _measured(store, brand, asked)
    return MetricsOut(
        as_of=now,
        groups=[
            GroupOut(
                start=group.start,
                end=group.end,
                queue=group.queue,
                account=group.account,
                figures=dict(group.figures),
            )
            for group in groups
        ],
    )


_CSV: dict[int | str, dict[str, Any]] = {
    200: {"description": "The figures as CSV", "content": {"text/csv": {}}}
}


@router.get("/exports/csv", response_class=Response, responses=_CSV)
def export_metrics(
    store: StoreDep, brand: BrandDep, _caller: Reader, asked: GroupedQuery
) -> Response:
    """The same figures as a table: a line a group, a column a figure."""
    _, groups = _measured(store, brand, asked)
    return Response(
        figures_csv(groups, brand.tz),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="metrics.csv"'},
    )


@router.get("/definitions")
def list_definitions(_caller: Reader) -> DefinitionsOut:
    """Every figure, in the order in which they are told, and what it means."""
    return DefinitionsOut(items=[DefinitionOut.model_validate(one) for one in DEFINITIONS])


@router.get("/backlog")
def get_backlog(
    store: StoreDep,
    brand: BrandDep,
    _caller: Reader,
    queue: Annotated[str | None, Query(max_length=80, pattern=NO_NUL)] = None,
    account: Annotated[str | None, Query(max_length=200, pattern=NO_NUL)] = None,
) -> BacklogOut:
    """What waits now by queue and account, and for how long already."""
    now = store.clock.now()
    if queue is not None:
        brand.queue(queue)
    with store.reading() as connection:
        lines = backlog(connection, now, Part(queue, account))
    return BacklogOut(as_of=now, items=[BacklogLine.model_validate(line) for line in lines])


@router.get("/badges")
def list_badges(store: StoreDep, brand: BrandDep, _caller: Reader) -> BadgesOut:
    """Which handles are very responsive, and what that still allows."""
    now = store.clock.now()
    with store.reading() as connection:
        found = badge.badges(connection, brand, now)
    return BadgesOut(
        as_of=now,
        window_s=brand.care.badge_window_s,
        items=[BadgeOut.model_validate(one) for one in found],
    )


@router.get("/orphans")
def list_orphans(
    store: StoreDep, brand: BrandDep, _caller: Reader, asked: ListedQuery
) -> CaseIdsOut:
    """Cases opened in the range with neither an answer, nor a plan, nor a reason.

    They wait past their time, are paused without an end, or were closed without a word. Where the
    work is done as it should be there are none.
    """
    now = store.clock.now()
    start, end = asked.range_in(brand, now)
    with store.reading() as connection:
        page = behind.orphans(
            connection,
            brand,
            start,
            end,
            now=now,
            part=asked.part,
            after=asked.after,
            limit=asked.limit,
        )
    return CaseIdsOut(items=list(page.case_ids), next=page.next)


@router.get("/{figure}/cases")
def list_cases_behind(
    figure: Annotated[str, Path(max_length=80, pattern=NO_NUL)],
    store: StoreDep,
    brand: BrandDep,
    _caller: Reader,
    asked: ListedQuery,
) -> CaseIdsOut:
    """The cases that a figure of the range is told of.

    Of a share, those it is a share of; the late ones of a promise are behind `..._late`.
    """
    now = store.clock.now()
    start, end = asked.range_in(brand, now)
    with store.reading() as connection:
        page = behind.cases_behind(
            connection,
            brand,
            figure,
            start,
            end,
            now=now,
            part=asked.part,
            after=asked.after,
            limit=asked.limit,
        )
    return CaseIdsOut(items=list(page.case_ids), next=page.next)
