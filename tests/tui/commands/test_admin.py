"""admin users."""

from tests.support.clients.cli_runner import rustygpt
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse, problem
from tests.support.sample_models import ADA, TIME

from rustygpt_shared.codec import decode
from rustygpt_shared.models.users import AdminUser, AdminUserList

USER = AdminUser(ADA, "ada@example.org", "ada", ["admin", "member"], created_at=TIME)


async def test_accounts_are_listed(signed_in: FakeHttpServer) -> None:
    """With their roles and whether they are kept out."""
    signed_in.on("GET", "/api/admin/users", FakeResponse(body=AdminUserList([USER])))
    ran = await rustygpt("admin", "users")
    assert ran.out == f"{ADA}\tada\t\tada@example.org\tadmin,member\t\n"


async def test_an_account_is_made(signed_in: FakeHttpServer) -> None:
    """With the password from standard input."""
    signed_in.on("POST", "/api/admin/users", FakeResponse(201, USER))
    words = ["admin", "users", "create", "ada", "--email", "ada@example.org", "--role", "admin"]
    ran = await rustygpt(*words, "--password-stdin", stdin="password-1\n")
    assert ran.code == 0
    assert decode(signed_in.requests[0].body, dict)["roles"] == ["admin"]


async def test_accounts_are_changed_by_name(signed_in: FakeHttpServer) -> None:
    """Disabled, enabled, given roles; a refusal is an exit code."""
    signed_in.on("GET", "/api/admin/users", FakeResponse(body=AdminUserList([USER])))
    conflict = problem(409, "RGP.CONFLICT", "The last administrator has to stay.")
    signed_in.on("PATCH", f"/api/admin/users/{ADA}", conflict, FakeResponse(body=USER))
    ran = await rustygpt("admin", "users", "disable", "ada@example.org")
    assert (ran.code, ran.err) == (1, "rustygpt: The last administrator has to stay.\n")
    assert (await rustygpt("admin", "users", "enable", "ada")).code == 0
    assert (await rustygpt("admin", "users", "roles", str(ADA), "admin", "member")).code == 0
    bodies = [decode(a.body, dict) for a in signed_in.requests if a.method == "PATCH"]
    assert bodies == [{"disabled": True}, {"disabled": False}, {"roles": ["admin", "member"]}]
    assert (await rustygpt("admin", "users", "roles", "ada")).code == 2
