"""members and users."""

from uuid import UUID

from tests.support.program import rustygpt
from tests.support.samples import ADA, TEA, TIME
from tests.support.wire_server import Reply, WireServer

from rustygpt_shared.codec import decode
from rustygpt_shared.models.conversations import ListedParticipant, ParticipantList
from rustygpt_shared.models.users import FoundPerson, PersonList

BOB = UUID("018f0000-0000-7000-8000-0000000000b0")
PATH = f"/api/conversations/{TEA}/participants"
MEMBERS = ParticipantList(
    [
        ListedParticipant(ADA, "ada", "owner", TIME, presence="online"),
        ListedParticipant(BOB, "bob", "member", TIME, "Bob B.", presence="away"),
    ]
)


async def test_members_are_listed(signed_in: WireServer) -> None:
    """User names, names, roles."""
    signed_in.on("GET", PATH, Reply(body=MEMBERS))
    ran = await rustygpt("members", "list", str(TEA))
    assert [line.split("\t")[1:4] for line in ran.out.splitlines()] == [
        ["ada", "", "owner"],
        ["bob", "Bob B.", "member"],
    ]


async def test_a_member_is_added_by_name(signed_in: WireServer) -> None:
    """One of several found counts only when its whole name was given."""
    found = PersonList(
        [FoundPerson(ADA, "bobby", presence="offline"), FoundPerson(BOB, "bob", presence="offline")]
    )
    signed_in.on("GET", "/api/users", Reply(body=found))
    signed_in.on("POST", PATH, Reply(204))
    ran = await rustygpt("members", "add", str(TEA), "bob", "--role", "viewer")
    assert ran.code == 0
    assert decode(signed_in.asked[-1].body, dict) == {"user_id": str(BOB), "role": "viewer"}
    assert (await rustygpt("members", "add", str(TEA), "bo")).code == 5


async def test_a_member_gets_another_role_and_goes(signed_in: WireServer) -> None:
    """Found among who is in the conversation, by user name or display name."""
    signed_in.on("GET", PATH, Reply(body=MEMBERS))
    signed_in.on("POST", PATH, Reply(204))
    signed_in.on("DELETE", f"{PATH}/{BOB}", Reply(204))
    assert (await rustygpt("members", "role", str(TEA), "bob b.", "admin")).code == 0
    assert decode(signed_in.asked[-1].body, dict)["role"] == "admin"
    assert (await rustygpt("members", "remove", str(TEA), "bob")).code == 0
    assert (await rustygpt("members", "role", str(TEA), "bob", "king")).code == 2


async def test_people_are_found(signed_in: WireServer) -> None:
    """By the beginning of a name."""
    signed_in.on(
        "GET", "/api/users", Reply(body=PersonList([FoundPerson(BOB, "bob", presence="offline")]))
    )
    ran = await rustygpt("users", "bo", "--limit", "5")
    assert ran.out == f"{BOB}\tbob\t\n"
    assert signed_in.asked[0].query == {"query": "bo", "limit": "5"}
