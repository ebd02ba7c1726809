"""Presence and typing over HTTP."""

from typing import Any
from uuid import uuid4

import pytest
from tests.support.servers.in_process_server import HttpUser, InProcessServer


async def _room(api: InProcessServer) -> tuple[HttpUser, HttpUser, str, str]:
    """Ann's room with Bob in it, and a thread of hers."""
    ann, bob = await api.person("ann"), await api.person("bob")
    room = await ann.conversation(is_group=True)
    body = {"user_id": str(bob.id), "role": "member"}
    await ann.post(f"/api/conversations/{room}/participants", body, expect=204)
    return ann, bob, room, await ann.root(room)


async def test_a_snapshot_tells_who_is_there_and_who_is_writing(server: InProcessServer) -> None:
    """Everybody in the room; who was never seen has no time; the position was read before."""
    ann, bob, room, root = await _room(server)
    await bob.post("/api/presence/heartbeat", {"status": "away"}, expect=204)
    body = {"conversation_id": room, "root_id": root, "seconds": 30}
    await bob.post("/api/typing", body, expect=204)
    shown = await ann.get(f"/api/conversations/{room}/presence")

    assert shown == {
        "users": [
            {"user_id": str(ann.id), "status": "offline"},
            {"user_id": str(bob.id), "status": "away", "last_seen_at": _at(0)},
        ],
        "typing": [{"root_id": root, "user_id": str(bob.id), "expires_at": _at(30)}],
        "last_event_id": "evt_3",
    }


def _at(seconds: int) -> str:
    return f"2026-01-01T12:00:{seconds:02}.000001Z"


async def test_lists_of_people_tell_their_presence(server: InProcessServer) -> None:
    """The search for people, and the list of participants."""
    ann, bob, room, _ = await _room(server)
    await bob.post("/api/presence/heartbeat", {}, expect=204)
    found = (await ann.get("/api/users"))["users"]
    listed = (await ann.get(f"/api/conversations/{room}/participants"))["participants"]

    assert {one["username"]: one["presence"] for one in found} == {
        "admin": "offline",
        "ann": "offline",
        "bob": "online",
    }
    assert [(one["user_id"], one["presence"]) for one in listed] == [
        (str(ann.id), "offline"),
        (str(bob.id), "online"),
    ]


async def test_silence_shows_in_every_list(server: InProcessServer) -> None:
    """45 s: away; five minutes: offline; a heartbeat brings the person back."""
    ann, bob, room, _ = await _room(server)

    async def shown() -> list[str]:
        snapshot = await ann.get(f"/api/conversations/{room}/presence")
        found = (await ann.get("/api/users?query=bob"))["users"]
        (seen,) = [one for one in snapshot["users"] if one["user_id"] == str(bob.id)]
        return [seen["status"], found[0]["presence"]]

    for seconds, expected in ((0, "online"), (44, "online"), (1, "away"), (255, "offline")):
        if not seconds:
            await bob.post("/api/presence/heartbeat", {}, expect=204)
        server.clock.advance(seconds)
        assert await shown() == [expected] * 2
    await bob.post("/api/presence/heartbeat", {"status": "online"}, expect=204)
    assert await shown() == ["online"] * 2


@pytest.mark.parametrize(
    "wrong",
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
async def test_what_does_not_fit_is_refused(server: InProcessServer, wrong: dict[str, Any]) -> None:
    """Numbers out of range, other types, unknown fields."""
    ann = await server.person("ann")
    body = {"conversation_id": str(uuid4()), "root_id": str(uuid4()), "seconds": 5, **wrong}
    told = await ann.post("/api/typing", body, expect=422)

    assert told["errors"]


@pytest.mark.parametrize("body", [{"status": "busy"}, {"status": None}, {"user_id": "x"}])
async def test_only_three_things_can_be_said(server: InProcessServer, body: dict[str, Any]) -> None:
    """And of nobody but oneself."""
    ann = await server.person("ann")
    await ann.call("POST", "/api/presence/heartbeat", body, expect=422)


async def test_marks_of_presence_need_the_csrf_token(server: InProcessServer) -> None:
    """As everything does that is sent with a cookie."""
    ann = await server.person("ann")
    for path in ("/api/presence/heartbeat", "/api/typing"):
        assert (await ann.client.post(path, json={})).status_code == 403
