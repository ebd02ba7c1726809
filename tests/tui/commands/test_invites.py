"""The commands below `invites`, and `register`."""

from uuid import UUID

from tests.support.clients.cli_runner import rustygpt
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse
from tests.support.sample_models import ADA, LOGGED_IN, TEA, TIME, conversation, cookies

from rustygpt_shared.codec import decode
from rustygpt_shared.models.conversations import ConversationList
from rustygpt_shared.models.invites import AcceptedInvite, CreatedInvite, Invite, InviteList

ID = UUID("01890000-0000-7000-8000-000000000001")
PATH = f"/api/conversations/{TEA}/invites"
INVITE = Invite(
    id=ID, role="member", state="live", created_by=ADA, created_at=TIME, expires_at=TIME
)


async def test_a_new_invite_is_printed_as_a_link(signed_in: FakeHttpServer) -> None:
    """The token is in the fragment, which browsers do not send."""
    signed_in.on("POST", PATH, FakeResponse(body=CreatedInvite("rgpi_x", TIME, ID)))
    words = ["--role", "viewer", "--ttl", "60", "--email", "bob@example.org"]
    result = await rustygpt("invites", "create", str(TEA), *words)
    assert (result.code, result.out) == (0, f"{signed_in.origin}/#/invite/rgpi_x\n")
    body = decode(signed_in.requests[0].body, dict)
    assert body == {"email": "bob@example.org", "role": "viewer", "ttl_seconds": 60}


async def test_an_invite_is_accepted_by_link_or_token(signed_in: FakeHttpServer) -> None:
    """A link to another server is an error of usage, and sent nowhere."""
    accepted = FakeResponse(body=AcceptedInvite(TEA, "member"))
    signed_in.on("POST", "/api/invites/accept", accepted)
    for text in ("rgpi_x", f"{signed_in.origin}/#/invite/rgpi_x"):
        result = await rustygpt("invites", "accept", text)
        assert (result.code, result.out) == (0, f"{TEA}\n")
        assert decode(signed_in.requests[-1].body, dict) == {"token": "rgpi_x"}
    count = len(signed_in.requests)
    for text in ("https://chat.example/#/invite/rgpi_x", f"{signed_in.origin}/#/c/x", "http://[/"):
        assert (await rustygpt("invites", "accept", text)).code == 2
    assert len(signed_in.requests) == count


async def test_an_invite_is_revoked_by_id_or_token(signed_in: FakeHttpServer) -> None:
    """The beginning of an id is looked up in the conversations that the caller administers."""
    mine, others = conversation(role="owner"), conversation(ADA, role="member")
    listed = ConversationList([mine, others])
    signed_in.on("GET", "/api/conversations", FakeResponse(body=listed))
    signed_in.on("GET", PATH, FakeResponse(body=InviteList([INVITE])))
    for name in (ID, "rgpi_x"):
        signed_in.on("POST", f"/api/invites/{name}/revoke", FakeResponse(204))
    for text in (str(ID), "01890000", "rgpi_x", f"{signed_in.origin}/#/invite/rgpi_x"):
        assert (await rustygpt("invites", "revoke", text)).code == 0


async def test_invites_are_listed(signed_in: FakeHttpServer) -> None:
    """With their state, and without tokens."""
    signed_in.on("GET", PATH, FakeResponse(body=InviteList([INVITE])))
    result = await rustygpt("invites", "list", str(TEA))
    assert result.out.split("\t")[:4] == [str(ID), "live", "member", ""]


async def test_registering_signs_in(server: FakeHttpServer) -> None:
    """The invite may be given as a link."""
    server.on("POST", "/api/auth/register", FakeResponse(201, LOGGED_IN, cookies(1)))
    link = f"{server.origin}/#/invite/rgpi_x"
    words = ["--username", "ada", "--email", "ada@example.org", "--invite", link]
    result = await rustygpt("register", *words, "--password-stdin", stdin="password-1\n")
    assert result.code == 0
    assert "signed in at" in result.err
    assert decode(server.requests[0].body, dict)["invite_token"] == "rgpi_x"
