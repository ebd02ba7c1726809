"""Completions that are stored in a conversation: a question, and the assistant's answer to it.

The question is posted as any other. The answer manager generates the answer, whether its reader
stays or not. How messages are posted belongs to `messages`.
"""

import asyncio
import re
from collections.abc import Coroutine
from typing import Any, Final
from uuid import UUID

from rustygpt_server.assistant.follower import AnswerFollower
from rustygpt_server.assistant.manager import AnswerManager
from rustygpt_server.assistant.provider import CompletionChunk
from rustygpt_server.clock import Clock
from rustygpt_server.db.messages import PostResult
from rustygpt_server.errors import (
    Conflict,
    ModelFailed,
    NotFound,
    Unavailable,
)
from rustygpt_server.rates import Rate
from rustygpt_server.services.completions import CompletionEnd, CompletionPart
from rustygpt_server.services.conversations import Conversations
from rustygpt_server.services.messages import Messages
from rustygpt_server.services.threads import Threads
from rustygpt_shared.chat_completions import StoredPlace, ThreadPlace
from rustygpt_shared.models.messages import MessageView, Usage
from rustygpt_shared.requests import PostMessage

_MENTION: Final = "@assistant"
_CHECK_SECONDS: Final = 2
"""How long a reader who was removed from the conversation gets more text at most."""


class StoredCompletion:
    """An answer as its reader gets it; the answer continues when the reader leaves."""

    def __init__(
        self,
        actor: UUID,
        place: StoredPlace,
        clock: Clock,
        threads: Threads,
        follower: AnswerFollower | None,
    ) -> None:
        """Without a `follower` the answer has ended."""
        self.id = f"chatcmpl-{place.answer_id.hex}"
        self.created = clock.now()
        self.place: StoredPlace | None = place
        self._actor = actor
        self._answer_id = place.answer_id
        self._clock = clock
        self._checked_at = clock.monotonic()
        self._threads = threads
        self._follower = follower
        self._sent = 0
        self._sent_reasoning = 0
        self._ended: MessageView | None = None

    async def next(self, seconds: float) -> CompletionPart | None:
        """Return the next part; None after `seconds` of silence.

        Raises ModelFailed, and NotFound or Forbidden for a reader who may read it no longer.
        """
        if self._ended is not None:
            return _end_of(self._ended)
        if self._follower is not None and not self._follower.has_ended:
            if not await self._follower.wait(seconds):
                return None
            await self._check_reader()
            return self._counted(self._follower.new_text())
        self._ended = await self._threads.get_message(self._actor, self._answer_id)
        rest = CompletionChunk(
            content=self._ended.content[self._sent :],
            reasoning=(self._ended.reasoning or "")[self._sent_reasoning :],
        )
        return rest if rest.content or rest.reasoning else _end_of(self._ended)

    async def close(self) -> None:
        """Follow the answer no longer."""
        if self._follower is not None:
            self._follower.close()

    async def _check_reader(self) -> None:
        """Check now and then that the reader is still in the conversation, as streams are."""
        now = self._clock.monotonic()
        if now - self._checked_at >= _CHECK_SECONDS:
            self._checked_at = now
            await self._threads.get_message(self._actor, self._answer_id)

    def _counted(self, chunk: CompletionChunk) -> CompletionChunk:
        self._sent += len(chunk.content)
        self._sent_reasoning += len(chunk.reasoning)
        return chunk


class StoredCompletions:
    """Posts questions, and follows their answers."""

    def __init__(
        self,
        conversations: Conversations,
        threads: Threads,
        messages: Messages,
        answer_manager: AnswerManager,
        clock: Clock,
    ) -> None:
        self._conversations = conversations
        self._threads = threads
        self._messages = messages
        self._answer_manager = answer_manager
        self._clock = clock
        self._posting: set[asyncio.Task[Any]] = set()

    async def complete(
        self, actor: UUID, place: ThreadPlace, question: PostMessage, rate: Rate | None
    ) -> StoredCompletion:
        """Post a question, and follow its answer; the completion has to be closed.

        A question whose reader leaves meanwhile is posted, and answered, all the same. Raises
        Conflict where the assistant does not answer, and the errors of a post.
        """
        question = await self._prepared(actor, place, question)
        return await self._to_completion(self._post(actor, place, question, rate))

    async def _prepared(
        self, actor: UUID, place: ThreadPlace, question: PostMessage
    ) -> PostMessage:
        """Return the question as its conversation expects it; check the place."""
        conversation = await self._conversations.show_conversation(actor, place.conversation_id)
        if conversation.assistant_mode == "off":
            raise Conflict("The assistant is off in this conversation; switch it on first.")
        if place.parent_message_id is not None:
            parent = await self._threads.get_message(actor, place.parent_message_id)
            if parent.conversation_id != place.conversation_id:
                raise NotFound("There is no such message in this conversation.")
        is_mentioned = re.match(rf"{_MENTION}(?!\w)", question.content, re.IGNORECASE)
        if conversation.assistant_mode == "mention" and not is_mentioned:
            return PostMessage(f"{_MENTION} {question.content}", question.role, question.model)
        return question

    async def _post(
        self, actor: UUID, place: ThreadPlace, question: PostMessage, rate: Rate | None
    ) -> StoredCompletion:
        if place.parent_message_id is None:
            posting = self._messages.post_root(actor, place.conversation_id, question, None, rate)
        else:
            posting = self._messages.reply(actor, place.parent_message_id, question, None, rate)
        stored = _place_of(await posting)
        follower = self._answer_manager.follow(stored.answer_id)
        return StoredCompletion(actor, stored, self._clock, self._threads, follower)

    async def _to_completion(
        self, coroutine: Coroutine[Any, Any, StoredCompletion]
    ) -> StoredCompletion:
        """Finish a post also when its reader leaves: an answer that was claimed has to begin."""
        task = asyncio.create_task(coroutine)
        self._posting.add(task)
        task.add_done_callback(self._posting.discard)
        return await asyncio.shield(task)


def _place_of(result: PostResult) -> StoredPlace:
    posted = result.posted
    if posted.answer_id is None:
        raise Unavailable("The question was posted, and no answer could begin; ask again.")
    return StoredPlace(posted.conversation_id, posted.root_id, posted.message_id, posted.answer_id)


def _end_of(answer: MessageView) -> CompletionEnd:
    """Return the regular end of an answer; raise ModelFailed, or BudgetUsedUp, for another one."""
    if answer.finish_reason in ("stop", "length"):
        return CompletionEnd(answer.finish_reason, answer.usage or Usage(0, 0, 0))
    if answer.error is None:
        raise ModelFailed("The answer was stopped.", "stopped", may_retry=False)
    code = "timeout" if answer.finish_reason == "timeout" else answer.error.code
    raise ModelFailed(answer.error.message, code, may_retry=False)
