"""RustyGPT's routes over a fake conversation, served on a real socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from tests.support.fakes.fake_conversation import CONVERSATION_ID, ME, START, FakeConversation
from tests.support.fakes.fake_http_server import (
    FakeHttpServer,
    FakeResponse,
    RecordedRequest,
    fake_http_server,
    problem,
)
from tests.support.sample_models import cookies

from rustygpt_shared import events
from rustygpt_shared.codec import encode
from rustygpt_shared.models.assistant import ModelInfo, ModelList
from rustygpt_shared.models.conversations import ConversationCreated, ConversationList
from rustygpt_shared.models.messages import (
    CancelResult,
    PostedMessage,
    Revision,
    RevisionList,
)
from rustygpt_shared.models.presence import PresenceList, TypingIndicator, UserPresence
from rustygpt_shared.models.users import (
    AdminUser,
    LoginResponse,
    Me,
    Session,
    SetupStatus,
    User,
    UserSearchResult,
    UserSearchResults,
)
from rustygpt_shared.settings import RegistrationMode

USER = User(ME, "me@example.org", "me", ["admin"])
LOGGED_IN = LoginResponse(
    USER,
    Session(UUID(int=7), START, START + timedelta(hours=8), START + timedelta(days=7)),
    "csrf-1",
)


class FakeChatServer:
    """A conversation, the server that serves it, and switches that make requests fail."""

    def __init__(self, http: FakeHttpServer, conversation: FakeConversation) -> None:
        self.http = http
        self.conversation = conversation
        self.is_setup = True
        self.registration: RegistrationMode = "closed"
        self.signed_in = False
        self.auto_answer = True
        self.failing_posts = 0
        self.posts_are_limited = False
        self.refused_changes = ""
        self.revisions: dict[UUID, list[str]] = {}
        self.models = [
            ModelInfo("small", "local", 8_192, True),
            ModelInfo("large", "far", 0, False),
        ]
        self.models_fail = False
        self.streams = 0
        self.typing: list[TypingIndicator] = []
        self._ended = asyncio.Event()
        self._keys: dict[str, PostedMessage] = {}
        self._route()

    @property
    def origin(self) -> str:
        """The URL of the server."""
        return self.http.origin

    def cut_streams(self) -> None:
        """End every open stream."""
        self._ended.set()
        self._ended = asyncio.Event()

    def _route(self) -> None:
        on = self.http.on
        on(
            "GET",
            "/api/setup",
            lambda _: FakeResponse(200, SetupStatus(self.is_setup, self.registration)),
        )
        on("POST", "/api/setup", lambda _: self._set_up())
        on("POST", "/api/auth/login", self._log_in)
        on("POST", "/api/auth/register", self._log_in)
        on("GET", "/api/auth/me", lambda _: self._me())
        on("GET", "/api/conversations", self._list)
        on(
            "POST",
            "/api/conversations",
            lambda _: FakeResponse(201, ConversationCreated(CONVERSATION_ID)),
        )
        conversation_path = f"/api/conversations/{CONVERSATION_ID}"
        on(
            "GET",
            conversation_path,
            lambda _: self._result_of(self.conversation.show_conversation(CONVERSATION_ID)),
        )
        on("PATCH", conversation_path, self._rename)
        on("DELETE", conversation_path, lambda _: self._delete())
        on("DELETE", f"{conversation_path}/participants/{ME}", lambda _: self._leave())
        on(
            "GET",
            f"{conversation_path}/participants",
            lambda _: self._result_of(self.conversation.list_participants(CONVERSATION_ID)),
        )
        on("POST", f"{conversation_path}/participants", self._add)
        on("GET", f"{conversation_path}/threads", self._threads)
        on("GET", f"{conversation_path}/presence", lambda _: FakeResponse(200, self._presence()))
        on("POST", "/api/presence/heartbeat", FakeResponse(204))
        on("POST", "/api/typing", FakeResponse(204))
        on(
            "GET",
            f"{conversation_path}/unread",
            lambda _: self._result_of(self.conversation.list_unread(CONVERSATION_ID)),
        )
        on("GET", f"/api/stream/conversations/{CONVERSATION_ID}", self._stream)
        on("GET", "/api/stream", self._stream_all)
        on("POST", f"/api/threads/{CONVERSATION_ID}/root", self._post)
        on("GET", "/api/users", self._search)
        on("GET", "/api/models", lambda _: self._models())
        on("POST", "/api/admin/users", self._make_account)
        self.route_messages()

    def route_messages(self) -> None:
        """Serve the messages of the conversation; a post calls it for new messages."""
        on = self.http.on
        for message in self.conversation.messages:
            on("GET", f"/api/threads/{message}/tree", self._tree)
            on("GET", f"/api/threads/{message}/messages", self._list_messages)
            on("POST", f"/api/threads/{message}/read", self._mark_read)
            on("POST", f"/api/threads/{message}/unread", self._mark_unread)
            on("GET", f"/api/messages/{message}", self._message)
            on("POST", f"/api/messages/{message}/reply", self._post)
            on("POST", f"/api/messages/{message}/cancel", self._cancel)
            for verb in ("edit", "delete", "restore"):
                on("POST", f"/api/messages/{message}/{verb}", self._change)
            on("POST", f"/api/messages/{message}/regenerate", self._regenerate)
            on("GET", f"/api/messages/{message}/revisions", self._revisions)

    def _result_of(self, coroutine: Any) -> FakeResponse:
        """Run a coroutine of the fake conversation, which never waits; 404 for a removed user."""
        if ME not in self.conversation.people:
            coroutine.close()
            return problem(404, "RGP.NOT_FOUND", "There is no such conversation.")
        try:
            coroutine.send(None)
        except StopIteration as finished:
            return FakeResponse(200, finished.value)
        raise AssertionError("the fake conversation waited")

    def _presence(self) -> PresenceList:
        users = [
            UserPresence(user_id, self.conversation.presence.get(user_id, "offline"))
            for user_id in self.conversation.people
        ]
        return PresenceList(users, self.typing, self.conversation.position)

    def _models(self) -> FakeResponse:
        if self.models_fail:
            return problem(503, "RGP.UNAVAILABLE", "The models are away.")
        return FakeResponse(200, ModelList(self.models))

    def _me(self) -> FakeResponse:
        if self.signed_in:
            return FakeResponse(200, Me(USER))
        return problem(401, "RGP.AUTH.MISSING_SESSION", "Sign in first.")

    def _set_up(self) -> FakeResponse:
        self.is_setup = True
        return FakeResponse(201, {"user": USER})

    def _log_in(self, request: RecordedRequest) -> FakeResponse:
        if msgspec.json.decode(request.body)["password"] != "correct horse":
            return problem(401, "RGP.AUTH.INVALID_CREDENTIALS", "Name or password is wrong.")
        self.signed_in = True
        return FakeResponse(200, LOGGED_IN, cookies(1))

    def _list(self, request: RecordedRequest) -> FakeResponse:
        wants_archived = request.query.get("archived") == "true"
        is_archived = self.conversation.info.archived_at is not None
        if ME not in self.conversation.people or wants_archived != is_archived:
            return FakeResponse(200, ConversationList([]))
        listed = self._result_of(self.conversation.show_conversation(CONVERSATION_ID)).body
        return FakeResponse(200, ConversationList([listed]))

    def _threads(self, request: RecordedRequest) -> FakeResponse:
        return self._result_of(
            self.conversation.list_threads(CONVERSATION_ID, cursor=request.query.get("cursor"))
        )

    def _tree(self, request: RecordedRequest) -> FakeResponse:
        around = request.query.get("around")
        root = _id_in_path(request)
        if around and UUID(around) not in self.conversation.messages:
            return problem(404, "RGP.NOT_FOUND", "There is no such message.")
        return self._result_of(
            self.conversation.list_tree(
                root,
                cursor=request.query.get("cursor_path"),
                before=request.query.get("before_path"),
                around=UUID(around) if around else None,
                limit=int(request.query.get("limit", 200)),
            )
        )

    def _list_messages(self, request: RecordedRequest) -> FakeResponse:
        return self._result_of(
            self.conversation.list_messages(
                _id_in_path(request),
                after_seq=int(request.query.get("after_seq", 0)),
                limit=int(request.query.get("limit", 200)),
            )
        )

    def _mark_read(self, request: RecordedRequest) -> FakeResponse:
        seq = msgspec.json.decode(request.body).get("seq")
        return FakeResponse(200, self.conversation.mark_read(_id_in_path(request), seq))

    def _mark_unread(self, request: RecordedRequest) -> FakeResponse:
        message_id = UUID(msgspec.json.decode(request.body)["message_id"])
        return FakeResponse(200, self.conversation.mark_unread(_id_in_path(request), message_id))

    def _message(self, request: RecordedRequest) -> FakeResponse:
        return FakeResponse(200, self.conversation.messages[_id_in_path(request)])

    def _rename(self, request: RecordedRequest) -> FakeResponse:
        changes = msgspec.json.decode(request.body)
        if "archived" in changes:
            changes["archived_at"] = START if changes.pop("archived") else None
        self.conversation.update_settings(changes)
        return self._result_of(self.conversation.show_conversation(CONVERSATION_ID))

    def _delete(self) -> FakeResponse:
        self.conversation.delete_all()
        return FakeResponse(204)

    def _leave(self) -> FakeResponse:
        self.conversation.remove(ME)
        return FakeResponse(204)

    def _search(self, request: RecordedRequest) -> FakeResponse:
        query = request.query.get("query", "")
        people = [
            UserSearchResult(UUID(int=55), "zoe", "Zoe [b]", presence="away"),
            UserSearchResult(ME, "me", presence="online"),
        ]
        return FakeResponse(
            200, UserSearchResults([p for p in people if p.username.startswith(query)])
        )

    def _make_account(self, request: RecordedRequest) -> FakeResponse:
        body = msgspec.json.decode(request.body)
        account = AdminUser(UUID(int=66), body["email"], body["username"], ["member"])
        return FakeResponse(201, account)

    def _add(self, request: RecordedRequest) -> FakeResponse:
        body = msgspec.json.decode(request.body)
        self.conversation.add(UUID(body["user_id"]), body.get("role", "member"))
        return FakeResponse(204)

    def _post(self, request: RecordedRequest) -> FakeResponse:
        if self.failing_posts:
            self.failing_posts -= 1
            return problem(503, "RGP.UNAVAILABLE", "The database is away.")
        if self.posts_are_limited:
            detail = "Too many messages; try again in 1 second."
            return problem(429, "RGP.RATE_LIMITED", detail, retry_after="1")
        key = request.headers["idempotency-key"]
        if key not in self._keys:
            parent = None if request.path.endswith("/root") else _id_in_path(request)
            text = msgspec.json.decode(request.body)["content"]
            self._keys[key] = self._posted(parent, text)
        self.route_messages()
        return FakeResponse(201, self._keys[key])

    def _posted(self, parent: UUID | None, text: str) -> PostedMessage:
        message_id = self.conversation.post(parent, text=text, author=ME)
        message = self.conversation.messages[message_id]
        answer_id = None
        if self.auto_answer:
            answer_id = self.conversation.post(message_id, role="assistant")
        return PostedMessage(
            message_id, message.root_id, CONVERSATION_ID, message.depth, parent, answer_id
        )

    def _cancel(self, request: RecordedRequest) -> FakeResponse:
        self.conversation.finish(_id_in_path(request), "cancelled")
        return FakeResponse(202, CancelResult(_id_in_path(request), "cancelled"))

    def _change(self, request: RecordedRequest) -> FakeResponse:
        """Edit, delete or restore a message, unless `refused_changes` says why not."""
        if self.refused_changes:
            return problem(403, "RGP.RBAC.FORBIDDEN", self.refused_changes)
        message_id = _id_in_path(request)
        if request.path.endswith("/edit"):
            text = msgspec.json.decode(request.body)["content"]
            self.revisions.setdefault(message_id, []).insert(
                0, self.conversation.messages[message_id].content
            )
            self.conversation.edit(message_id, text)
        elif request.path.endswith("/delete"):
            self.conversation.delete(message_id)
        else:
            self.conversation.restore(message_id)
        return FakeResponse(204)

    def _regenerate(self, request: RecordedRequest) -> FakeResponse:
        old = self.conversation.messages[_id_in_path(request)]
        new = self.conversation.post(old.parent_id, role="assistant")
        self.route_messages()
        posted = PostedMessage(new, old.root_id, CONVERSATION_ID, old.depth, old.parent_id, new)
        return FakeResponse(201, posted)

    def _revisions(self, request: RecordedRequest) -> FakeResponse:
        texts = self.revisions.get(_id_in_path(request), [])
        listed = [
            Revision(len(texts) - index, text, START, "edited", START, ME)
            for index, text in enumerate(texts)
        ]
        return FakeResponse(200, RevisionList(listed))

    def _stream(self, request: RecordedRequest) -> FakeResponse:
        if not self.signed_in:
            return problem(401, "RGP.AUTH.EXPIRED", "Your session ended.")
        position = request.headers.get("last-event-id", "evt_0")
        number = int(position.removeprefix("evt_"))
        opened = events.StreamOpen(events.StreamOpenPayload(position))
        return FakeResponse(stream=self._frames(number, b"id: evt_%d\n" % number + _frame(opened)))

    def _stream_all(self, request: RecordedRequest) -> FakeResponse:
        if not self.signed_in:
            return problem(401, "RGP.AUTH.EXPIRED", "Your session ended.")
        named = request.query.get("positions", "")
        position = named.partition(":")[2] or self.conversation.position
        is_member = ME in self.conversation.people
        positions = {CONVERSATION_ID: position} if is_member else {}
        opened = events.StreamOpen(events.StreamOpenPayload(positions=positions))
        number = int(position.removeprefix("evt_"))
        return FakeResponse(stream=self._frames(number, _frame(opened, with_id=False)))

    async def _frames(self, position: int, opening: bytes) -> AsyncIterator[bytes]:
        self.streams += 1
        ended = self._ended
        conversation = self.conversation
        with_id = opening.startswith(b"id:")
        yield b"retry: 10\n" + opening
        behind = [e for e in conversation.log if int(str(e.id).removeprefix("evt_")) > position]
        sent = len(conversation.sent)
        for event in behind:
            yield _frame(event, with_id=with_id)
        while not ended.is_set():
            for event in conversation.sent[sent:]:
                yield _frame(event, with_id=with_id)
                sent += 1
            await asyncio.sleep(0.005)


def _frame(event: events.Event, *, with_id: bool = True) -> bytes:
    head = f"id: {event.id}\n".encode() if event.id and with_id else b""
    return b"%bdata: %b\n\n" % (head, encode(event))


def _id_in_path(request: RecordedRequest) -> UUID:
    """Return the id in a request's path."""
    return UUID(urlsplit(request.path).path.split("/")[3])


@asynccontextmanager
async def fake_chat_server(
    conversation: FakeConversation | None = None,
) -> AsyncIterator[FakeChatServer]:
    """Serve a conversation within the block."""
    async with fake_http_server() as http_server:
        chat_server = FakeChatServer(http_server, conversation or FakeConversation())
        chat_server.conversation.read_all()
        yield chat_server
        chat_server.cut_streams()
