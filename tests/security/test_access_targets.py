"""Every route with an id: of one's own, another's, deleted, outside, and unknown.

The statuses of all kinds of callers for what there is are in `test_access`.
"""

from typing import Final, get_args
from uuid import UUID

import pytest
from msgspec import structs
from tests.repo.generate_reference import operations
from tests.security.test_access import TABLE, body_of
from tests.support.clients.callers import CALLER_KINDS, CallerMatrix, make_caller_matrix
from tests.support.clients.targets import Target, TargetSite
from tests.support.servers.in_process_server import InProcessServer

from rustygpt_server.api.routing import STREAM, Operation

Key = tuple[str, str]
COLUMNS: Final[tuple[Target, ...]] = get_args(Target)
_C: Final = "/api/conversations/{conversation_id}"
_M: Final = "/api/messages/{message_id}"
_NO_OWNER: Final = None
"""Limits have no owner: what is another's is what is one's own."""

TARGETS: Final[dict[Key, tuple[int | None, int | None, int | None]]] = {
    ("DELETE", "/api/auth/sessions/{session_id}"): (204, 404, 404),
    ("DELETE", "/api/auth/tokens/{token_id}"): (204, 404, 404),
    ("DELETE", "/api/auth/identities/{identity_id}"): (204, 404, 404),
    ("PATCH", "/api/admin/users/{user_id}"): (200, 200, 200),
    ("DELETE", "/api/admin/users/{user_id}/sessions"): (204, 204, 204),
    ("PUT", "/api/admin/retention"): (200, 200, 404),
    ("PUT", "/api/admin/limits/profiles/{profile_id}"): (200, _NO_OWNER, 404),
    ("DELETE", "/api/admin/limits/profiles/{profile_id}"): (204, _NO_OWNER, 404),
    ("POST", "/api/admin/limits/assignments"): (201, _NO_OWNER, 404),
    ("DELETE", "/api/admin/limits/assignments/{assignment_id}"): (204, _NO_OWNER, 404),
    ("GET", _C): (200, 200, 404),
    ("PATCH", _C): (200, 403, 404),
    ("DELETE", _C): (204, 403, 404),
    ("GET", f"{_C}/participants"): (200, 200, 404),
    ("POST", f"{_C}/participants"): (204, 403, 404),
    ("DELETE", f"{_C}/participants/{{user_id}}"): (204, 403, 404),
    ("GET", f"{_C}/invites"): (200, 403, 404),
    ("POST", f"{_C}/invites"): (200, 403, 404),
    ("POST", "/api/invites/{token_or_id}/revoke"): (204, 403, 204),
    ("GET", f"{_C}/threads"): (200, 200, 404),
    ("GET", f"{_C}/unread"): (200, 200, 404),
    ("GET", f"{_C}/export"): (200, 200, 404),
    ("GET", f"{_C}/presence"): (200, 200, 404),
    ("POST", "/api/typing"): (204, 204, 204),
    ("GET", "/api/threads/{root_id}/tree"): (200, 200, 200),
    ("GET", "/api/threads/{root_id}/messages"): (200, 200, 200),
    ("POST", "/api/threads/{conversation_id}/root"): (201, 201, 404),
    ("POST", "/api/messages/{parent_id}/reply"): (201, 201, 201),
    ("POST", "/api/threads/{root_id}/read"): (200, 200, 200),
    ("POST", "/api/threads/{root_id}/unread"): (200, 200, 200),
    ("GET", _M): (200, 200, 200),
    ("GET", f"{_M}/chunks"): (200, 200, 200),
    ("GET", f"{_M}/revisions"): (200, 200, 200),
    ("POST", f"{_M}/cancel"): (202, 403, 202),
    ("POST", f"{_M}/edit"): (204, 403, 409),
    ("POST", f"{_M}/delete"): (204, 403, 204),
    ("POST", f"{_M}/restore"): (204, 403, 204),
    ("POST", f"{_M}/regenerate"): (409, 403, 409),
    ("GET", "/api/stream/conversations/{conversation_id}"): (200, 200, 404),
}
"""The statuses for Ann, or for the administrator, in the order of COLUMNS.

A deleted message keeps its place: it can be read, replied to and restored.
"""


def _has_id(operation: Operation) -> bool:
    """Return whether a route names something by an id, in its path or in its body."""
    fields = structs.fields(operation.body) if operation.body is not None else ()
    in_body = any(UUID in (field.type, *get_args(field.type)) for field in fields)
    return in_body or ":uuid>" in operation.path or "{token_or_id}" in operation.template


