"""Certificates: make one anew, list those of a plan, and how far they could be believed."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth import Caller, require
from api.deps import MAX_ID, StoreDep
from api.routes.jobs import JobOut, Submitting
from api.routes.paging import Before, Limit, page_of
from api.routes.tables import plain_rows
from wfm.errors import StoreBusy

router = APIRouter(tags=["certificates"])

Reader = Annotated[Caller, Depends(require("planner", "manager", "team-lead", "auditor"))]
CertificateId = Annotated[int, Path(ge=1, le=MAX_ID)]


class CertifyOrder(BaseModel):
    """How to certify a plan; without `seed` on one that the plan has never seen."""

    model_config = ConfigDict(extra="forbid")

    replications: int = 200
    seed: int | None = None


class GoalOut(BaseModel):
    """What a promise was worth: attainment, its Monte Carlo error, P10 and P90 of sampled days.

    `queue` is empty for the first responses of all queues together.
    """

    model_config = ConfigDict(from_attributes=True)

    queue: str
    metric: str
    goal: str
    threshold_s: int | None
    share: float | None
    scope: str
    attainment: float | None
    se: float | None
    p10: float | None
    p90: float | None
    cases: float
    worst: dict[str, Any] | None
    units: int
    units_missed: int
    units_small: int
    kept: bool


class CertificateLine(BaseModel):
    """A certificate in a list; `own` is the one that its plan was made with."""

    model_config = ConfigDict(from_attributes=True)

    certificate_id: int
    plan_id: int
    own: bool
    seed: int
    replications: int
    made_at: datetime
    actor: str
    kept: bool
    goals: list[GoalOut]


class CertificateList(BaseModel):
    """Certificates, the newest first; `next` continues the list as `before`, null at its end."""

    items: list[CertificateLine]
    next: int | None


class CertificateOut(CertificateLine):
    """A certificate with all that it tells over time."""

    certificate: dict[str, Any]


class CalibrationOut(BaseModel):
    """Promised bands beside what came, of the plan in force on each day.

    `coverage` is the share of days (or hours) of all queues within P10 to P90, to be held against
    `stated`; `bias` is attained less promised, in points; both are null while nothing is scored.
    """

    scope: str
    days: int = Field(description="how many days, or hours, were scored")
    stated: float
    coverage: float | None
    bias: float | None
    lines: list[dict[str, Any]] = Field(description="a row a queue and goal")
    rows: list[dict[str, Any]] = Field(description="a row a day or hour, queue and goal")


@router.post("/plans/{which}/certificates", status_code=202)
def order_certificate(
    which: str, order: CertifyOrder, store: StoreDep, submit: Submitting
) -> JobOut:
    """Submit a certifying job; its address is in `Location`, its result names the certificate."""
    from api.planning import certificates, records  # late: loads the planning libraries

    plan = records.load_plan(store, records.which_plan(which))
    wanted = certificates.CertifyRequest(plan.plan_id, order.replications, order.seed)
    return submit("certify", wanted.to_document())


@router.get("/plans/{which}/certificates")
def list_certificates(
    which: str,
    store: StoreDep,
    _caller: Reader,
    limit: Limit = 50,
    before: Before = None,
) -> CertificateList:
    """Certificates of a plan: every goal with its attainment, error and band."""
    from api.planning import certificates, records

    found = certificates.listing(store, records.which_plan(which), limit=limit + 1, before=before)
    page, following = page_of(found, limit, lambda one: one.certificate_id)
    return CertificateList(
        items=[CertificateLine.model_validate(one) for one in page], next=following
    )


@router.get("/certificates/calibration")
def get_calibration(
    store: StoreDep,
    _caller: Reader,
    days: Annotated[int | None, Query(ge=1, le=3660, description="only the last days")] = None,
    scope: Literal["day", "hour"] = "day",
    queue: str | None = None,
) -> CalibrationOut:
    """How far certificates could be believed: published plans held against what came."""
    from api.planning import certificates

    with suppress(StoreBusy):  # then without the newest cases
        certificates.score_due(store)
    found = certificates.calibration(store, days, scope=scope, queue=queue)
    return CalibrationOut(
        scope=scope,
        days=found.days,
        stated=found.stated,
        coverage=found.coverage,
        bias=found.bias,
        lines=plain_rows(found.lines),
        rows=plain_rows(found.table),
    )


@router.get("/certificates/{certificate_id}")
def get_certificate(
    certificate_id: CertificateId, response: Response, store: StoreDep, _caller: Reader
) -> CertificateOut:
    """A certificate whole, by its id."""
    from api.planning import certificates

    found = certificates.load(store, certificate_id)
    # A certificate never changes.
    response.headers["ETag"] = f'"certificate-{found.certificate_id}"'
    line = CertificateLine.model_validate(found)
    return CertificateOut(**line.model_dump(), certificate=found.document)
