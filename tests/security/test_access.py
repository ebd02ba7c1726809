"""Who may call what: every route, for every kind of caller, against the table below."""

import pytest
from tests.repo.generate_reference import operations
from tests.support.clients.callers import CALLER_KINDS, make_caller_matrix
from tests.support.servers.in_process_server import InProcessServer

from rustygpt_server.api.routing import Operation

ALL = dict.fromkeys(CALLER_KINDS, 200)
SIGNED = {**dict.fromkeys(CALLER_KINDS, 200), "anonymous": 401}
NOBODY = {**dict.fromkeys(CALLER_KINDS, 404), "anonymous": 401}


def _of(status: int, *kinds: str, refused: int = 403) -> dict[str, int]:
    """Members of these kinds get a status, other members a refusal, all others 404."""
    inside = ("viewer", "member", "admin", "owner", "read_only")
    row = {kind: refused if kind in inside else 404 for kind in CALLER_KINDS}
    return {**row, **dict.fromkeys(kinds, status), "anonymous": 401}


_READ = _of(200, "viewer", "member", "admin", "owner", "read_only")
_WRITE = _of(201, "member", "admin", "owner")
_MANAGE = _of(200, "admin", "owner")
_GLOBAL = {**dict.fromkeys(CALLER_KINDS, 403), "anonymous": 401, "global_admin": 200}
_OPEN = "all: tested where they are at home"
_SELF = "one's own only: takes no id"

TABLE: dict[tuple[str, str], dict[str, int] | str] = {
    ("GET", "/healthz"): ALL,
    ("GET", "/readyz"): ALL,
    ("GET", "/metrics"): ALL,
    ("GET", "/api/setup"): ALL,
    ("POST", "/api/setup"): _OPEN,
    ("POST", "/api/auth/login"): _OPEN,
    ("POST", "/api/auth/refresh"): _OPEN,
    ("POST", "/api/auth/logout"): _OPEN,
    ("GET", "/api/auth/me"): SIGNED,
    ("PATCH", "/api/auth/me"): _SELF,
    ("POST", "/api/auth/password"): _SELF,
    ("GET", "/api/auth/sessions"): SIGNED,
    ("DELETE", "/api/auth/sessions/{session_id}"): NOBODY,
    ("GET", "/api/users"): SIGNED,
    ("GET", "/api/admin/users"): _GLOBAL,
    ("POST", "/api/admin/users"): {**_GLOBAL, "global_admin": 422},
    ("PATCH", "/api/admin/users/{user_id}"): _GLOBAL,
    ("GET", "/api/conversations"): SIGNED,
    ("POST", "/api/conversations"): {
        **dict.fromkeys(CALLER_KINDS, 201),
        "anonymous": 401,
        "read_only": 403,
    },
    ("GET", "/api/conversations/{conversation_id}"): _READ,
    ("PATCH", "/api/conversations/{conversation_id}"): _MANAGE,
    ("GET", "/api/conversations/{conversation_id}/participants"): _READ,
    ("POST", "/api/conversations/{conversation_id}/participants"): _of(204, "admin", "owner"),
    ("DELETE", "/api/conversations/{conversation_id}/participants/{user_id}"): _of(
        204, "viewer", "admin", "owner"
    ),
    ("GET", "/api/conversations/{conversation_id}/threads"): _READ,
    ("GET", "/api/conversations/{conversation_id}/unread"): _READ,
    ("GET", "/api/conversations/{conversation_id}/presence"): _READ,
    ("POST", "/api/presence/heartbeat"): {**dict.fromkeys(CALLER_KINDS, 204), "anonymous": 401},
    ("POST", "/api/typing"): _of(204, "member", "admin", "owner"),
    ("GET", "/api/threads/{root_id}/tree"): _READ,
    ("GET", "/api/messages/{message_id}"): _READ,
    ("GET", "/api/messages/{message_id}/chunks"): _READ,
    ("POST", "/api/threads/{conversation_id}/root"): _WRITE,
    ("POST", "/api/messages/{parent_id}/reply"): _WRITE,
    ("POST", "/api/threads/{root_id}/read"): _READ,
    ("POST", "/api/messages/{message_id}/cancel"): _of(202, "admin", "owner"),
    ("GET", "/api/stream"): SIGNED,
    ("GET", "/api/stream/conversations/{conversation_id}"): _READ,
}
BODIES: dict[tuple[str, str], object] = {
    ("PATCH", "/api/admin/users/{user_id}"): {"disabled": False},
    ("POST", "/api/admin/users"): {},
    ("POST", "/api/conversations"): {"title": "mine"},
    ("PATCH", "/api/conversations/{conversation_id}"): {"title": "new"},
    ("POST", "/api/conversations/{conversation_id}/participants"): {"role": "viewer"},
    ("POST", "/api/threads/{conversation_id}/root"): {"content": "x"},
    ("POST", "/api/messages/{parent_id}/reply"): {"content": "x"},
    ("POST", "/api/threads/{root_id}/read"): {},
    ("POST", "/api/presence/heartbeat"): {},
    ("POST", "/api/typing"): {"seconds": 9},
}
_NAMED = {
    ("POST", "/api/conversations/{conversation_id}/participants"): ("user_id",),
    ("POST", "/api/typing"): ("conversation_id", "root_id"),
}
"""Ids that go into the body."""
_TRIED = sorted(key for key, row in TABLE.items() if isinstance(row, dict))
_WITH_ID = [key for key in _TRIED if "{" in key[1]]


