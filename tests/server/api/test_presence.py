"""Presence and typing status over HTTP."""

from typing import Any
from uuid import uuid4

import pytest
from tests.support.servers.in_process_server import HttpUser, InProcessServer


async def _make_group(server: InProcessServer) -> tuple[HttpUser, HttpUser, str, str]:
    """Return Ann and Bob, the id of Ann's group with Bob in it, and of its only thread."""
    ann, bob = await server.person("ann"), await server.person("bob")
    conversation_id = await ann.group(bob)
    return ann, bob, conversation_id, await ann.root(conversation_id)


async def test_a_snapshot_has_presence_and_typing_status(server: InProcessServer) -> None:
    """It lists all participants; a user who was never online has no `last_seen_at`."""
    ann, bob, conversation_id, root_id = await _make_group(server)
    await bob.post("/api/presence/heartbeat", {"status": "away"}, expect=204)
    body = {"conversation_id": conversation_id, "root_id": root_id, "seconds": 30}
    await bob.post("/api/typing", body, expect=204)
    snapshot = await ann.get(f"/api/conversations/{conversation_id}/presence")

    assert snapshot == {
        "users": [
            {"user_id": str(ann.id), "status": "offline"},
            {"user_id": str(bob.id), "status": "away", "last_seen_at": _at(0)},
        ],
        "typing": [{"root_id": root_id, "user_id": str(bob.id), "expires_at": _at(30)}],
        "last_event_id": "evt_3",
    }


def _at(seconds: int) -> str:
    return f"2026-01-01T12:00:{seconds:02}.000001Z"


async def test_lists_of_users_include_presence(server: InProcessServer) -> None:
    """The user search and the list of participants have each user's presence."""
    ann, bob, conversation_id, _ = await _make_group(server)
    await bob.post("/api/presence/heartbeat", {}, expect=204)
    users = (await ann.get("/api/users"))["users"]
    participants = (await ann.get(f"/api/conversations/{conversation_id}/participants"))[
        "participants"
    ]

    assert {user["username"]: user["presence"] for user in users} == {
        "admin": "offline",
        "ann": "offline",
        "bob": "online",
    }
    assert [(user["user_id"], user["presence"]) for user in participants] == [
        (str(ann.id), "offline"),
        (str(bob.id), "online"),
    ]


async def test_a_user_without_heartbeats_becomes_away_then_offline(server: InProcessServer) -> None:
    """After 45 s without a heartbeat the user is away, after 300 s offline, in every list."""
    ann, bob, conversation_id, _ = await _make_group(server)

    async def statuses() -> list[str]:
        snapshot = await ann.get(f"/api/conversations/{conversation_id}/presence")
        users = (await ann.get("/api/users?query=bob"))["users"]
        (bob_presence,) = [user for user in snapshot["users"] if user["user_id"] == str(bob.id)]
        return [bob_presence["status"], users[0]["presence"]]

    for seconds, expected in ((0, "online"), (44, "online"), (1, "away"), (255, "offline")):
        if not seconds:
            await bob.post("/api/presence/heartbeat", {}, expect=204)
        server.clock.advance(seconds)
        assert await statuses() == [expected] * 2
    await bob.post("/api/presence/heartbeat", {"status": "online"}, expect=204)
    assert await statuses() == ["online"] * 2


@pytest.mark.parametrize(
    "changes",
    [
        {"seconds": 31},
        {"seconds": -1},
        {"seconds": 1.5},
        {"seconds": "9"},
        {"seconds": None},
        {"root_id": "x"},
        {"conversation_id": 1},
        {"more": 1},
    ],
)
async def test_invalid_typing_requests_are_rejected(
    server: InProcessServer, changes: dict[str, Any]
) -> None:
    """Numbers out of range, wrong types and unknown fields return 422."""
    ann = await server.person("ann")
    body = {"conversation_id": str(uuid4()), "root_id": str(uuid4()), "seconds": 5, **changes}
    problem = await ann.post("/api/typing", body, expect=422)

    assert problem["errors"]


@pytest.mark.parametrize("body", [{"status": "busy"}, {"status": None}, {"user_id": "x"}])
async def test_invalid_heartbeats_are_rejected(
    server: InProcessServer, body: dict[str, Any]
) -> None:
    """A heartbeat has one of three statuses, and is always about the caller."""
    ann = await server.person("ann")
    await ann.call("POST", "/api/presence/heartbeat", body, expect=422)


async def test_presence_requests_need_the_csrf_token(server: InProcessServer) -> None:
    """All requests that change data by a cookie need the token."""
    ann = await server.person("ann")
    for path in ("/api/presence/heartbeat", "/api/typing"):
        assert (await ann.client.post(path, json={})).status_code == 403