_WITH_ID: Final = {(one.method, one.template): one for one in operations() if _has_id(one)}
_OF_CONVERSATIONS: Final = {
    key: one for key, one in _WITH_ID.items() if "/admin/" not in key[1] and "/auth/" not in key[1]
}
_OF_MESSAGES: Final = [
    key
    for key in _OF_CONVERSATIONS
    if any(name in key[1] for name in ("{message_id}", "{parent_id}", "{root_id}", "typing"))
]


def test_every_route_with_an_id_has_a_row() -> None:
    """A new route with an id has to be added to the table."""
    assert set(_WITH_ID) == set(TARGETS)
    assert len(_OF_CONVERSATIONS) > 20
    assert len(_OF_MESSAGES) > 10
    assert any(one.response == STREAM for one in _OF_CONVERSATIONS.values())


@pytest.mark.parametrize("target", COLUMNS)
async def test_a_target_has_the_status_of_the_table(
    server: InProcessServer, target: Target
) -> None:
    """Something of one's own, of another, or that was deleted."""
    site = await TargetSite.create(server)
    column = COLUMNS.index(target)
    statuses: dict[Key, int | None] = {}
    # The administrator's own sessions end last.
    for key in sorted(TARGETS, key=lambda key: "/admin/users/" in key[1]):
        if TARGETS[key][column] is None:
            statuses[key] = None
            continue
        ids = await site.ids(key[1], target)
        caller = "admin" if "/admin/" in key[1] else "ann"
        statuses[key] = await _status(server, caller, key, ids)

    assert statuses == {key: row[column] for key, row in TARGETS.items()}


async def test_nobody_reaches_what_was_in_a_deleted_conversation(server: InProcessServer) -> None:
    """It is 404 for its former members and for administrators of the server; so is nothing."""
    site = await TargetSite.create(server)
    for ids in (await site.deleted_conversation(), await site.unknown()):
        for caller in ("ann", "bob", "admin"):
            statuses = {key: await _status(server, caller, key, ids) for key in _OF_CONVERSATIONS}
            assert statuses == dict.fromkeys(_OF_CONVERSATIONS, 404), caller


async def test_a_conversation_of_others_is_like_none(server: InProcessServer) -> None:
    """It is 404 for people who are not in it, whatever there is in it."""
    site = await TargetSite.create(server)
    ids = await site.outside()
    statuses = {key: await _status(server, "ann", key, ids) for key in _OF_CONVERSATIONS}

    assert statuses == dict.fromkeys(_OF_CONVERSATIONS, 404)


async def _status(server: InProcessServer, caller: str, key: Key, ids: dict[str, str]) -> int:
    matrix = CallerMatrix(ids, server.people, server.url)
    return await matrix.status(caller, key[0], key[1].format(**ids), body_of(key, ids))


_CHANGES: Final = ("edit", "delete", "restore", "regenerate")
"""What the author of a message may request, and administrators of the conversation."""


def _of_author(key: Key, *, deleted: bool) -> dict[str, int]:
    """Return the statuses for a message of the caller that is a plain member."""
    row = TABLE[key]
    assert isinstance(row, dict)
    last = key[1].rpartition("/")[2]
    if last in _CHANGES:
        status = 409 if last == "regenerate" or (deleted and last == "edit") else 204
        return {**row, **dict.fromkeys(("member", "admin", "owner"), status)}
    if deleted and last == "revisions":
        return {**row, "viewer": 403, "read_only": 403}
    return row


@pytest.mark.parametrize("deleted", [False, True], ids=["live", "deleted"])
async def test_a_message_of_a_member(server: InProcessServer, deleted: bool) -> None:
    """Its author, other members and administrators; its texts are theirs while it is deleted."""
    matrix = await make_caller_matrix(server)
    found, expected = {}, {}
    ids = await _message_of_member(matrix, deleted=deleted)
    for key in _OF_MESSAGES:
        for kind in CALLER_KINDS:
            path, body = key[1].format(**ids), body_of(key, ids)
            status = await matrix.status(kind, key[0], path, body)
            found[key, kind] = status
            if key[0] != "GET" and status < 300:
                ids = await _message_of_member(matrix, deleted=deleted)
        expected.update({(key, kind): s for kind, s in _of_author(key, deleted=deleted).items()})

    assert found == expected


async def _message_of_member(matrix: CallerMatrix, *, deleted: bool) -> dict[str, str]:
    """Post a root as the member, and perhaps delete it; return the ids."""
    member = matrix.people["member"]
    root = await member.root(matrix.ids["conversation_id"])
    if deleted:
        await member.post(f"/api/messages/{root}/delete", {}, expect=204)
    return {**matrix.ids, **dict.fromkeys(("root_id", "message_id", "parent_id"), root)}
