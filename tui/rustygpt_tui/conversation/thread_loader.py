"""Loads parts of threads: the page around a message, the pages before and after, single messages.

A thread of any size is loaded page by page around the place that is shown. What is loaded stays in
the session's state.
"""

from collections.abc import Iterable
from functools import partial
from uuid import UUID

from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.errors import NotFound
from rustygpt_tui.store.load import THREAD_END, with_ahead, with_mark_result, with_tree
from rustygpt_tui.store.state import Changes, State
from rustygpt_tui.store.tree import MessageTree, PathRange

WINDOW_SIZE = 100
"""Messages of the page around a place."""
PAGE_SIZE = 200
"""Messages of each further page."""
MAX_SEARCHED_PAGES = 10
"""Pages that are loaded at most to find the next reply to the same message."""
SEARCH_PAGE_SIZE = 1_000


class ThreadLoader:
    """Loads parts of the threads of one conversation. Each method raises ClientError."""

    def __init__(self, session: ConversationSession) -> None:
        self._session = session
        self._client = session.client

    async def open_at(self, root_id: UUID, message_id: UUID) -> PathRange:
        """Return a complete range with a message in it; it is fetched unless it is loaded.

        Raises NotFound when the thread has no such message.
        """
        if (tree := self._tree(root_id)) and (loaded := tree.range_at(message_id)):
            return loaded
        page = await self._client.list_tree(root_id, around=message_id, limit=WINDOW_SIZE)
        self._session.update(lambda state: with_tree(state, page), Changes())
        found = self._loaded_tree(root_id).range_at(message_id)
        if found is None:
            raise NotFound("The message is not in this thread any more.")
        return found

    async def open_end(self, root_id: UUID) -> PathRange:
        """Return the complete range at the end of a thread; it is fetched unless it is loaded."""
        tree = self._tree(root_id)
        if tree is None or not tree.ranges or not tree.ranges[-1].has_end:
            page = await self._client.list_tree(root_id, before=THREAD_END, limit=WINDOW_SIZE)
            self._session.update(lambda state: with_tree(state, page, before=THREAD_END), Changes())
        return self._loaded_tree(root_id).ranges[-1]

    async def extend(self, root_id: UUID, loaded: PathRange, *, down: bool) -> PathRange:
        """Return a range with the next page after it, or before it; itself at the thread's end."""
        if loaded.has_end if down else loaded.has_start:
            return loaded
        if down:
            page = await self._client.list_tree(root_id, cursor=loaded.end, limit=PAGE_SIZE)
            self._session.update(lambda state: with_tree(state, page, after=loaded.end), Changes())
        else:
            page = await self._client.list_tree(root_id, before=loaded.start, limit=PAGE_SIZE)
            self._session.update(
                lambda state: with_tree(state, page, before=loaded.start), Changes()
            )
        return self._enclosing(root_id, loaded)

    async def load_ahead(self, root_id: UUID) -> None:
        """Load the next messages above the reader's mark, unless all of them are known."""
        before = self._session.loaded_state.readings.get(root_id)
        if before is None or not before.is_mark_known:
            result = await self._client.mark_read(root_id, seq=0)  # moves nothing: reads the mark
            self._session.update(lambda state: with_mark_result(state, result), Changes())
        reading = self._session.loaded_state.readings[root_id]
        if not reading.is_complete:
            after = reading.next_after
            page = await self._client.list_messages(root_id, after_seq=after, limit=PAGE_SIZE)
            unread = Changes(unread=frozenset({root_id}))
            self._session.update(lambda state: with_ahead(state, page, after_seq=after), unread)

    async def get_messages(self, ids: Iterable[UUID]) -> list[MessageView]:
        """Return single messages; those that are gone are left out."""
        found = []
        for id_ in ids:
            try:
                found.append(await self._client.get_message(id_))
            except NotFound:
                continue
        return found

    async def find_sibling(
        self, message: MessageView, step: int, max_pages: int = MAX_SEARCHED_PAGES
    ) -> MessageView | None:
        """Return the next (1) or previous (-1) reply to the same message, or None.

        None also when it is more than `max_pages` pages away.
        """
        cursor = message.path
        for _ in range(max_pages):
            page = await self._client.list_tree(
                message.root_id,
                cursor=cursor if step > 0 else None,
                before=cursor if step < 0 else None,
                limit=SEARCH_PAGE_SIZE,
            )
            messages = page.messages if step > 0 else page.messages[::-1]
            for other in messages:
                if other.parent_id == message.parent_id:
                    return other
                if other.depth < message.depth:
                    return None
            next_cursor = page.next_cursor if step > 0 else page.prev_cursor
            if next_cursor is None:
                return None
            cursor = next_cursor
        return None

    async def load_answers(self, question: MessageView) -> list[UUID]:
        """Load the assistant's answers to a message, and return their ids in their order.

        Answers more than `MAX_SEARCHED_PAGES` pages below it are left out.
        """
        answers: list[UUID] = []
        cursor = question.path
        for _ in range(MAX_SEARCHED_PAGES):
            page = await self._client.list_tree(
                question.root_id, cursor=cursor, limit=SEARCH_PAGE_SIZE
            )
            self._session.update(partial(with_tree, page=page, after=cursor), Changes())
            for message in page.messages:
                if message.depth <= question.depth:
                    return answers
                if message.parent_id == question.id and message.role == "assistant":
                    answers.append(message.id)
            if page.next_cursor is None:
                break
            cursor = page.next_cursor
        return answers

    def _enclosing(self, root_id: UUID, loaded: PathRange) -> PathRange:
        ranges = self._loaded_tree(root_id).ranges
        return next(r for r in ranges if r.start <= loaded.start and r.end >= loaded.end)

    def _tree(self, root_id: UUID) -> MessageTree | None:
        return self._state.trees.get(root_id)

    def _loaded_tree(self, root_id: UUID) -> MessageTree:
        return self._state.trees[root_id]

    @property
    def _state(self) -> State:
        return self._session.loaded_state
