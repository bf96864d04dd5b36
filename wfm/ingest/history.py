"""The stored counts as the VOLUMES frame."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from wfm.frames import VOLUMES
from wfm.store.volumes import volume_rows

if TYPE_CHECKING:
    from sqlalchemy import Connection


def load_volumes(
    connection: Connection,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    queues: Collection[str] | None = None,
) -> pd.DataFrame:
    """The stored counts of [start, end) as VOLUMES; a missing interval is an absent row.

    Of the same queue and interval, counts made from contacts win over imported counts, and both
    over those of our own queue.
    """
    rows = volume_rows(connection, start=start, end=end, queues=queues)
    if not rows:
        return VOLUMES.empty()
    starts, names, contacts, aht_s = zip(*rows, strict=True)
    table = pd.DataFrame(
        {
            "start": pd.Series(pd.DatetimeIndex(starts).as_unit("us")),
            "queue": pd.Series(names, dtype="str"),
            "contacts": np.array(contacts, dtype=np.int64),
            "aht_s": np.array(aht_s, dtype=np.float64),
        }
    )
    return VOLUMES.check(table)
