"""The routes of invites, and what streams get when one is accepted."""

import re

from tests.support.servers.in_process_server import InProcessServer


async def test_streams_get_an_accepted_invite(server: InProcessServer) -> None:
    """Those of the conversation, and those of all conversations of who joined."""
    ann, bob = await server.person("ann"), await server.person("bob")
    conversation_id = await ann.conversation(is_group=True)
    path = f"/api/conversations/{conversation_id}/invites"
    created = await ann.post(path, {"role": "viewer", "ttl_seconds": 60})
    async with ann.follow(conversation_id) as inside, bob.follow_all() as joining:
        await inside.next("stream.open")
        await joining.next("stream.open")
        accepted = await bob.post("/api/invites/accept", {"token": created["token"]})
        events = [await stream.next("membership.changed") for stream in (inside, joining)]

    assert accepted == {"conversation_id": conversation_id, "role": "viewer"}
    for event in events:
        assert event["payload"]["user_id"] == str(bob.id)
        assert (event["payload"]["action"], event["payload"]["role"]) == ("added", "viewer")


async def test_the_token_is_shown_once(server: InProcessServer) -> None:
    """The list is in pages, newest first."""
    ann = await server.person("ann")
    path = f"/api/conversations/{await ann.conversation()}/invites"
    created = []
    for role in ("viewer", "member", "admin"):
        created.append(await ann.post(path, {"role": role, "ttl_secs": 60}))
        server.clock.advance(1)
    first = await ann.get(f"{path}?limit=2")
    second = await ann.get(f"{path}?limit=2&cursor={first['next_cursor']}")
    listed = first["invites"] + second["invites"]

    assert re.fullmatch(r"rgpi_[0-9A-Za-z]{43}", created[0]["token"])
    assert [one["id"] for one in listed] == [one["invite_id"] for one in reversed(created)]
    assert {one["state"] for one in listed} == {"live"}
    assert "next_cursor" not in second
    assert "rgpi_" not in str(listed)


async def test_an_ended_invite_is_410(server: InProcessServer) -> None:
    """It is revoked by its token or its id; revoking twice changes nothing."""
    ann, bob = await server.person("ann"), await server.person("bob")
    path = f"/api/conversations/{await ann.conversation()}/invites"
    by_token, by_id = await ann.post(path, {}), await ann.post(path, {})
    for name in (by_token["token"], by_token["token"], by_id["invite_id"]):
        await ann.call("POST", f"/api/invites/{name}/revoke", expect=204)
    for invite in (by_token, by_id):
        body = {"token": invite["token"]}
        gone = await bob.call("POST", "/api/invites/accept", body, expect=410)
        assert gone.json()["code"] == "RGP.GONE"


async def test_bad_requests_name_the_field(server: InProcessServer) -> None:
    """Nothing is created."""
    ann = await server.person("ann")
    path = f"/api/conversations/{await ann.conversation()}/invites"
    for body, field in (
        ({"role": "king"}, "role"),
        ({"email": "x"}, "email"),
        ({"ttl_seconds": 0}, "ttl_seconds"),
        ({"ttl_seconds": 10**8}, "ttl_seconds"),
        ({"ttl_seconds": 60, "ttl_secs": 60}, "ttl_secs"),
    ):
        response = await ann.call("POST", path, body, expect=422)
        assert field in response.text
    assert (await ann.get(path))["invites"] == []
