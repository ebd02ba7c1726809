"""Every route for every kind of caller, against the table below."""

import re

import pytest
from tests.repo.generate_reference import operations
from tests.support.clients.callers import CALLER_KINDS, make_caller_matrix
from tests.support.servers.in_process_server import InProcessServer

from rustygpt_server.api.routing import Operation

_EVERYONE = dict.fromkeys(CALLER_KINDS, 200)
_SIGNED_IN = {**dict.fromkeys(CALLER_KINDS, 200), "anonymous": 401}
_NO_CALLER = {**dict.fromkeys(CALLER_KINDS, 404), "anonymous": 401}


def _members(status: int, *allowed: str, rejected: int = 403) -> dict[str, int]:
    """Return `status` for these kinds of members, `rejected` for others, and 404 elsewhere."""
    members = ("viewer", "member", "admin", "owner", "read_only")
    statuses = {kind: rejected if kind in members else 404 for kind in CALLER_KINDS}
    return {**statuses, **dict.fromkeys(allowed, status), "anonymous": 401}


_READ = _members(200, "viewer", "member", "admin", "owner", "read_only")
_WRITE = _members(201, "member", "admin", "owner")
_MANAGE = _members(200, "admin", "owner")
_GLOBAL = {**dict.fromkeys(CALLER_KINDS, 403), "anonymous": 401, "global_admin": 200}
_TESTED_ELSEWHERE = "open to all callers, tested with the sessions"
_OWN_ACCOUNT = "the caller's own account, without an id"

