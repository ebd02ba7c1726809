"""The commands `members` and `users`."""

from uuid import UUID

from tests.support.clients.cli_runner import rustygpt
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse
from tests.support.sample_models import ADA, TEA, TIME

from rustygpt_shared.codec import decode
from rustygpt_shared.models.conversations import ParticipantList, ParticipantWithPresence
from rustygpt_shared.models.users import UserSearchResult, UserSearchResults

BOB = UUID("018f0000-0000-7000-8000-0000000000b0")
PATH = f"/api/conversations/{TEA}/participants"
MEMBERS = ParticipantList(
    [
        ParticipantWithPresence(ADA, "ada", "owner", TIME, presence="online"),
        ParticipantWithPresence(BOB, "bob", "member", TIME, "Bob B.", presence="away"),
    ]
)


async def test_members_are_listed(signed_in: FakeHttpServer) -> None:
    """With user name, display name and role."""
    signed_in.on("GET", PATH, FakeResponse(body=MEMBERS))
    result = await rustygpt("members", "list", str(TEA))
    assert [line.split("\t")[1:4] for line in result.out.splitlines()] == [
        ["ada", "", "owner"],
        ["bob", "Bob B.", "member"],
    ]


async def test_a_member_is_added_by_name(signed_in: FakeHttpServer) -> None:
    """A name must match completely when a search has several results."""
    results = UserSearchResults(
        [
            UserSearchResult(ADA, "bobby", presence="offline"),
            UserSearchResult(BOB, "bob", presence="offline"),
        ]
    )
    signed_in.on("GET", "/api/users", FakeResponse(body=results))
    signed_in.on("POST", PATH, FakeResponse(204))
    result = await rustygpt("members", "add", str(TEA), "bob", "--role", "viewer")
    assert result.code == 0
    assert decode(signed_in.requests[-1].body, dict) == {"user_id": str(BOB), "role": "viewer"}
    assert (await rustygpt("members", "add", str(TEA), "bo")).code == 5


async def test_a_member_gets_a_new_role_and_is_removed(signed_in: FakeHttpServer) -> None:
    """The member is found among the participants, by user name or display name."""
    signed_in.on("GET", PATH, FakeResponse(body=MEMBERS))
    signed_in.on("POST", PATH, FakeResponse(204))
    signed_in.on("DELETE", f"{PATH}/{BOB}", FakeResponse(204))
    assert (await rustygpt("members", "role", str(TEA), "bob b.", "admin")).code == 0
    assert decode(signed_in.requests[-1].body, dict)["role"] == "admin"
    assert (await rustygpt("members", "remove", str(TEA), "bob")).code == 0
    assert (await rustygpt("members", "role", str(TEA), "bob", "king")).code == 2


async def test_users_are_searched(signed_in: FakeHttpServer) -> None:
    """By the beginning of a name, up to a limit."""
    signed_in.on(
        "GET",
        "/api/users",
        FakeResponse(body=UserSearchResults([UserSearchResult(BOB, "bob", presence="offline")])),
    )
    result = await rustygpt("users", "bo", "--limit", "5")
    assert result.out == f"{BOB}\tbob\t\n"
    assert signed_in.requests[0].query == {"query": "bo", "limit": "5"}