def _key(operation: Operation) -> tuple[str, str]:
    return operation.method, operation.template


def test_every_route_has_a_row() -> None:
    """A new route says who may call it."""
    assert {_key(one) for one in operations()} == set(TABLE)


@pytest.mark.parametrize("key", _TRIED, ids=" ".join)
async def test_each_caller_gets_what_the_table_says(
    server: InProcessServer, key: tuple[str, str]
) -> None:
    """Who is not inside may not know that there is anything."""
    method, path = key
    room = await make_caller_matrix(server)
    told = {}
    for kind in CALLER_KINDS:
        if method != "GET" and told:
            room = await make_caller_matrix(server)
        body = _body(key, room.ids)
        told[kind] = await room.status(kind, method, path.format(**room.ids), body)

    assert told == TABLE[key]


def _body(key: tuple[str, str], ids: dict[str, str]) -> object:
    body = BODIES.get(key)
    return {**body, **{name: ids[name] for name in _NAMED[key]}} if key in _NAMED else body  # type: ignore[dict-item]


@pytest.mark.parametrize("key", _WITH_ID, ids=" ".join)
async def test_what_does_not_exist_is_404_for_all(
    server: InProcessServer, key: tuple[str, str]
) -> None:
    """The same answer as for what a caller may not see."""
    owner, admin = await server.person("owner"), await server.person("admin")
    nothing = "00000000-0000-7000-8000-0000000000ff"
    names = ("conversation_id", "root_id", "message_id", "parent_id", "user_id", "session_id")
    path = key[1].format(**dict.fromkeys(names, nothing))
    body = _body(key, {"user_id": str(owner.id)})
    who = admin if "/admin/" in path else owner

    await who.call(key[0], path, body, expect=404)


async def test_nobody_grants_more_than_their_own(server: InProcessServer) -> None:
    """A conversation's administrator makes no owner, and unmakes none."""
    room = await make_caller_matrix(server)
    where = f"/api/conversations/{room.ids['conversation_id']}/participants"
    admin, owner, member = (room.people[kind] for kind in ("admin", "owner", "member"))
    for who, body in (
        (admin, {"user_id": str(member.id), "role": "owner"}),
        (admin, {"user_id": str(admin.id), "role": "owner"}),
        (admin, {"user_id": str(owner.id), "role": "member"}),
        (member, {"user_id": str(member.id), "role": "admin"}),
    ):
        await who.call("POST", where, body, expect=403)
    await admin.call("DELETE", f"{where}/{owner.id}", expect=403)
    await owner.call("DELETE", f"{where}/{owner.id}", expect=409)


@pytest.mark.parametrize("role", ["assistant", "system"])
async def test_nobody_speaks_as_somebody_else(server: InProcessServer, role: str) -> None:
    """`assistant` is nobody's to claim; `system` is an administrator's."""
    room = await make_caller_matrix(server)
    path = f"/api/threads/{room.ids['conversation_id']}/root"
    body = {"content": "x", "role": role}
    told = [await room.status(kind, "POST", path, body) for kind in ("member", "admin", "owner")]

    assert told == ([403, 201, 201] if role == "system" else [403, 403, 403])


async def test_what_the_server_sets_cannot_be_sent(server: InProcessServer) -> None:
    """Authors, times and roles are no fields of a request."""
    ann = await server.person("ann")
    room = await ann.conversation()
    for more in ("author_user_id", "created_at", "id", "streaming", "path"):
        body = {"content": "x", more: "x"}
        await ann.call("POST", f"/api/threads/{room}/root", body, expect=422)
    await ann.call("PATCH", "/api/auth/me", {"roles": ["admin"]}, expect=422)
