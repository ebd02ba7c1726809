"""The answer manager of one process: starts answers, stops them, renews their leases.

Each answer is a task of its own and not part of a request: the user who asked may disconnect. A
lease in the database (https://en.wikipedia.org/wiki/Lease_(computer_science)) says which process
generates it; the answers of a process that died are ended when their lease expires.
"""

import asyncio
from datetime import timedelta
from typing import Literal, NamedTuple
from uuid import UUID

from rustygpt_server.assistant.answer import AnswerInProgress, AnswerTarget
from rustygpt_server.assistant.catalog import Catalog
from rustygpt_server.assistant.follower import AnswerFollower
from rustygpt_server.assistant.generation import AnswerGenerator, failed_result, stopped_result
from rustygpt_server.db import answers
from rustygpt_server.db.answers import AnswerResult, Orphan
from rustygpt_server.db.database import Database
from rustygpt_server.db.messages import AnswerClaim
from rustygpt_server.errors import Conflict, RequestError, Unavailable
from rustygpt_server.realtime.backplane import Backplane
from rustygpt_server.realtime.backplane_messages import AnswerEnded, CancelAnswer
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.runtime import Runtime
from rustygpt_server.telemetry import log
from rustygpt_shared.ids import new_id

_log = log(__name__)
_FIRST_ANSWER_DEPTH = 2
"""The depth of the answer to a root, which has no answer above it."""
_POLL_SECONDS = 0.5


