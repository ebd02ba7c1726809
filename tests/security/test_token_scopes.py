"""Every route for a personal token of each scope, generated from the operations."""

from typing import Any, get_args

import httpx
import pytest
from tests.repo.generate_reference import operations
from tests.security.test_access import TABLE, body_of
from tests.support.clients.callers import make_caller_matrix
from tests.support.servers.in_process_server import InProcessServer

from rustygpt_server.api.routing import Operation
from rustygpt_shared.models.tokens import Scope

SCOPES: tuple[Scope, ...] = get_args(Scope)
SESSION_ONLY = {
    ("POST", "/api/setup"),
    ("POST", "/api/auth/login"),
    ("POST", "/api/auth/register"),
    ("POST", "/api/auth/refresh"),
    ("POST", "/api/auth/logout"),
    ("POST", "/api/auth/password"),
    ("GET", "/api/auth/sessions"),
    ("DELETE", "/api/auth/sessions/{session_id}"),
    ("GET", "/api/auth/tokens"),
    ("POST", "/api/auth/tokens"),
    ("DELETE", "/api/auth/tokens/{token_id}"),
    ("POST", "/api/auth/device"),
    ("POST", "/api/auth/device/token"),
    ("GET", "/api/auth/device"),
    ("POST", "/device"),
    ("POST", "/api/oauth/{provider}/callback"),
    ("POST", "/api/oauth/{provider}/link"),
    ("POST", "/api/oauth/{provider}/device"),
    ("POST", "/api/oauth/{provider}/device/token"),
    ("GET", "/api/auth/identities"),
    ("DELETE", "/api/auth/identities/{identity_id}"),
}
"""Routes that no token may use."""


def _key(operation: Operation) -> tuple[str, str]:
    return operation.method, operation.template


def _operations() -> list[Operation]:
    """The operations that authenticate a token: all but those that anybody may GET."""
    return [one for one in operations() if one.access != "public" or one.method != "GET"]


def test_the_scope_of_a_route_follows_from_method_and_access() -> None:
    """A new route that reads, writes or administers needs no declaration."""
    for one in _operations():
        if _key(one) in SESSION_ONLY:
            assert one.required_scope is None, one.path
        elif "/api/admin/" in one.path:
            assert one.required_scope == "admin", one.path
        elif one.path.startswith(("/v1/", "/api/v1/")):
            assert one.required_scope == "v1", one.path
        else:
            assert one.required_scope == ("read" if one.method == "GET" else "write"), one.path


async def test_a_token_without_the_scope_of_a_route_is_refused(server: InProcessServer) -> None:
    """The response names the scope (RFC 6750, section 3), or says that no token may do this."""
    matrix = await make_caller_matrix(server)
    admin = matrix.people["global_admin"]
    for scope in SCOPES:
        async with _client(server, await admin.create_token(scope)) as client:
            for operation in _operations():
                needed = operation.required_scope
                if scope != needed:
                    response = await _send(client, operation, matrix.ids, None)
                    challenge = response.headers.get("www-authenticate", "")
                    assert response.status_code == 403, (_key(operation), scope)
                    assert (f'scope="{needed}"' in challenge) == (needed is not None)


@pytest.mark.parametrize("kind", ["owner", "read_only", "global_admin"])
async def test_a_token_with_the_scope_may_do_what_its_user_may(
    server: InProcessServer, kind: str
) -> None:
    """The status is that of the same caller with a session; no CSRF token is needed."""
    matrix = await make_caller_matrix(server)
    async with _client(server, await matrix.people[kind].create_token(*SCOPES)) as client:
        for operation in _operations():
            row = TABLE[_key(operation)]
            if isinstance(row, dict) and _key(operation) not in SESSION_ONLY:
                is_read = operation.method == "GET"
                ids = matrix.ids if is_read else (await make_caller_matrix(server)).ids
                response = await _send(client, operation, ids, body_of(_key(operation), ids))
                assert response.status_code == row[kind], (_key(operation), kind)


def _client(server: InProcessServer, token: str) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token}", "Origin": "https://elsewhere.example.org"}
    return httpx.AsyncClient(base_url=server.url, headers=headers, timeout=60)


async def _send(
    client: httpx.AsyncClient, operation: Operation, ids: dict[str, str], body: Any
) -> httpx.Response:
    """Send a request with a token; of a stream only the head is read."""
    path = operation.template.format(**ids)
    async with client.stream(operation.method, path, json=body) as response:
        return response
