"""Campaigns and other known events, each as one document."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from wfm.campaigns import Campaign
from wfm.store.bulk import upsert
from wfm.store.documents import from_document, to_document
from wfm.store.engine import Writing
from wfm.store.tables import campaigns as table


def load_campaigns(connection: sa.Connection) -> tuple[Campaign, ...]:
    """All campaigns, by start and name."""
    documents = connection.execute(
        sa.select(table.c.document).order_by(table.c.starts_at, table.c.name)
    )
    return tuple(from_document(Campaign, document) for document in documents.scalars())


def save_campaigns(writing: Writing, campaigns: Iterable[Campaign]) -> None:
    """Add campaigns, or overwrite those of the same name; each change is audited."""
    held = {campaign.name: campaign for campaign in load_campaigns(writing.connection)}
    changed = [campaign for campaign in campaigns if held.get(campaign.name) != campaign]
    rows = [
        {
            "name": campaign.name,
            "starts_at": campaign.start,
            "document": to_document(campaign),
            **writing.stamp,
        }
        for campaign in changed
    ]
    upsert(writing.connection, table, rows)
    for campaign in changed:
        before = held.get(campaign.name)
        writing.audit(
            "campaign.import",
            campaign.name,
            before=None if before is None else to_document(before),
            after=to_document(campaign),
        )