class AnswerManager:
    """The answers that this process generates."""

    def __init__(
        self,
        db: Database,
        hub: Hub,
        backplane: Backplane,
        catalog: Catalog,
        generator: AnswerGenerator,
        runtime: Runtime,
        instance_id: str,
    ) -> None:
        self._db = db
        self._hub = hub
        self._backplane = backplane
        self._catalog = catalog
        self._generator = generator
        self._limits = runtime.limits
        self._clock = runtime.clock
        self._instance_id = instance_id
        self._running: dict[UUID, _Running] = {}
        self._stopping = False

    def new_claim(self) -> AnswerClaim | None:
        """Return what a post needs to start an answer here; None while the server shuts down."""
        if self._stopping:
            return None
        now = self._clock.now()
        return AnswerClaim(
            answer_id=new_id(int(now.timestamp() * 1000)),
            instance_id=self._instance_id,
            default_model=self._catalog.default_model,
            lease_until=now + timedelta(seconds=self._limits.lease),
        )

    def start(self, target: AnswerTarget) -> None:
        """Start generating an answer whose row exists."""
        answer = AnswerInProgress(target, self._hub, self._limits.delta_interval)
        self._hub.register_answer(answer)
        generation = asyncio.create_task(self._generate(answer))
        completion = asyncio.create_task(self._store_end(answer, generation))
        self._running[answer.message_id] = _Running(answer, generation, completion)
        completion.add_done_callback(lambda done: self._cleanup(answer, done))

    def follow(self, message_id: UUID) -> AnswerFollower | None:
        """Return a follower of an answer of this process; None when it has ended."""
        running = self._running.get(message_id)
        return AnswerFollower(running.answer, running.completion) if running else None

    def stop_answer(self, message_id: UUID) -> None:
        """Stop an answer, whichever process generates it."""
        if not self.cancel(message_id):
            self._backplane.publish(CancelAnswer(message_id))

    def cancel_conversation(self, conversation_id: UUID) -> None:
        """Cancel the answers of this process in a conversation, which was deleted."""
        for running in self._running.values():
            if running.answer.conversation_id == conversation_id:
                running.stop("cancelled")

    def republish(self, message_id: UUID | None) -> None:
        """Send the full text of an answer generated here, or of all, to the other processes."""
        for running in self._running.values():
            if message_id in (None, running.answer.message_id):
                running.answer.republish()

    def cancel(self, message_id: UUID) -> bool:
        """Cancel an answer of this process; return False when it is not one of this process."""
        running = self._running.get(message_id)
        if running is not None:
            running.stop("cancelled")
        return running is not None

    async def renew_leases_and_fail_orphans(self) -> None:
        """Renew the leases of this process's answers, and end answers whose lease has expired."""
        now = self._clock.now()
        until = now + timedelta(seconds=self._limits.lease)
        if self._running:
            await answers.renew_leases(self._db, self._instance_id, list(self._running), until)
        while orphans := await answers.fail_orphans(self._db, now):
            for orphan in orphans:
                _log.warning("unfinished answer ended", message_id=str(orphan.message_id))
                if orphan.events:
                    self._publish_end(orphan.events[0].conversation_id, orphan)

    def _publish_end(self, conversation_id: UUID, orphan: Orphan) -> None:
        self._hub.publish(conversation_id, orphan.events)
        self._backplane.publish(AnswerEnded(conversation_id, orphan.message_id))

    async def stop_cancelled(self) -> None:
        """Cancel the answers generated here that another process was asked to cancel."""
        if self._running:
            for message_id in await answers.list_cancelled(self._db, self._instance_id):
                self.cancel(message_id)

    async def stop(self) -> None:
        """End every answer as `error`, because the server shuts down."""
        self._stopping = True
        for running in self._running.values():
            running.stop("error")
        if self._running:
            tasks = [running.completion for running in self._running.values()]
            _, unfinished = await asyncio.wait(tasks, timeout=self._limits.shutdown_grace)
            for task in unfinished:  # the database is unavailable; their leases expire
                task.cancel()

    async def _generate(self, answer: AnswerInProgress) -> AnswerResult:
        """Generate an answer once the answer that its question replies to is complete.

        Otherwise the model would get two questions in a row, or half an answer. The wait holds no
        slot of the generator, and ends: every answer has a time limit, or a lease that expires.
        """
        while answer.target.depth > _FIRST_ANSWER_DEPTH:
            ancestor = await answers.find_unfinished_ancestor(self._db, answer.message_id)
            if ancestor is None:
                break
            answer.set_queued()
            running = self._running.get(ancestor)
            if running and not running.completion.done():
                await asyncio.wait([running.completion])
            else:  # another process generates it
                await self._clock.sleep(_POLL_SECONDS)
        return await self._generator.generate(answer)

    async def _store_end(
        self, answer: AnswerInProgress, generation: asyncio.Task[AnswerResult]
    ) -> None:
        """Store and publish the result. Cancelling an answer cancels its generation, never this."""
        await asyncio.wait([generation])
        result = _result_of(answer, generation)
        if result is None:
            return  # another process has ended it
        while True:
            try:
                events = await answers.finish_answer(
                    self._db, answer.message_id, self._instance_id, result, self._clock.now()
                )
                break
            except Unavailable:
                await self._clock.sleep(1)
        self._forget(answer)
        self._hub.publish(answer.conversation_id, events)

    def _forget(self, answer: AnswerInProgress) -> None:
        """Send nothing more of an answer: streams that go live now get its end as an event."""
        if not answer.is_over:
            answer.is_over = True
            self._hub.unregister_answer(answer)
            self._backplane.publish(AnswerEnded(answer.conversation_id, answer.message_id))

    def _cleanup(self, answer: AnswerInProgress, task: asyncio.Task[None]) -> None:
        self._forget(answer)
        self._running.pop(answer.message_id, None)
        if not task.cancelled() and task.exception() is not None:
            # Without a renewed lease the answer is ended as an orphan.
            _log.error("the end of an answer was not stored", exc_info=task.exception())


class _Running(NamedTuple):
    """An answer, the task that generates it, and the task that then stores its result."""

    answer: AnswerInProgress
    generation: asyncio.Task[AnswerResult]
    completion: asyncio.Task[None]

    def stop(self, reason: Literal["cancelled", "error"]) -> None:
        """Cancel the generation; a result that is being stored is left alone."""
        self.answer.stopped = self.answer.stopped or reason
        self.generation.cancel()


def _result_of(
    answer: AnswerInProgress, generation: asyncio.Task[AnswerResult]
) -> AnswerResult | None:
    """Return an answer's result, however its generation ended.

    None when another process owns it.
    """
    if generation.cancelled():
        return stopped_result(answer)
    error = generation.exception()
    if error is None:
        return generation.result()
    if isinstance(error, Conflict):
        return None
    if isinstance(error, RequestError):
        return failed_result(answer, "database", str(error))
    _log.error("an answer failed", exc_info=error)
    return failed_result(answer, "internal", "The server failed; ask again.")
