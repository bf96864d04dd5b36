"""A CRM behind an HTTP interface: two paths under its address, JSON both ways.

`GET {address}/customers?platform=&native_id=&handle=&email=&phone=&crm_id=` gives
`{"customers": [{"crm_id", "name", "email", "phone"}, ...]}`; `POST {address}/activities` takes an
activity with its key in the header Idempotency-Key, and takes it down once a key.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from wfm.customers.crm import CrmCustomer, Identity
from wfm.errors import DataError, SetupError

if TYPE_CHECKING:
    import httpx

CONNECT_S = 5.0
ANSWER_S = 10.0

# Seconds before the second and the third try; after that the outbox tries again later.
WAITS_S = (0.5, 2.0)

# Come back later, rather than never: too many requests, and whatever is wrong on their side.
_LATER = frozenset({408, 425, 429, *range(500, 600)})


class HttpCrm:
    """A CRM at an http(s) address; `secret` goes along as a bearer token and into no message.

    transport, pause  what carries requests and what waits; tests give their own
    """

    def __init__(
        self,
        address: str,
        secret: str = "",
        *,
        transport: httpx.BaseTransport | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._address = address.rstrip("/")
        self._secret = secret
        self._transport = transport
        self._pause = pause

    def find(self, identity: Identity) -> CrmCustomer | None:
        """The customer, if the CRM answers with exactly one.

        OSError when it cannot be reached; SetupError when it refuses us; DataError for an answer
        that is not as described.
        """
        asked = {
            "platform": identity.platform,
            "native_id": identity.native_id,
            "handle": identity.handles[-1] if identity.handles else "",
            "email": identity.email or "",
            "phone": identity.phone or "",
            "crm_id": identity.crm_id or "",
        }
        params = {name: value for name, value in asked.items() if value}
        response = self._ask("GET", "customers", params=params)
        if response.status_code == 404:
            return None
        self._check(response)
        try:
            found = [_customer(item) for item in response.json()["customers"]]
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                'the CRM answered with something else than {"customers": [{"crm_id": ...}]}'
            ) from error
        return found[0] if len(found) == 1 else None

    def record(self, activity: Mapping[str, Any], key: str) -> None:
        """Post the activity; that it was there already (409) is as good. Errors as of `find`."""
        headers = {"Idempotency-Key": key}
        response = self._ask("POST", "activities", json=dict(activity), headers=headers)
        if response.status_code != 409:
            self._check(response)

    def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        import httpx

        last = ""
        with httpx.Client(
            timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
            follow_redirects=False,
            transport=self._transport,
            headers={"Authorization": f"Bearer {self._secret}"} if self._secret else {},
        ) as client:
            for wait_s in (*WAITS_S, None):
                try:
                    response = client.request(method, f"{self._address}/{path}", **request)
                    if response.status_code not in _LATER:
                        return response
                    last = f"answered {response.status_code}"
                except httpx.InvalidURL:
                    raise SetupError("WFM_CRM is no http or https address; correct it") from None
                except httpx.TransportError as error:
                    last = f"could not be reached ({type(error).__name__})"
                if wait_s is not None:
                    self._pause(wait_s)
        raise ConnectionError(f"the CRM {last}")

    def _check(self, response: httpx.Response) -> None:
        if response.status_code in (401, 403):
            raise SetupError("the CRM refuses our secret; correct WFM_CRM_SECRET")
        if not response.is_success:
            raise DataError(f"the CRM answered {response.status_code} and will not take this")


def _customer(item: Mapping[str, Any]) -> CrmCustomer:
    crm_id = item["crm_id"]
    if not isinstance(crm_id, str) or not crm_id:
        raise TypeError("a customer's crm_id is a text that is not empty")
    return CrmCustomer(crm_id, *(str(item.get(name) or "") for name in ("name", "email", "phone")))
