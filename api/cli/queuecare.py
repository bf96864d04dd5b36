"""`wfm queue handles|retire`: what the brand file's `[care]` says and brings about."""

from __future__ import annotations

from rich.table import Table

from api.cli.queueapp import app
from api.cli.queuecustomers import tell_erased
from api.cli.shell import JsonOption, emit_json, opened, show_table


@app.command("handles")
def list_handles(as_json: JsonOption = False) -> None:
    """The accounts that customers write to, with the hours that their profiles may state."""
    from wfm.store.brands import load_brand
    from wfm.triage.handles import handles_of, hours_text

    with opened() as store, store.reading() as connection:
        brand = load_brand(connection)
    found = [(handle, hours_text(brand, handle)) for handle in handles_of(brand)]
    if as_json:
        emit_json(
            [
                {
                    "name": handle.name,
                    "channel": handle.channel,
                    "queue": handle.queue,
                    "kind": handle.kind,
                    "hours": hours,
                    "off_hours_notice": handle.off_hours_notice,
                    "care_handle": handle.care_handle,
                }
                for handle, hours in found
            ]
        )
        return
    table = Table("handle", "channel", "queue", "kind", "hours", box=None)
    for handle, hours in found:
        table.add_row(handle.name, handle.channel, handle.queue, handle.kind, hours)
    show_table(table)


@app.command("retire")
def retire(as_json: JsonOption = False) -> None:
    """Overwrite what is older than the brand's retention allows; the service does it each day."""
    from wfm.customers.erasure import Erased
    from wfm.customers.retention import retire as retire_some
    from wfm.store.brands import load_brand

    erased = Erased()
    with opened() as store:
        with store.reading() as connection:
            brand = load_brand(connection)
        more = True
        while more:
            retired = retire_some(store, brand=brand)
            erased, more = erased + retired.erased, retired.is_more
    tell_erased(erased, as_json=as_json)
