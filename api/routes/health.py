"""GET /healthz: whether the service is up and reaches its store. For probes; needs no key."""

from __future__ import annotations

from fastapi import APIRouter

from api.deps import StoreDep
from wfm.store.engine import database_version

router = APIRouter()


@router.get("/healthz", include_in_schema=False)
def health(store: StoreDep) -> dict[str, str]:
    """Says ok once the store has answered."""
    return {"status": "ok", "store": database_version(store.engine) or "empty"}
