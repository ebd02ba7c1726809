"""Posting and changing messages; starting and cancelling the assistant's answers."""

from uuid import UUID

from rustygpt_server.assistant.answer import AnswerTarget
from rustygpt_server.assistant.catalog import Catalog
from rustygpt_server.assistant.manager import AnswerManager
from rustygpt_server.db import answers, messages
from rustygpt_server.db.database import Database
from rustygpt_server.db.messages import NewMessage, Post, PostResult
from rustygpt_server.db.rows import EventRecord, IdempotencyKey
from rustygpt_server.errors import Unavailable
from rustygpt_server.rates import Rate
from rustygpt_server.realtime.event_payloads import parse_changed_message
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.runtime import Runtime
from rustygpt_server.services.post_writer import PostWriter
from rustygpt_server.services.typing_status import TypingService
from rustygpt_shared import requests
from rustygpt_shared.ids import new_id
from rustygpt_shared.models.messages import CancelResult, Revision


class Messages:
    """Posts and changes messages."""

    def __init__(
        self,
        db: Database,
        hub: Hub,
        answer_manager: AnswerManager,
        catalog: Catalog,
        typing: TypingService,
        runtime: Runtime,
    ) -> None:
        self._db = db
        self._hub = hub
        self._answer_manager = answer_manager
        self._catalog = catalog
        self._typing = typing
        self._clock = runtime.clock
        self._metrics = runtime.metrics
        self._post_writer = PostWriter(db, answer_manager.new_claim, runtime.clock)
        hub.add_listener(self._on_event)

    async def post_root(
        self,
        actor: UUID,
        conversation_id: UUID,
        post: requests.PostMessage,
        idempotency_key: IdempotencyKey | None,
        rate: Rate | None = None,
    ) -> PostResult:
        """Post the first message of a new thread; raise RateLimited beyond `rate`."""
        new_message = self._new_message(post, idempotency_key)
        result = await self._post_writer.write(
            Post(actor, new_message, conversation_id=conversation_id, rate=rate)
        )
        return self._publish(actor, result)

    async def reply(
        self,
        actor: UUID,
        parent_id: UUID,
        post: requests.PostMessage,
        idempotency_key: IdempotencyKey | None,
        rate: Rate | None = None,
    ) -> PostResult:
        """Post a reply to a message; raise RateLimited beyond `rate`."""
        new_message = self._new_message(post, idempotency_key)
        result = await self._post_writer.write(
            Post(actor, new_message, parent_id=parent_id, rate=rate)
        )
        return self._publish(actor, result)

    async def cancel(self, actor: UUID, message_id: UUID) -> CancelResult:
        """Stop an answer, whose text so far stays; return `cancelled` or the state it had."""
        outcome = await answers.request_cancel(self._db, actor, message_id, self._clock.now())
        if outcome.state == "running":
            self._metrics.cancels.inc()
            self._answer_manager.stop_answer(message_id)
            return CancelResult(message_id, "cancelled")
        return CancelResult(message_id, outcome.state)

    async def regenerate_answer(
        self,
        actor: UUID,
        message_id: UUID,
        request: requests.Regenerate,
        idempotency_key: IdempotencyKey | None,
    ) -> PostResult:
        """Generate another answer to the question of an answer, as a sibling of it."""
        self._catalog.check(request.model)
        claim = self._answer_manager.new_claim()
        if claim is None:
            raise Unavailable("The server is shutting down; try again in a moment.")
        result = await answers.regenerate_answer(
            self._db,
            actor,
            message_id,
            request.model,
            self._catalog.names(),
            idempotency_key,
            claim,
            self._clock.now(),
        )
        self._hub.publish(result.posted.conversation_id, result.events)
        self._start_answer(actor, result, result.posted.parent_id, result.posted.depth)
        return result

    async def edit_message(
        self, actor: UUID, message_id: UUID, request: requests.EditMessage
    ) -> None:
        """Replace the text of a message; the earlier text is kept as a revision."""
        self._publish_change(
            await messages.edit_message(self._db, actor, message_id, request, self._clock.now())
        )

    async def delete_message(self, actor: UUID, message_id: UUID, reason: str | None) -> None:
        """Delete a message, which keeps its place; an answer in progress is cancelled."""
        self._publish_change(
            await messages.delete_message(self._db, actor, message_id, reason, self._clock.now())
        )

    async def restore_message(self, actor: UUID, message_id: UUID) -> None:
        """Restore a deleted message with its text."""
        self._publish_change(
            await messages.restore_message(self._db, actor, message_id, self._clock.now())
        )

    async def list_revisions(
        self, actor: UUID, message_id: UUID, before: int | None, limit: int
    ) -> tuple[list[Revision], bool]:
        """Return earlier texts of a message, latest first, and True if there are more."""
        return await messages.list_revisions(self._db, actor, message_id, before, limit)

    def _publish_change(self, events: list[EventRecord]) -> None:
        for event in events:  # also without a subscriber here, to whom the hub would deliver it
            self._on_event(event)
        if events:
            self._hub.publish(events[0].conversation_id, events)

    def _on_event(self, event: EventRecord) -> None:
        """Stop writing an answer that was deleted, in whichever process that is."""
        changed = parse_changed_message(event)
        if changed and changed.change == "deleted":
            self._answer_manager.stop_answer(changed.message.id)

    def _new_message(
        self, post: requests.PostMessage, idempotency_key: IdempotencyKey | None
    ) -> NewMessage:
        self._catalog.check(post.model)
        message_id = new_id(int(self._clock.now().timestamp() * 1000))
        return NewMessage(message_id, post.content, post.role, post.model, idempotency_key)

    def _publish(self, actor: UUID, result: PostResult) -> PostResult:
        """Publish a committed post, and start the answer that its transaction claimed."""
        posted = result.posted
        if not result.replayed:
            self._typing.on_posted(actor, posted.conversation_id, posted.root_id)
        self._hub.publish(posted.conversation_id, result.events)
        self._start_answer(actor, result, posted.message_id, posted.depth + 1)
        return result

    def _start_answer(
        self, actor: UUID, result: PostResult, question_id: UUID | None, depth: int
    ) -> None:
        """Start the answer that a transaction claimed, if it did."""
        if result.answer and question_id and not result.replayed:
            self._answer_manager.start(
                AnswerTarget(
                    message_id=result.answer.message_id,
                    conversation_id=result.posted.conversation_id,
                    root_id=result.posted.root_id,
                    parent_id=question_id,
                    depth=depth,
                    model=result.answer.model,
                    user_id=actor,
                )
            )
