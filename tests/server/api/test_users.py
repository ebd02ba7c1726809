"""The search for people, and the administration of accounts."""

import pytest
from tests.support.password import PASSWORD
from tests.support.servers.in_process_server import InProcessServer


@pytest.mark.parametrize("query", ["%00", "%25", "_", "'", "\\", "%F0%9F%A6%80", "a" * 5_000, "*"])
async def test_any_text_may_be_searched(server: InProcessServer, query: str) -> None:
    """It is text and neither a pattern nor SQL; e-mail addresses are never told."""
    ann = await server.person("ann")
    await server.person("bob")
    found = await ann.get(f"/api/users?query={query}")

    assert all(not p["username"].startswith("b") for p in found["users"]) or query == "%00"
    assert "@" not in str(found)


async def test_people_are_found_by_the_start_of_a_name(server: InProcessServer) -> None:
    """User name or display name, whatever the case."""
    ann = await server.person("ann")
    await server.person("bob")
    await ann.call("PATCH", "/api/auth/me", {"display_name": "Zed Ann"})

    assert [p["username"] for p in (await ann.get("/api/users?query=BO"))["users"]] == ["bob"]
    assert [p["username"] for p in (await ann.get("/api/users?query=zed"))["users"]] == ["ann"]
    assert (await ann.get("/api/users?query=ob"))["users"] == []


async def test_accounts_are_listed_in_pages(server: InProcessServer) -> None:
    """By user name, each once."""
    admin = await server.person("admin")
    for name in ("cid", "bob", "ann"):
        await server.person(name)
    seen, cursor = [], ""
    while True:
        page = await admin.get(f"/api/admin/users?limit=2&cursor={cursor}")
        seen += [user["username"] for user in page["users"]]
        cursor = page.get("next_cursor", "")
        if not cursor:
            break

    assert seen == ["admin", "ann", "bob", "cid"]


async def test_an_account_is_made_and_changed(server: InProcessServer) -> None:
    """A new password signs in, the old one does not."""
    admin = await server.person("admin")
    bob = await server.person("bob")
    changed = await admin.call(
        "PATCH", f"/api/admin/users/{bob.id}", {"password": "another password", "roles": ["member"]}
    )
    assert changed.json()["username"] == "bob"
    for password, status in ((PASSWORD, 401), ("another password", 200)):
        answer = await bob.client.post(
            "/api/auth/login", json={"email": "bob", "password": password}
        )
        assert answer.status_code == status


async def test_the_last_administrator_stays(server: InProcessServer) -> None:
    """Neither disabled nor demoted."""
    admin = await server.person("admin")
    for change in ({"disabled": True}, {"roles": ["member"]}):
        await admin.call("PATCH", f"/api/admin/users/{admin.id}", change, expect=409)


async def test_a_password_never_comes_back(server: InProcessServer) -> None:
    """No answer about an account has it, hashed or not."""
    admin = await server.person("admin")
    body = {"username": "eve", "email": "eve@example.org", "password": PASSWORD}
    answers = [
        await admin.call("POST", "/api/admin/users", body, expect=201),
        await admin.call("GET", "/api/admin/users"),
    ]

    assert all(PASSWORD not in a.text and "argon2" not in a.text for a in answers)
