"""Snapshots that a client fetches over HTTP, and the part of its state that events update."""

from typing import Any
from uuid import UUID

from tests.support.servers.in_process_server import HttpUser

from rustygpt_shared import codec
from rustygpt_shared.models.conversations import (
    Conversation,
    ParticipantList,
    ThreadList,
    UnreadList,
)
from rustygpt_shared.models.messages import ThreadPage
from rustygpt_tui.store.load import load, with_tree
from rustygpt_tui.store.state import State


class SnapshotRejected(Exception):
    """The server rejected the request for a snapshot."""


class HttpSnapshotSource:
    """Snapshots of a user, fetched over HTTP."""

    def __init__(self, person: HttpUser) -> None:
        self._person = person

    async def _get(self, path: str, model: Any, **query: Any) -> Any:
        parameters = {name: value for name, value in query.items() if value is not None}
        response = await self._person.client.get(path, params=parameters)
        if response.status_code != 200:
            raise SnapshotRejected(response.status_code, response.text)
        return codec.decode(response.content, model)

    async def show_conversation(self, id: UUID) -> Conversation:
        return await self._get(f"/api/conversations/{id}", Conversation)

    async def list_participants(self, id: UUID) -> ParticipantList:
        return await self._get(f"/api/conversations/{id}/participants", ParticipantList)

    async def list_threads(
        self, id: UUID, *, cursor: str | None = None, limit: int | None = 200
    ) -> ThreadList:
        path = f"/api/conversations/{id}/threads"
        return await self._get(path, ThreadList, cursor=cursor, limit=limit)

    async def list_unread(self, id: UUID) -> UnreadList:
        return await self._get(f"/api/conversations/{id}/unread", UnreadList)

    async def list_tree(
        self, root_id: UUID, *, cursor: str | None = None, limit: int | None = 1_000
    ) -> ThreadPage:
        path = f"/api/threads/{root_id}/tree"
        return await self._get(path, ThreadPage, cursor_path=cursor, limit=limit)


async def load_all(source: HttpSnapshotSource, conversation_id: UUID, me: UUID) -> State:
    """Return a conversation with all messages of all threads, fetched now."""
    return await with_all_trees(source, await load(source, conversation_id, me))


async def with_all_trees(source: HttpSnapshotSource, state: State) -> State:
    """Return the state with the messages of the threads that are not loaded yet."""
    for thread in state.threads:
        if thread.root_id not in state.trees:
            state = with_tree(state, await source.list_tree(thread.root_id))
    return state


def durable_state(state: State) -> dict[str, Any]:
    """Return the part of a state that durable events keep up to date."""
    return {
        "info": state.info,
        "position": state.position,
        "participants": dict(state.participants),
        "threads": state.threads,
        "trees": {root: list(tree) for root, tree in state.trees.items()},
    }
