"""The plain room of `room`, served over a real socket as the chat's routes: for the screens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from msgspec import structs
from tests.support.room import ME, ROOM, START, Room
from tests.support.samples import cookies
from tests.support.wire_server import Asked, Reply, WireServer, problem, wire_server

from rustygpt_shared import events
from rustygpt_shared.codec import encode
from rustygpt_shared.models.conversations import ConversationCreated, ConversationList
from rustygpt_shared.models.messages import Cancelled, Marked, Posted
from rustygpt_shared.models.presence import PresenceList, Seen, Turn
from rustygpt_shared.models.users import (
    AdminUser,
    FoundPerson,
    LoggedIn,
    Me,
    PersonList,
    Session,
    Setup,
    User,
)

USER = User(ME, "me@example.org", "me", ["admin"])
LOGGED_IN = LoggedIn(
    USER,
    Session(UUID(int=7), START, START + timedelta(hours=8), START + timedelta(days=7)),
    "csrf-1",
)


class ChatWire:
    """A room, the server that serves it, and switches to make it misbehave."""

    def __init__(self, wire: WireServer, room: Room) -> None:
        self.wire = wire
        self.room = room
        self.is_setup = True
        self.signed_in = False
        self.answers = True
        self.refuse_posts = 0
        self.streams = 0
        self.typing: list[Turn] = []
        self._ended = asyncio.Event()
        self._keys: dict[str, Posted] = {}
        self._route()

    @property
    def origin(self) -> str:
        """Where it listens."""
        return self.wire.origin

    def cut_streams(self) -> None:
        """End every open stream, as a server that goes away does."""
        self._ended.set()
        self._ended = asyncio.Event()

    def _route(self) -> None:
        on = self.wire.on
        on("GET", "/api/setup", lambda _: Reply(200, Setup(self.is_setup)))
        on("POST", "/api/setup", lambda _: self._set_up())
        on("POST", "/api/auth/login", self._log_in)
        on("GET", "/api/auth/me", lambda _: self._me())
        on("GET", "/api/conversations", lambda _: self._list())
        on("POST", "/api/conversations", lambda _: Reply(201, ConversationCreated(ROOM)))
        here = f"/api/conversations/{ROOM}"
        on("GET", here, lambda _: self._ask(self.room.show_conversation(ROOM)))
        on("PATCH", here, self._rename)
        on("GET", f"{here}/participants", lambda _: self._ask(self.room.list_participants(ROOM)))
        on("POST", f"{here}/participants", self._add)
        on("GET", f"{here}/threads", self._threads)
        on("GET", f"{here}/presence", lambda _: Reply(200, self._there()))
        on("POST", "/api/presence/heartbeat", Reply(204))
        on("POST", "/api/typing", Reply(204))
        on("GET", f"{here}/unread", lambda _: self._ask(self.room.unread(ROOM)))
        on("GET", f"/api/stream/conversations/{ROOM}", self._stream)
        on("POST", f"/api/threads/{ROOM}/root", self._post)
        on("GET", "/api/users", self._search)
        on("POST", "/api/admin/users", self._make_account)
        self.route_messages()

    def route_messages(self) -> None:
        """Serve the messages there are; called again by itself when there are more."""
        on = self.wire.on
        for message in self.room.messages:
            on("GET", f"/api/threads/{message}/tree", self._tree)
            on("POST", f"/api/threads/{message}/read", lambda a: Reply(200, Marked(_in(a), 0)))
            on("POST", f"/api/messages/{message}/reply", self._post)
            on("POST", f"/api/messages/{message}/cancel", self._cancel)

    def _ask(self, asked: Any) -> Reply:
        """The room's coroutines never wait, so they are run to their end at once."""
        try:
            asked.send(None)
        except StopIteration as answer:
            return Reply(200, answer.value)
        raise AssertionError("the room waited")

    def _there(self) -> PresenceList:
        users = [Seen(one, self.room.presence.get(one, "offline")) for one in self.room.people]
        return PresenceList(users, self.typing, self.room.position)

    def _me(self) -> Reply:
        if self.signed_in:
            return Reply(200, Me(USER))
        return problem(401, "RGP.AUTH.MISSING_SESSION", "Sign in first.")

    def _set_up(self) -> Reply:
        self.is_setup = True
        return Reply(201, {"user": USER})

    def _log_in(self, asked: Asked) -> Reply:
        if msgspec.json.decode(asked.body)["password"] != "correct horse":
            return problem(401, "RGP.AUTH.INVALID_CREDENTIALS", "Name or password is wrong.")
        self.signed_in = True
        return Reply(200, LOGGED_IN, cookies(1))

    def _list(self) -> Reply:
        shown = self._ask(self.room.show_conversation(ROOM)).body
        return Reply(200, ConversationList([shown]))

    def _threads(self, asked: Asked) -> Reply:
        return self._ask(self.room.list_threads(ROOM, cursor=asked.query.get("cursor")))

    def _tree(self, asked: Asked) -> Reply:
        return self._ask(self.room.tree(_in(asked), cursor=asked.query.get("cursor_path")))

    def _rename(self, asked: Asked) -> Reply:
        self.room.settle(msgspec.json.decode(asked.body))
        return self._ask(self.room.show_conversation(ROOM))

    def _search(self, asked: Asked) -> Reply:
        query = asked.query.get("query", "")
        people = [
            FoundPerson(UUID(int=55), "zoe", "Zoe [b]", presence="away"),
            FoundPerson(ME, "me", presence="online"),
        ]
        return Reply(200, PersonList([p for p in people if p.username.startswith(query)]))

    def _make_account(self, asked: Asked) -> Reply:
        body = msgspec.json.decode(asked.body)
        made = AdminUser(UUID(int=66), body["email"], body["username"], ["member"])
        return Reply(201, made)

    def _add(self, asked: Asked) -> Reply:
        body = msgspec.json.decode(asked.body)
        self.room.add(UUID(body["user_id"]), body.get("role", "member"))
        return Reply(204)

    def _post(self, asked: Asked) -> Reply:
        if self.refuse_posts:
            self.refuse_posts -= 1
            return problem(503, "RGP.UNAVAILABLE", "The database is away.")
        key = asked.headers["idempotency-key"]
        if key not in self._keys:
            parent = None if asked.path.endswith("/root") else _in(asked)
            text = msgspec.json.decode(asked.body)["content"]
            self._keys[key] = self._posted(parent, text)
        self.route_messages()
        return Reply(201, self._keys[key])

    def _posted(self, parent: UUID | None, text: str) -> Posted:
        new = self.room.post(parent, text=text)
        mine = structs.replace(self.room.messages[new], author_user_id=ME)
        self.room.messages[new] = mine
        self.room.tell(events.MessageUpdated, events.MessageShown(mine))
        if self.answers:
            self.room.post(new, role="assistant")
        return Posted(new, mine.root_id, ROOM, mine.depth, parent)

    def _cancel(self, asked: Asked) -> Reply:
        self.room.finish(_in(asked), "cancelled")
        return Reply(202, Cancelled(_in(asked), "cancelled"))

    def _stream(self, asked: Asked) -> Reply:
        if not self.signed_in:
            return problem(401, "RGP.AUTH.EXPIRED", "Your session ended.")
        position = asked.headers.get("last-event-id", "evt_0")
        return Reply(stream=self._frames(int(position.removeprefix("evt_"))))

    async def _frames(self, position: int) -> AsyncIterator[bytes]:
        self.streams += 1
        ended, room = self._ended, self.room
        opened = events.StreamOpen(events.Opened(f"evt_{position}"))
        yield b"retry: 10\nid: evt_%d\n" % position + _frame(opened)
        behind = [e for e in room.log if int(str(e.id).removeprefix("evt_")) > position]
        sent = len(room.passing)
        for event in behind:
            yield _frame(event)
        while not ended.is_set():
            for event in room.passing[sent:]:
                yield _frame(event)
                sent += 1
            await asyncio.sleep(0.005)


def _frame(event: events.Event) -> bytes:
    head = f"id: {event.id}\n".encode() if event.id else b""
    return b"%bdata: %b\n\n" % (head, encode(event))


def _in(asked: Asked) -> UUID:
    """The id in a path."""
    return UUID(urlsplit(asked.path).path.split("/")[3])


@asynccontextmanager
async def chat_wire(room: Room | None = None) -> AsyncIterator[ChatWire]:
    """A room that is served for as long as the block runs."""
    async with wire_server() as wire:
        chat = ChatWire(wire, room or Room())
        yield chat
        chat.cut_streams()
