"""The application as a whole: addresses, OpenAPI, headers, limits."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from api.limits import MAX_BODY


def operations(app: FastAPI) -> list[tuple[str, str, dict]]:
    return [
        (path, method, operation)
        for path, methods in app.openapi()["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_operation_has_a_stable_id_of_its_own_and_says_what_it_does(app: FastAPI):
    found = operations(app)
    ids = [operation["operationId"] for _, _, operation in found]
    assert len(ids) == len(set(ids)) > 10
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in ids), ids
    for path, method, operation in found:
        assert path.startswith("/api/v1/"), path
        assert operation.get("description"), f"{method} {path} has no docstring"


def test_openapi_refers_only_to_what_it_holds(app: FastAPI):
    document = app.openapi()
    assert document["openapi"].startswith("3.")

    def references(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            yield from (v for k, v in node.items() if k == "$ref" and isinstance(v, str))
            for value in node.values():
                yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    for reference in references(document):
        target: object = document
        for part in reference.removeprefix("#/").split("/"):
            assert isinstance(target, dict)
            target = target[part]


def test_every_operation_wants_a_key_and_tells_its_problems(app: FastAPI):
    for path, method, operation in operations(app):
        assert operation["security"], f"{method} {path}"
        assert "application/problem+json" in operation["responses"]["default"]["content"]


def test_every_post_tells_that_it_may_be_sent_twice(app: FastAPI):
    for _ in range(2):  # the document is made once and given again
        for path, method, operation in operations(app):
            named = [p["name"] for p in operation.get("parameters", [])]
            assert named.count("Idempotency-Key") == (method == "post"), path


def test_nothing_under_the_api_is_answered_without_a_key(app: FastAPI, client: TestClient):
    for path, method, _ in operations(app):
        answer = client.request(method, re.sub(r"\{[^}]+\}", "1", path))
        assert answer.status_code == 401, f"{method} {path}: {answer.status_code}"


def test_openapi_is_served_and_no_page_that_loads_from_elsewhere(client: TestClient):
    assert client.get("/api/v1/openapi.json").json()["openapi"]
    assert client.get("/docs").status_code == client.get("/redoc").status_code == 404


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/nothing", "/nothing"])
def test_an_unknown_address_is_a_problem(path: str, client: TestClient):
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


def test_a_method_that_an_address_does_not_have_is_a_problem(client: TestClient):
    answer = client.delete("/api/v1/jobs")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


def test_answers_are_not_cached_and_not_guessed_at(client: TestClient):
    headers = client.get("/api/v1/jobs").headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert not re.search(r"https?:", headers["content-security-policy"])


def test_health_needs_no_key(client: TestClient):
    assert client.get("/healthz").json()["status"] == "ok"


def test_a_body_that_is_too_large_is_refused_whether_announced_or_not(
    app: FastAPI, client: TestClient
):
    @app.post("/takes")
    async def takes(request: Request) -> int:
        return len(await request.body())

    def pieces() -> Iterator[bytes]:
        for _ in range(MAX_BODY // 2**20 + 1):
            yield b"x" * 2**20

    assert client.post("/takes", content=b"x" * MAX_BODY).json() == MAX_BODY
    announced = client.post("/takes", content=b"x" * (MAX_BODY + 1))
    streamed = client.post("/takes", content=pieces())
    for answer in (announced, streamed):
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_with_the_console_attached_unknown_addresses_are_still_problems(
    store, settings, client_of, link: str
):
    from api.app import create_app

    class Idle:
        def start(self) -> None: ...

        def stop(self) -> None: ...

    # The lifespan runs, since Dash adds routes when the application starts.
    with client_of(create_app(store, settings, jobs=Idle())) as client:
        assert client.get("/").headers["location"] == "/console/"
        assert client.get("/console/_dash-layout").status_code == 401
        client.get(link)
        assert client.get("/console/").status_code == 200
        assert client.get("/console/_dash-layout").status_code == 200
        for path in ("/api/v1/nothing", "/api/nothing", "/nothing"):
            answer = client.get(path)
            assert answer.status_code == 404
            assert answer.headers["content-type"] == "application/problem+json"
