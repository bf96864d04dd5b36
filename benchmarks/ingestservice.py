"""A service in a process of its own, for `benchmarks.ingest`; prints its port once it answers.

As `wfm serve`, without the console and without getting ready for what-ifs.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from api.service import serve
from wfm.settings import Settings
from wfm.store.engine import open_store


def main() -> None:
    settings = Settings()
    store = open_store(settings.store_url)
    try:
        serve(
            store,
            settings,
            "127.0.0.1",
            0,
            lambda link: print(urlsplit(link).port, flush=True),
            console=False,
        )
    finally:
        store.close()


if __name__ == "__main__":
    main()
