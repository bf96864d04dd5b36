"""Campaigns and other known events, each as one document."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from wfm.campaigns import Campaign
from wfm.store.bulk import save_changed
from wfm.store.documents import from_document
from wfm.store.engine import Writing
from wfm.store.tables import campaigns as table


def load_campaigns(connection: sa.Connection) -> tuple[Campaign, ...]:
    """All campaigns, by start and name."""
    documents = connection.execute(
        sa.select(table.c.document).order_by(table.c.starts_at, table.c.name)
    )
    return tuple(from_document(Campaign, document) for document in documents.scalars())


def save_campaigns(
    writing: Writing, campaigns: Iterable[Campaign], *, action: str = "campaign.import"
) -> None:
    """Add campaigns, or overwrite those of the same name; each change is audited as `action`."""
    save_changed(
        writing,
        table,
        action=action,
        held={campaign.name: campaign for campaign in load_campaigns(writing.connection)},
        wanted={campaign.name: campaign for campaign in campaigns},
        columns=lambda campaign: {"name": campaign.name, "starts_at": campaign.start},
    )
