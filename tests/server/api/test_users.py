"""The search for users, and the administration of accounts."""

import pytest
from tests.support.password import PASSWORD
from tests.support.servers.in_process_server import InProcessServer


@pytest.mark.parametrize("query", ["%00", "%25", "_", "'", "\\", "%F0%9F%A6%80", "a" * 5_000, "*"])
async def test_a_search_text_is_no_pattern_and_no_sql(server: InProcessServer, query: str) -> None:
    """Any text is searched as it is; results have no e-mail addresses."""
    ann = await server.person("ann")
    await server.person("bob")
    result = await ann.get(f"/api/users?query={query}")

    assert all(not user["username"].startswith("b") for user in result["users"]) or query == "%00"
    assert "@" not in str(result)


async def test_users_are_found_by_the_start_of_a_name(server: InProcessServer) -> None:
    """The query matches the start of the user name or display name, without regard to case."""
    ann = await server.person("ann")
    await server.person("bob")
    await ann.call("PATCH", "/api/auth/me", {"display_name": "Zed Ann"})

    assert [p["username"] for p in (await ann.get("/api/users?query=BO"))["users"]] == ["bob"]
    assert [p["username"] for p in (await ann.get("/api/users?query=zed"))["users"]] == ["ann"]
    assert (await ann.get("/api/users?query=ob"))["users"] == []


async def test_accounts_are_listed_in_pages(server: InProcessServer) -> None:
    """The pages are sorted by user name and have each account once."""
    admin = await server.person("admin")
    for name in ("cid", "bob", "ann"):
        await server.person(name)
    usernames = []
    cursor = ""
    while True:
        page = await admin.get(f"/api/admin/users?limit=2&cursor={cursor}")
        usernames += [user["username"] for user in page["users"]]
        cursor = page.get("next_cursor", "")
        if not cursor:
            break

    assert usernames == ["admin", "ann", "bob", "cid"]


async def test_an_administrator_changes_an_account(server: InProcessServer) -> None:
    """A new password signs the user in, and the old one does not."""
    admin = await server.person("admin")
    bob = await server.person("bob")
    change = {"password": "another password", "roles": ["member"]}
    call = admin.call("PATCH", f"/api/admin/users/{bob.id}", change)
    response = await server.settled(call)
    assert response.json()["username"] == "bob"
    for password, status in ((PASSWORD, 401), ("another password", 200)):
        login = await bob.client.post(
            "/api/auth/login", json={"email": "bob", "password": password}
        )
        assert login.status_code == status


async def test_the_last_administrator_keeps_the_role(server: InProcessServer) -> None:
    """The last administrator can be neither disabled nor demoted."""
    admin = await server.person("admin")
    for change in ({"disabled": True}, {"roles": ["member"]}):
        await admin.call("PATCH", f"/api/admin/users/{admin.id}", change, expect=409)


async def test_no_response_contains_a_password(server: InProcessServer) -> None:
    """No response about an account has its password, neither in plain text nor hashed."""
    admin = await server.person("admin")
    body = {"username": "eve", "email": "eve@example.org", "password": PASSWORD}
    responses = [
        await admin.call("POST", "/api/admin/users", body, expect=201),
        await admin.call("GET", "/api/admin/users"),
    ]

    assert all(
        PASSWORD not in response.text and "argon2" not in response.text for response in responses
    )