TABLE: dict[tuple[str, str], dict[str, int] | str] = {
    ("GET", "/healthz"): _EVERYONE,
    ("GET", "/readyz"): _EVERYONE,
    ("GET", "/metrics"): _EVERYONE,
    ("GET", "/openapi.json"): _EVERYONE,
    ("GET", "/openapi.yaml"): _EVERYONE,
    ("GET", "/docs"): _EVERYONE,
    ("GET", "/docs/{name}"): "no data of users, tested with the route",
    ("GET", "/.well-known/{path}"): "no data of users, tested with the route",
    ("GET", "/api/setup"): _EVERYONE,
    ("POST", "/api/setup"): _TESTED_ELSEWHERE,
    ("POST", "/api/auth/login"): _TESTED_ELSEWHERE,
    ("POST", "/api/auth/register"): _TESTED_ELSEWHERE,
    ("POST", "/api/auth/refresh"): _TESTED_ELSEWHERE,
    ("POST", "/api/auth/logout"): _TESTED_ELSEWHERE,
    ("GET", "/api/auth/me"): _SIGNED_IN,
    ("PATCH", "/api/auth/me"): _OWN_ACCOUNT,
    ("POST", "/api/auth/password"): _OWN_ACCOUNT,
    ("GET", "/api/auth/sessions"): _SIGNED_IN,
    ("DELETE", "/api/auth/sessions/{session_id}"): _NO_CALLER,
    ("GET", "/api/auth/tokens"): _SIGNED_IN,
    ("POST", "/api/auth/tokens"): {**dict.fromkeys(CALLER_KINDS, 201), "anonymous": 401},
    ("DELETE", "/api/auth/tokens/{token_id}"): _NO_CALLER,
    ("POST", "/api/auth/device"): _EVERYONE,
    ("POST", "/api/auth/device/token"): _TESTED_ELSEWHERE,
    ("GET", "/api/auth/device"): _NO_CALLER,
    ("GET", "/device"): "no data of users, tested with the route",
    ("POST", "/device"): _NO_CALLER,
    ("GET", "/api/oauth"): _EVERYONE,
    ("GET", "/api/oauth/{provider}"): _TESTED_ELSEWHERE,
    ("GET", "/api/oauth/{provider}/callback"): _TESTED_ELSEWHERE,
    ("POST", "/api/oauth/{provider}/callback"): _TESTED_ELSEWHERE,
    ("POST", "/api/oauth/{provider}/link"): _NO_CALLER,
    ("POST", "/api/oauth/{provider}/device"): _TESTED_ELSEWHERE,
    ("POST", "/api/oauth/{provider}/device/token"): _TESTED_ELSEWHERE,
    ("GET", "/api/auth/identities"): _SIGNED_IN,
    ("DELETE", "/api/auth/identities/{identity_id}"): _NO_CALLER,
    ("GET", "/api/users"): _SIGNED_IN,
    ("GET", "/api/admin/users"): _GLOBAL,
    ("POST", "/api/admin/users"): {**_GLOBAL, "global_admin": 422},
    ("PATCH", "/api/admin/users/{user_id}"): _GLOBAL,
    ("GET", "/api/admin/audit"): _GLOBAL,
    ("GET", "/api/admin/retention"): _GLOBAL,
    ("PUT", "/api/admin/retention"): _GLOBAL,
    ("GET", "/api/admin/limits/profiles"): _GLOBAL,
    ("POST", "/api/admin/limits/profiles"): {**_GLOBAL, "global_admin": 422},
    ("PUT", "/api/admin/limits/profiles/{profile_id}"): {**_GLOBAL, "global_admin": 404},
    ("DELETE", "/api/admin/limits/profiles/{profile_id}"): {**_GLOBAL, "global_admin": 404},
    ("GET", "/api/admin/limits/assignments"): _GLOBAL,
    ("POST", "/api/admin/limits/assignments"): {**_GLOBAL, "global_admin": 404},
    ("DELETE", "/api/admin/limits/assignments/{assignment_id}"): {**_GLOBAL, "global_admin": 404},
    ("DELETE", "/api/admin/users/{user_id}/sessions"): {**_GLOBAL, "global_admin": 204},
    ("GET", "/api/conversations"): _SIGNED_IN,
    ("POST", "/api/conversations"): {
        **dict.fromkeys(CALLER_KINDS, 201),
        "anonymous": 401,
        "read_only": 403,
    },
    ("POST", "/api/conversations/import"): {
        **dict.fromkeys(CALLER_KINDS, 422),
        "anonymous": 401,
        "read_only": 403,
    },
    ("GET", "/api/conversations/{conversation_id}"): _READ,
    ("PATCH", "/api/conversations/{conversation_id}"): _MANAGE,
    ("DELETE", "/api/conversations/{conversation_id}"): _members(204, "owner"),
    ("GET", "/api/conversations/{conversation_id}/participants"): _READ,
    ("POST", "/api/conversations/{conversation_id}/participants"): _members(204, "admin", "owner"),
    ("DELETE", "/api/conversations/{conversation_id}/participants/{user_id}"): _members(
        204, "viewer", "admin", "owner"
    ),
    ("GET", "/api/conversations/{conversation_id}/invites"): _MANAGE,
    ("POST", "/api/conversations/{conversation_id}/invites"): _MANAGE,
    ("POST", "/api/invites/accept"): {**_NO_CALLER, "read_only": 403},
    ("POST", "/api/invites/{token_or_id}/revoke"): _members(204, "admin", "owner"),
    ("GET", "/api/conversations/{conversation_id}/threads"): _READ,
    ("GET", "/api/conversations/{conversation_id}/unread"): _READ,
    ("GET", "/api/conversations/{conversation_id}/export"): _READ,
    ("GET", "/api/conversations/{conversation_id}/presence"): _READ,
    ("POST", "/api/presence/heartbeat"): {**dict.fromkeys(CALLER_KINDS, 204), "anonymous": 401},
    ("POST", "/api/typing"): _members(204, "member", "admin", "owner"),
    ("GET", "/api/threads/{root_id}/tree"): _READ,
    ("GET", "/api/threads/{root_id}/messages"): _READ,
    ("GET", "/api/messages/{message_id}"): _READ,
    ("GET", "/api/messages/{message_id}/chunks"): _READ,
    ("POST", "/api/threads/{conversation_id}/root"): _WRITE,
    ("POST", "/api/messages/{parent_id}/reply"): _WRITE,
    ("POST", "/api/threads/{root_id}/read"): _READ,
    ("POST", "/api/threads/{root_id}/unread"): _READ,
    ("POST", "/api/messages/{message_id}/cancel"): _members(202, "admin", "owner"),
    ("POST", "/api/messages/{message_id}/edit"): _members(204, "admin", "owner"),
    ("POST", "/api/messages/{message_id}/delete"): _members(204, "admin", "owner"),
    ("POST", "/api/messages/{message_id}/restore"): _members(204, "admin", "owner"),
    ("GET", "/api/messages/{message_id}/revisions"): _READ,
    ("POST", "/api/messages/{message_id}/regenerate"): _members(409, "admin", "owner"),
    ("GET", "/api/models"): _SIGNED_IN,
    ("GET", "/api/usage"): _SIGNED_IN,
    **dict.fromkeys([("GET", "/v1/models"), ("GET", "/api/v1/models")], _SIGNED_IN),
    **dict.fromkeys(
        [("GET", "/v1/models/{model_id}"), ("GET", "/api/v1/models/{model_id}")], _NO_CALLER
    ),
    **dict.fromkeys(
        [("POST", "/v1/chat/completions"), ("POST", "/api/v1/chat/completions")], _NO_CALLER
    ),
    ("GET", "/api/search"): {**dict.fromkeys(CALLER_KINDS, 400), "anonymous": 401},
    ("GET", "/api/stream"): _SIGNED_IN,
    ("GET", "/api/stream/conversations/{conversation_id}"): _READ,
}
_COMPLETION = {"model": "unknown", "messages": [{"role": "user", "content": "x"}]}
BODIES: dict[tuple[str, str], object] = {
    ("POST", "/v1/chat/completions"): _COMPLETION,
    ("POST", "/api/v1/chat/completions"): _COMPLETION,
    ("PATCH", "/api/admin/users/{user_id}"): {"disabled": False},
    ("POST", "/api/admin/users"): {},
    ("POST", "/api/admin/limits/profiles"): {},
    ("PUT", "/api/admin/retention"): {"messages_days": 90},
    ("PUT", "/api/admin/limits/profiles/{profile_id}"): {},
    ("POST", "/api/admin/limits/assignments"): {"method": "GET", "path": "/api/users"},
    ("POST", "/api/auth/device"): {},
    ("POST", "/device"): {"user_code": "BCDFGHJK", "approve": True},
    ("POST", "/api/auth/tokens"): {"name": "x", "scopes": ["read"]},
    ("POST", "/api/conversations"): {"title": "mine"},
    ("POST", "/api/conversations/import"): {},
    ("PATCH", "/api/conversations/{conversation_id}"): {"title": "new"},
    ("POST", "/api/conversations/{conversation_id}/participants"): {"role": "viewer"},
    ("POST", "/api/conversations/{conversation_id}/invites"): {"role": "viewer"},
    ("POST", "/api/invites/accept"): {"token": "rgpi_unknown"},
    ("POST", "/api/threads/{conversation_id}/root"): {"content": "x"},
    ("POST", "/api/messages/{parent_id}/reply"): {"content": "x"},
    ("POST", "/api/threads/{root_id}/read"): {},
    ("POST", "/api/threads/{root_id}/unread"): {},
    ("POST", "/api/messages/{message_id}/edit"): {"content": "y"},
    ("POST", "/api/messages/{message_id}/delete"): {},
    ("POST", "/api/messages/{message_id}/regenerate"): {},
    ("POST", "/api/presence/heartbeat"): {},
    ("POST", "/api/typing"): {"seconds": 9},
}
_BODY_IDS = {
    ("POST", "/api/conversations/{conversation_id}/participants"): ("user_id",),
    ("POST", "/api/admin/limits/assignments"): ("profile_id",),
    ("PUT", "/api/admin/retention"): ("conversation_id",),
    ("POST", "/api/typing"): ("conversation_id", "root_id"),
    ("POST", "/api/threads/{root_id}/unread"): ("message_id",),
}
"""The ids that belong to the body of a request."""
_TESTED = sorted(key for key, row in TABLE.items() if isinstance(row, dict))
_WITH_ID = [key for key in _TESTED if "{" in key[1]]


