"""The commands `admin users`."""

from tests.support.clients.cli_runner import rustygpt
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse, problem
from tests.support.sample_models import ADA, TIME

from rustygpt_shared.codec import decode
from rustygpt_shared.models.users import AdminUser, AdminUserList

USER = AdminUser(ADA, "ada@example.org", "ada", ["admin", "member"], created_at=TIME)


async def test_accounts_are_listed(signed_in: FakeHttpServer) -> None:
    """With their roles, and the time when they were disabled."""
    signed_in.on("GET", "/api/admin/users", FakeResponse(body=AdminUserList([USER])))
    result = await rustygpt("admin", "users")
    assert result.out == f"{ADA}\tada\t\tada@example.org\tadmin,member\t\n"


async def test_an_account_is_created(signed_in: FakeHttpServer) -> None:
    """The password is read from standard input."""
    signed_in.on("POST", "/api/admin/users", FakeResponse(201, USER))
    words = ["admin", "users", "create", "ada", "--email", "ada@example.org", "--role", "admin"]
    result = await rustygpt(*words, "--password-stdin", stdin="password-1\n")
    assert result.code == 0
    assert decode(signed_in.requests[0].body, dict)["roles"] == ["admin"]


async def test_accounts_are_changed_by_name(signed_in: FakeHttpServer) -> None:
    """They are disabled, enabled and given roles; a rejected change has exit code 1."""
    signed_in.on("GET", "/api/admin/users", FakeResponse(body=AdminUserList([USER])))
    conflict = problem(409, "RGP.CONFLICT", "The last administrator has to stay.")
    signed_in.on("PATCH", f"/api/admin/users/{ADA}", conflict, FakeResponse(body=USER))
    result = await rustygpt("admin", "users", "disable", "ada@example.org")
    assert (result.code, result.err) == (1, "rustygpt: The last administrator has to stay.\n")
    assert (await rustygpt("admin", "users", "enable", "ada")).code == 0
    assert (await rustygpt("admin", "users", "roles", str(ADA), "admin", "member")).code == 0
    bodies = [decode(r.body, dict) for r in signed_in.requests if r.method == "PATCH"]
    assert bodies == [{"disabled": True}, {"disabled": False}, {"roles": ["admin", "member"]}]
    assert (await rustygpt("admin", "users", "roles", "ada")).code == 2


async def test_sessions_of_an_account_are_ended(signed_in: FakeHttpServer) -> None:
    """The account is found by its name."""
    signed_in.on("GET", "/api/admin/users", FakeResponse(body=AdminUserList([USER])))
    signed_in.on("DELETE", f"/api/admin/users/{ADA}/sessions", FakeResponse(204))
    result = await rustygpt("admin", "users", "sign-out", "ada")
    assert (result.code, result.err) == (0, "The sessions of ada have ended.\n")
