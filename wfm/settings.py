"""Settings from the environment: where the data lives, which database, what time it is."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from platformdirs import user_data_path
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from wfm.timegrid import SystemClock, parse_instant


class Settings(BaseSettings):
    """Read once at the door and handed down; nothing below `api` looks at the environment.

    home            WFM_HOME: folder of the SQLite files; made when first needed
    database_url    WFM_DATABASE_URL: a PostgreSQL URL instead of the SQLite file
    crm, crm_secret WFM_CRM: address of the CRM, or a CSV file; WFM_CRM_SECRET: what it knows us by
    now, clock_rate WFM_NOW, WFM_CLOCK_RATE: the instant the clock starts at, and how fast it runs

    A variable that is set to nothing counts as not set.
    """

    model_config = SettingsConfigDict(env_prefix="WFM_", env_ignore_empty=True, extra="ignore")

    home: Path = Field(default_factory=lambda: user_data_path("wfm-social", appauthor=False))
    database_url: str | None = None
    crm: str | None = None
    crm_secret: SecretStr | None = None
    now: datetime | None = None
    clock_rate: float = Field(default=1.0, gt=0)

    @field_validator("now", mode="before")
    @classmethod
    def _instant(cls, value: object) -> object:
        return parse_instant(value) if isinstance(value, str) else value

    @property
    def store_url(self) -> str:
        """The SQLAlchemy URL of the store."""
        return self.database_url or f"sqlite:///{self.home / 'wfm.sqlite'}"

    def clock(self) -> SystemClock | None:
        """The clock the user set, or None: then the store may know one (the demo's)."""
        if self.now is not None:
            return SystemClock.starting_at(self.now, rate=self.clock_rate)
        if self.clock_rate != 1.0:
            return SystemClock.starting_at(SystemClock().now(), rate=self.clock_rate)
        return None