def _key(operation: Operation) -> tuple[str, str]:
    return operation.method, operation.template


def test_every_route_has_a_row() -> None:
    """A new route has to be added to the table."""
    assert {_key(operation) for operation in operations()} == set(TABLE)


@pytest.mark.parametrize("key", _TESTED, ids=" ".join)
async def test_each_caller_gets_the_status_of_the_table(
    server: InProcessServer, key: tuple[str, str]
) -> None:
    """A caller outside a conversation cannot learn that it exists."""
    method, path = key
    matrix = await make_caller_matrix(server)
    statuses = {}
    for kind in CALLER_KINDS:
        if method != "GET" and statuses:
            matrix = await make_caller_matrix(server)
        body = body_of(key, matrix.ids)
        statuses[kind] = await matrix.status(kind, method, path.format(**matrix.ids), body)

    assert statuses == TABLE[key]


def body_of(key: tuple[str, str], ids: dict[str, str]) -> object:
    """Return the body of a request, with the ids that belong to it."""
    body = BODIES.get(key)
    return {**body, **{name: ids[name] for name in _BODY_IDS[key]}} if key in _BODY_IDS else body  # type: ignore[dict-item]


@pytest.mark.parametrize("key", _WITH_ID, ids=" ".join)
async def test_an_unknown_id_is_404_for_all(server: InProcessServer, key: tuple[str, str]) -> None:
    """The response is the same as for what a caller may not see."""
    owner, admin = await server.person("owner"), await server.person("admin")
    unknown_id = "00000000-0000-7000-8000-0000000000ff"
    names = re.findall(r"\{(\w+)\}", key[1])
    path = key[1].format(**dict.fromkeys(names, unknown_id))
    body = body_of(key, {"user_id": str(owner.id), "message_id": unknown_id})
    caller = admin if "/admin/" in path else owner

    await caller.call(key[0], path, body, expect=404)


