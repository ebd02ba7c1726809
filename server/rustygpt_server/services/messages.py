"""Posting messages, and starting and cancelling the assistant's answers."""

from uuid import UUID

from rustygpt_server.assistant.answer import AnswerTarget
from rustygpt_server.assistant.manager import AnswerManager
from rustygpt_server.db import answers
from rustygpt_server.db.database import Database
from rustygpt_server.db.messages import NewMessage, Post, PostResult
from rustygpt_server.db.rows import IdempotencyKey
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.runtime import Runtime
from rustygpt_server.services.post_writer import PostWriter
from rustygpt_server.services.typing_status import TypingService
from rustygpt_shared import requests
from rustygpt_shared.ids import new_id
from rustygpt_shared.models.messages import CancelResult


class Messages:
    """Posts messages."""

    def __init__(
        self,
        db: Database,
        hub: Hub,
        answer_manager: AnswerManager,
        typing: TypingService,
        runtime: Runtime,
    ) -> None:
        self._db = db
        self._hub = hub
        self._answer_manager = answer_manager
        self._typing = typing
        self._clock = runtime.clock
        self._metrics = runtime.metrics
        self._post_writer = PostWriter(db, answer_manager.new_claim, runtime.clock)

    async def post_root(
        self,
        actor: UUID,
        conversation_id: UUID,
        post: requests.PostMessage,
        idempotency_key: IdempotencyKey | None,
    ) -> PostResult:
        """Post the first message of a new thread."""
        new_message = self._new_message(post, idempotency_key)
        result = await self._post_writer.write(
            Post(actor, new_message, conversation_id=conversation_id)
        )
        return self._publish(actor, result)

    async def reply(
        self,
        actor: UUID,
        parent_id: UUID,
        post: requests.PostMessage,
        idempotency_key: IdempotencyKey | None,
    ) -> PostResult:
        """Post a reply to a message."""
        new_message = self._new_message(post, idempotency_key)
        result = await self._post_writer.write(Post(actor, new_message, parent_id=parent_id))
        return self._publish(actor, result)

    async def cancel(self, actor: UUID, message_id: UUID) -> CancelResult:
        """Stop an answer, whose text so far stays; return `cancelled` or the state it had."""
        outcome = await answers.request_cancel(self._db, actor, message_id, self._clock.now())
        if outcome.state == "running":
            self._metrics.cancels.inc()
            self._answer_manager.stop_answer(message_id)
            return CancelResult(message_id, "cancelled")
        return CancelResult(message_id, outcome.state)

    def _new_message(
        self, post: requests.PostMessage, idempotency_key: IdempotencyKey | None
    ) -> NewMessage:
        message_id = new_id(int(self._clock.now().timestamp() * 1000))
        return NewMessage(message_id, post.content, post.role, post.model, idempotency_key)

    def _publish(self, actor: UUID, result: PostResult) -> PostResult:
        """Publish a committed post, and start the answer that its transaction claimed."""
        posted = result.posted
        if not result.replayed:
            self._typing.on_posted(actor, posted.conversation_id, posted.root_id)
        self._hub.publish(posted.conversation_id, result.events)
        if result.answer and not result.replayed:
            self._answer_manager.start(
                AnswerTarget(
                    message_id=result.answer.message_id,
                    conversation_id=posted.conversation_id,
                    root_id=posted.root_id,
                    parent_id=posted.message_id,
                    depth=posted.depth + 1,
                    model=result.answer.model,
                )
            )
        return result
