"""What a client fetches over HTTP, and what of its state the events alone have to keep true."""

from typing import Any
from uuid import UUID

from tests.support.api import Person

from rustygpt_shared import codec
from rustygpt_shared.models.conversations import (
    Conversation,
    ParticipantList,
    ThreadList,
    UnreadList,
)
from rustygpt_shared.models.messages import Tree
from rustygpt_tui.store.load import load, with_tree
from rustygpt_tui.store.state import State


class Refused(Exception):
    """A snapshot was not to be had."""


class Source:
    """Snapshots as a client fetches them."""

    def __init__(self, person: Person) -> None:
        self._person = person

    async def _get(self, path: str, shape: Any, **query: Any) -> Any:
        asked = {name: value for name, value in query.items() if value is not None}
        answer = await self._person.client.get(path, params=asked)
        if answer.status_code != 200:
            raise Refused(answer.status_code, answer.text)
        return codec.decode(answer.content, shape)

    async def show_conversation(self, id: UUID) -> Conversation:
        return await self._get(f"/api/conversations/{id}", Conversation)

    async def list_participants(self, id: UUID) -> ParticipantList:
        return await self._get(f"/api/conversations/{id}/participants", ParticipantList)

    async def list_threads(
        self, id: UUID, *, cursor: str | None = None, limit: int | None = 200
    ) -> ThreadList:
        path = f"/api/conversations/{id}/threads"
        return await self._get(path, ThreadList, cursor=cursor, limit=limit)

    async def unread(self, id: UUID) -> UnreadList:
        return await self._get(f"/api/conversations/{id}/unread", UnreadList)

    async def tree(
        self, root_id: UUID, *, cursor: str | None = None, limit: int | None = 1_000
    ) -> Tree:
        path = f"/api/threads/{root_id}/tree"
        return await self._get(path, Tree, cursor_path=cursor, limit=limit)


async def load_all(source: Source, room: UUID, me: UUID) -> State:
    """A conversation with every thread's messages, fetched now."""
    return await with_all_trees(source, await load(source, room, me))


async def with_all_trees(source: Source, state: State) -> State:
    """The state with the messages of threads that are not loaded yet."""
    for thread in state.threads:
        if thread.root_id not in state.trees:
            state = with_tree(state, await source.tree(thread.root_id))
    return state


def durable(state: State) -> dict[str, Any]:
    """What the law of state speaks of."""
    return {
        "info": state.info,
        "position": state.position,
        "participants": dict(state.participants),
        "threads": state.threads,
        "trees": {root: list(tree) for root, tree in state.trees.items()},
    }
