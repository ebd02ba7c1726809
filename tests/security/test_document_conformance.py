"""Generated requests to a server: no error of the server, and nothing that the document lacks."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks
from tests.support.database import databases
from tests.support.password import PASSWORD
from tests.support.servers.server_process import ServerProcess
from tests.web.servers import web_server_process

CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]
EXAMPLES = 10
"""Valid requests for each operation with ids of what exists, and as many that break the schema."""
_LEFT_OUT = re.compile(
    r"/api/stream.*|/api/auth/(logout|password)|/api/admin/users/[^/]+/sessions|/readyz"
)
"""Streams do not end, three end the session, and the probe's 503 is no error."""


@pytest.fixture(scope="module")
def fuzzed_server(
    cluster_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """A server in a process of its own, on a database of its own."""
    url = asyncio.run(databases.create(cluster_url))
    server = web_server_process(tmp_path_factory.mktemp("fuzzed"), url)
    server.start_blocking()
    try:
        yield server
    finally:
        server.stop_blocking()
        asyncio.run(databases.drop(cluster_url, url))


class _Caller:
    """An administrator with a conversation, and the ids of what is in it."""

    def __init__(self, url: str) -> None:
        self.session = requests.Session()
        self._url = url
        body = {"username": "ada", "email": "ada@example.org", "password": PASSWORD}
        self._post("/api/setup", body)
        login = self._post("/api/auth/login", {"email": "ada", "password": PASSWORD})
        self.headers = {"X-CSRF-TOKEN": login["csrf_token"]}
        title = {"title": "Fuzzed", "assistant_mode": "off"}
        conversation_id = self._post("/api/conversations", title)["conversation_id"]
        root = self._post(f"/api/threads/{conversation_id}/root", {"content": "Root"})
        self.ids = {
            "conversation_id": conversation_id,
            "root_id": root["root_id"],
            "message_id": root["message_id"],
            "parent_id": root["message_id"],
            "user_id": login["user"]["id"],
        }

    def _post(self, path: str, body: object) -> Any:
        headers = getattr(self, "headers", {})
        response = self.session.post(self._url + path, json=body, headers=headers, timeout=60)
        response.raise_for_status()
        return response.json()

    def send(self, case: schemathesis.Case, *, with_own_ids: bool) -> None:
        """Send a generated request, and check its response."""
        if with_own_ids and case.path_parameters:
            own = {name: self.ids.get(name, value) for name, value in case.path_parameters.items()}
            case.path_parameters = own
        response = case.call(session=self.session, headers=self.headers, timeout=60)
        case.validate_response(response, checks=CHECKS)


def test_every_operation_answers_as_documented(fuzzed_server: ServerProcess) -> None:
    """Bounded and seeded: the same requests each time."""
    caller = _Caller(fuzzed_server.url)
    document = schemathesis.openapi.from_url(f"{fuzzed_server.url}/openapi.json")
    sent, failures = 0, []
    for result in document.get_all_operations():
        operation = result.ok()
        if _LEFT_OUT.fullmatch(operation.path):
            continue
        for with_own_ids in (True, False):
            count, failed = _try(operation, caller, with_own_ids=with_own_ids)
            sent += count
            failures += failed

    found = sorted({" ".join(failure.split())[:300] for failure in failures})
    assert not found, "\n".join(found)
    assert sent > 200


def _try(operation: Any, caller: _Caller, *, with_own_ids: bool) -> tuple[int, list[str]]:
    """Send requests of an operation; return how many, and what was wrong with their responses."""
    mode = GenerationMode.POSITIVE if with_own_ids else GenerationMode.NEGATIVE
    count = 0
    failures: list[str] = []

    @hypothesis.seed(1)
    @hypothesis.settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def send(case: schemathesis.Case) -> None:
        nonlocal count
        count += 1
        try:
            caller.send(case, with_own_ids=with_own_ids)
        except FailureGroup as group:
            failures.extend(f"{operation.label}: {failure}" for failure in group.exceptions)

    with suppress(hypothesis.errors.Unsatisfiable):  # no request can break the schema of nothing
        send()
    return count, failures
