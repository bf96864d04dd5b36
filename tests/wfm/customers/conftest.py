"""What the tests about customers share: SQLite, and PostgreSQL where a test asks for both."""

from __future__ import annotations

import pytest

# The statements are the same; those tests run on both whose outcome the database decides.
BOTH = pytest.mark.parametrize(
    "store_url", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)


@pytest.fixture
def store_url(request: pytest.FixtureRequest) -> str:
    """URL of a store without rows: on SQLite, unless the test is marked `BOTH`."""
    return str(request.getfixturevalue(f"{getattr(request, 'param', 'sqlite')}_url"))
