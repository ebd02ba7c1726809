"""Every call over a real connection: its route, and how it reads the response."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.fakes.fake_http_server import (
    FakeHttpServer,
    FakeResponse,
    fake_http_server,
    problem,
)
from tests.support.sample_models import (
    ADA,
    LOGGED_IN,
    REPLY,
    ROOT,
    TEA,
    TIME,
    USER,
    conversation,
    cookies,
    message,
    thread,
)

from rustygpt_shared.codec import decode
from rustygpt_shared.models.conversations import (
    ConversationCreated,
    ConversationList,
    ParticipantList,
    ThreadList,
    UnreadList,
)
from rustygpt_shared.models.invites import AcceptedInvite, CreatedInvite, InviteList
from rustygpt_shared.models.messages import (
    CancelResult,
    Chunk,
    PostedMessage,
    ReadMarkerResult,
    ThreadPage,
)
from rustygpt_shared.models.presence import PresenceList, UserPresence
from rustygpt_shared.models.users import (
    AdminUser,
    AdminUserList,
    Me,
    Ok,
    SessionList,
    SetupStatus,
    UserResponse,
    UserSearchResults,
)
from rustygpt_shared.requests import (
    CreateConversation,
    CreateInvite,
    CreateUser,
    PostMessage,
    SetUp,
    UpdateConversation,
    UpdateMe,
    UpdateUser,
)
from rustygpt_tui.client.http import Client, Ready
from rustygpt_tui.client.session import Session
from rustygpt_tui.client.session_file import SessionFile
from rustygpt_tui.errors import NotSignedIn, ServerRejected

Case = tuple[str, str, Any, Callable[[Client], Awaitable[Any]], Any]

POSTED = PostedMessage(ROOT, ROOT, TEA, 1)
ADMIN_USER = AdminUser(ADA, "a@b", "ada", ["member"], created_at=TIME)
C, T, M = f"/api/conversations/{TEA}", f"/api/threads/{ROOT}", f"/api/messages/{ROOT}"
NEW_USER = CreateUser("bob", "bob@example.org", "password-1")
SETUP = SetupStatus(is_setup=True, registration="open")
NEW_INVITE = CreateInvite(role="viewer")
INVITED = CreatedInvite("rgpi_x", TIME, ROOT)
SET_UP = SetUp("ada", "ada@example.org", "password-1")
NEW_CONVERSATION = CreateConversation("Tea")
PRESENCE = PresenceList([UserPresence(ADA, "away")], [], "evt_1")
NEW_TITLE = UpdateConversation(title="Coffee")

CASES: list[Case] = [
    ("GET", "/api/setup", SETUP, lambda c: c.show_setup(), SETUP),
    ("POST", "/api/setup", UserResponse(USER), lambda c: c.set_up(SET_UP), USER),
    ("POST", "/api/auth/refresh", LOGGED_IN, lambda c: c.refresh(), LOGGED_IN),
    ("GET", "/api/auth/me", Me(USER), lambda c: c.me(), Me(USER)),
    ("PATCH", "/api/auth/me", UserResponse(USER), lambda c: c.update_me(UpdateMe()), USER),
    ("GET", "/api/auth/sessions", SessionList([]), lambda c: c.list_sessions(), SessionList([])),
    ("DELETE", f"/api/auth/sessions/{ADA}", None, lambda c: c.end_session(ADA), None),
    (
        "GET",
        "/api/users",
        UserSearchResults([]),
        lambda c: c.search_users("a"),
        UserSearchResults([]),
    ),
    ("GET", "/api/admin/users", AdminUserList([]), lambda c: c.list_users(), AdminUserList([])),
    ("POST", "/api/admin/users", ADMIN_USER, lambda c: c.create_user(NEW_USER), ADMIN_USER),
    (
        "PATCH",
        f"/api/admin/users/{ADA}",
        ADMIN_USER,
        lambda c: c.update_user(ADA, UpdateUser(disabled=True)),
        ADMIN_USER,
    ),
    ("DELETE", f"/api/admin/users/{ADA}/sessions", None, lambda c: c.end_user_sessions(ADA), None),
    (
        "GET",
        "/api/conversations",
        ConversationList([conversation()]),
        lambda c: c.list_conversations(),
        ConversationList([conversation()]),
    ),
    (
        "POST",
        "/api/conversations",
        ConversationCreated(TEA),
        lambda c: c.create_conversation(NEW_CONVERSATION),
        TEA,
    ),
    ("GET", C, conversation(), lambda c: c.show_conversation(TEA), conversation()),
    ("PATCH", C, conversation(), lambda c: c.update_conversation(TEA, NEW_TITLE), conversation()),
    (
        "GET",
        C + "/participants",
        ParticipantList([]),
        lambda c: c.list_participants(TEA),
        ParticipantList([]),
    ),
    ("GET", C + "/invites", InviteList([]), lambda c: c.list_invites(TEA), InviteList([])),
    ("POST", C + "/invites", INVITED, lambda c: c.create_invite(TEA, NEW_INVITE), INVITED),
    (
        "POST",
        "/api/invites/accept",
        AcceptedInvite(TEA, "viewer"),
        lambda c: c.accept_invite("rgpi_x"),
        AcceptedInvite(TEA, "viewer"),
    ),
    ("POST", "/api/invites/rgpi_x/revoke", None, lambda c: c.revoke_invite("rgpi_x"), None),
    ("POST", C + "/participants", None, lambda c: c.add_participant(TEA, ADA, "viewer"), None),
    (
        "DELETE",
        C + f"/participants/{ADA}",
        None,
        lambda c: c.remove_participant(TEA, ADA),
        None,
    ),
    (
        "GET",
        C + "/threads",
        ThreadList([thread()], "evt_1"),
        lambda c: c.list_threads(TEA, limit=5),
        ThreadList([thread()], "evt_1"),
    ),
    ("GET", C + "/presence", PRESENCE, lambda c: c.show_presence(TEA), PRESENCE),
    ("POST", "/api/presence/heartbeat", None, lambda c: c.record_heartbeat(), None),
    ("POST", "/api/typing", None, lambda c: c.set_typing(TEA, ADA, 9), None),
    (
        "GET",
        C + "/unread",
        UnreadList([], "evt_1"),
        lambda c: c.list_unread(TEA),
        UnreadList([], "evt_1"),
    ),
    (
        "GET",
        T + "/tree",
        ThreadPage(ROOT, [message()], "evt_1"),
        lambda c: c.list_tree(ROOT, cursor="x"),
        ThreadPage(ROOT, [message()], "evt_1"),
    ),
    (
        "POST",
        f"/api/threads/{TEA}/root",
        POSTED,
        lambda c: c.post_root(TEA, PostMessage("hi")),
        POSTED,
    ),
    ("POST", M + "/reply", POSTED, lambda c: c.reply(ROOT, PostMessage("hi")), POSTED),
    ("GET", M, message(), lambda c: c.get_message(ROOT), message()),
    (
        "GET",
        M + "/chunks",
        [Chunk(ROOT, 0, "a", TIME)],
        lambda c: c.list_chunks(ROOT, start=0),
        [Chunk(ROOT, 0, "a", TIME)],
    ),
    (
        "POST",
        M + "/cancel",
        CancelResult(ROOT, "cancelled"),
        lambda c: c.cancel(ROOT),
        CancelResult(ROOT, "cancelled"),
    ),
    (
        "POST",
        T + "/read",
        ReadMarkerResult(ROOT, 0, 2),
        lambda c: c.mark_read(ROOT, message_id=REPLY),
        ReadMarkerResult(ROOT, 0, 2),
    ),
]
CREATING = {"/api/admin/users", "/api/conversations", f"/api/threads/{TEA}/root", M + "/reply"}


@pytest.fixture
async def server() -> AsyncIterator[FakeHttpServer]:
    """A fake server."""
    async with fake_http_server() as running:
        yield running


@pytest.mark.parametrize(("method", "path", "response", "call", "expected"), CASES)
async def test_a_call_uses_its_route(
    server: FakeHttpServer,
    method: str,
    path: str,
    response: Any,
    call: Callable[[Client], Awaitable[Any]],
    expected: Any,
) -> None:
    """It reads the response; calls that create something send an idempotency key."""
    server.on(method, path, FakeResponse(204 if response is None else 200, response))
    async with Client(Session(server.origin)) as client:
        assert await call(client) == expected
    (request,) = server.requests
    assert ("idempotency-key" in request.headers) == (method == "POST" and path in CREATING)


async def test_bodies_and_queries_have_the_names_of_the_wire(server: FakeHttpServer) -> None:
    """Values that are not given are not sent."""
    server.on("POST", f"/api/threads/{TEA}/root", FakeResponse(201, POSTED))
    server.on("GET", T + "/tree", FakeResponse(200, ThreadPage(ROOT, [], "evt_1")))
    server.on("GET", M + "/chunks", FakeResponse(200, []))
    server.on("GET", "/api/conversations", FakeResponse(200, ConversationList([])))
    server.on("PATCH", C, FakeResponse(200, conversation()))
    async with Client(Session(server.origin)) as client:
        await client.post_root(TEA, PostMessage("hi", model="m"), key="again")
        await client.list_tree(ROOT, cursor="0001", limit=10)
        await client.list_chunks(ROOT, start=3)
        await client.list_conversations(archived=True)
        await client.update_conversation(TEA, UpdateConversation(model=None))
    post, tree, chunks, listed, patch = server.requests
    assert decode(post.body, dict) == {"content": "hi", "model": "m"}
    assert post.headers["idempotency-key"] == "again"
    assert tree.query == {"cursor_path": "0001", "limit": "10"}
    assert chunks.query == {"from": "3"}
    assert listed.query == {"archived": "true"}
    assert decode(patch.body, dict) == {"model": None}


async def test_a_login_is_saved_and_a_rejected_one_changes_nothing(
    server: FakeHttpServer, tmp_path: Path
) -> None:
    """A login does not send the cookies of the previous account."""
    file = SessionFile(tmp_path / "s")
    wrong = problem(401, "RGP.AUTH.INVALID_CREDENTIALS", "Wrong name or password.")
    server.on("POST", "/api/auth/login", FakeResponse(body=LOGGED_IN, headers=cookies(1)), wrong)
    session = Session(server.origin, file=file)
    async with Client(session) as client:
        assert await client.log_in("ada", "secret") == LOGGED_IN
        with pytest.raises(NotSignedIn, match="Wrong name"):
            await client.log_in("bob", "secret")
    assert (session.account, session.csrf()) == ("ada", "csrf-1")
    assert file.accounts(server.origin) == ["ada"]
    assert "cookie" not in server.requests[1].headers


async def test_a_login_can_be_saved_under_a_name(server: FakeHttpServer, tmp_path: Path) -> None:
    """`account` is the name under which the session is saved."""
    file = SessionFile(tmp_path / "s")
    server.on("POST", "/api/auth/login", FakeResponse(body=LOGGED_IN, headers=cookies(1)))
    async with Client(Session(server.origin, file=file)) as client:
        await client.log_in("ada", "secret", account="work")
    assert file.accounts(server.origin) == ["work"]


@pytest.mark.parametrize(
    "response",
    [
        FakeResponse(body=Ok(ok=True)),
        problem(401, "RGP.AUTH.MISSING_SESSION", "Nobody is signed in."),
    ],
)
async def test_a_logout_deletes_the_session(
    server: FakeHttpServer, tmp_path: Path, response: FakeResponse
) -> None:
    """Also when it has already ended at the server."""
    file = SessionFile(tmp_path / "s")
    session = Session(server.origin, file=file)
    session.store_cookies([value for _, value in cookies(1)])
    session.save_as_current("ada")
    server.on("POST", "/api/auth/logout", response)
    async with Client(session) as client:
        await client.log_out()
    assert file.find(server.origin) is None
    assert session.header() is None


async def test_readiness_is_read_from_any_status(server: FakeHttpServer) -> None:
    """A server that is starting raises no error; another program at the address does."""
    server.on(
        "GET",
        "/readyz",
        FakeResponse(503, Ready(ready=False, missing=["database"])),
        FakeResponse(body="hello"),
    )
    async with Client(Session(server.origin)) as client:
        assert await client.readyz() == Ready(ready=False, missing=["database"])
        with pytest.raises(ServerRejected):
            await client.readyz()