async def test_no_caller_grants_a_role_above_theirs(server: InProcessServer) -> None:
    """An administrator of a conversation can neither create nor demote an owner."""
    matrix = await make_caller_matrix(server)
    participants_path = f"/api/conversations/{matrix.ids['conversation_id']}/participants"
    admin, owner, member = (matrix.people[kind] for kind in ("admin", "owner", "member"))
    for caller, body in (
        (admin, {"user_id": str(member.id), "role": "owner"}),
        (admin, {"user_id": str(admin.id), "role": "owner"}),
        (admin, {"user_id": str(owner.id), "role": "member"}),
        (member, {"user_id": str(member.id), "role": "admin"}),
    ):
        await caller.call("POST", participants_path, body, expect=403)
    await admin.call("DELETE", f"{participants_path}/{owner.id}", expect=403)
    await owner.call("DELETE", f"{participants_path}/{owner.id}", expect=409)


@pytest.mark.parametrize("role", ["assistant", "system"])
async def test_message_roles_are_restricted(server: InProcessServer, role: str) -> None:
    """No user may post as `assistant`, and only administrators as `system`."""
    matrix = await make_caller_matrix(server)
    path = f"/api/threads/{matrix.ids['conversation_id']}/root"
    body = {"content": "x", "role": role}
    statuses = [
        await matrix.status(kind, "POST", path, body) for kind in ("member", "admin", "owner")
    ]

    assert statuses == ([403, 201, 201] if role == "system" else [403, 403, 403])


async def test_fields_that_the_server_sets_cannot_be_sent(server: InProcessServer) -> None:
    """Authors, times and roles are no fields of a request."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    for field in ("author_user_id", "created_at", "id", "streaming", "path"):
        body = {"content": "x", field: "x"}
        await ann.call("POST", f"/api/threads/{conversation_id}/root", body, expect=422)
    await ann.call("PATCH", "/api/auth/me", {"roles": ["admin"]}, expect=422)
