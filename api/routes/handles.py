"""The accounts that customers write to, and the hours that each may state on its profile."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from api.auth import Caller, require
from api.deps import BrandDep
from wfm.triage.handles import handles_of, hours_text

router = APIRouter(prefix="/handles", tags=["customers"])


class HandleOut(BaseModel):
    """An account of the brand; `hours` are those that its clocks and its notice go by, in words."""

    name: str
    channel: str
    queue: str
    kind: str
    hours: str
    off_hours_notice: str
    care_handle: str


@router.get("")
def list_handles(
    brand: BrandDep, _caller: Annotated[Caller, Depends(require())]
) -> list[HandleOut]:
    """Every handle of the brand, those of its queues among them."""
    return [
        HandleOut(
            name=handle.name,
            channel=handle.channel,
            queue=handle.queue,
            kind=handle.kind,
            hours=hours_text(brand, handle),
            off_hours_notice=handle.off_hours_notice,
            care_handle=handle.care_handle,
        )
        for handle in handles_of(brand)
    ]
