"""Write messages, and let the assistant answer them."""

from uuid import UUID

from rustygpt_server.assistant.answer import Place
from rustygpt_server.assistant.desk import Desk
from rustygpt_server.clock import Clock
from rustygpt_server.db import answers
from rustygpt_server.db.database import Database
from rustygpt_server.db.messages import Draft, Post, Written
from rustygpt_server.db.rows import Once
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.services.posting import Posting
from rustygpt_server.services.typists import Typists
from rustygpt_server.telemetry import Metrics
from rustygpt_shared import requests
from rustygpt_shared.ids import new_id
from rustygpt_shared.models.messages import Cancelled


class Messages:
    """What is written in threads."""

    def __init__(
        self,
        db: Database,
        hub: Hub,
        desk: Desk,
        typists: Typists,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._db = db
        self._hub = hub
        self._desk = desk
        self._typists = typists
        self._clock = clock
        self._metrics = metrics
        self._posting = Posting(db, desk.answering, clock)

    async def post_root(
        self, actor: UUID, conversation_id: UUID, post: requests.Post, once: Once | None
    ) -> Written:
        """Start a thread."""
        draft = self._draft(post, once)
        return self._tell(
            actor, await self._posting.write(Post(actor, draft, conversation_id=conversation_id))
        )

    async def reply(
        self, actor: UUID, parent_id: UUID, post: requests.Post, once: Once | None
    ) -> Written:
        """Answer a message."""
        draft = self._draft(post, once)
        return self._tell(actor, await self._posting.write(Post(actor, draft, parent_id=parent_id)))

    async def cancel(self, actor: UUID, message_id: UUID) -> Cancelled:
        """Stop an answer; what was written of it stays."""
        asked = await answers.request_cancel(self._db, actor, message_id, self._clock.now())
        if asked.state == "running":
            self._metrics.cancels.inc()
            self._desk.stop_answer(message_id)
            return Cancelled(message_id, "cancelled")
        return Cancelled(message_id, asked.state)

    def _draft(self, post: requests.Post, once: Once | None) -> Draft:
        message_id = new_id(int(self._clock.now().timestamp() * 1000))
        return Draft(message_id, post.content, post.role, post.model, once)

    def _tell(self, actor: UUID, written: Written) -> Written:
        """Tell readers after the commit, and start the answer that was begun in it."""
        posted = written.posted
        if not written.replayed:
            self._typists.posted(actor, posted.conversation_id, posted.root_id)
        self._hub.publish(posted.conversation_id, written.events)
        if written.answer and not written.replayed:
            self._desk.begin(
                Place(
                    message_id=written.answer.message_id,
                    conversation_id=posted.conversation_id,
                    root_id=posted.root_id,
                    parent_id=posted.message_id,
                    depth=posted.depth + 1,
                    model=written.answer.model,
                )
            )
        return written
