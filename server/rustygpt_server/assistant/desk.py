"""The assistant of one process: starts answers, stops them, keeps their leases.

Each answer is a task of its own, never part of a request: whoever asked may go away.
"""

import asyncio
from datetime import timedelta
from uuid import UUID

from rustygpt_server.assistant.answer import Answer, Place
from rustygpt_server.assistant.catalog import Catalog
from rustygpt_server.assistant.generation import Writer
from rustygpt_server.clock import Clock, TimeLimits
from rustygpt_server.db import answers
from rustygpt_server.db.answers import Ending
from rustygpt_server.db.database import Database
from rustygpt_server.db.messages import Answering
from rustygpt_server.db.refusals import Conflict, Refused, Unavailable
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.words import Cancel, Over
from rustygpt_server.telemetry import log
from rustygpt_shared.ids import new_id

_log = log(__name__)


class Desk:
    """Answers in progress in this process."""

    def __init__(
        self,
        db: Database,
        hub: Hub,
        catalog: Catalog,
        writer: Writer,
        limits: TimeLimits,
        clock: Clock,
        runner: str,
    ) -> None:
        self._db = db
        self._hub = hub
        self._catalog = catalog
        self._writer = writer
        self._limits = limits
        self._clock = clock
        self._runner = runner
        self._tasks: dict[UUID, tuple[Answer, asyncio.Task[None]]] = {}
        self._stopping = False

    def answering(self) -> Answering | None:
        """What a post needs to start an answer here; None while the server stops."""
        if self._stopping:
            return None
        now = self._clock.now()
        return Answering(
            answer_id=new_id(int(now.timestamp() * 1000)),
            runner=self._runner,
            default_model=self._catalog.default_model,
            lease_until=now + timedelta(seconds=self._limits.lease),
        )

    def begin(self, place: Place) -> None:
        """Write an answer whose row exists."""
        answer = Answer(place, self._hub, self._limits.delta_interval)
        self._hub.begin(answer)
        task = asyncio.create_task(self._run(answer))
        self._tasks[answer.message_id] = (answer, task)
        task.add_done_callback(lambda done: self._ended(answer, done))

    def stop_answer(self, message_id: UUID) -> None:
        """Stop an answer, whichever process writes it."""
        if not self.cancel(message_id):
            self._hub.backplane.say(Cancel(message_id))

    def say_again(self, message_id: UUID | None) -> None:
        """Tell other processes the whole text of an answer of this process, or of all."""
        for answer, _ in list(self._tasks.values()):
            if message_id in (None, answer.message_id):
                answer.say_again()

    def cancel(self, message_id: UUID) -> bool:
        """Stop an answer of this process; False when it is not one."""
        found = self._tasks.get(message_id)
        if found is None:
            return False
        answer, task = found
        if not answer.ending:
            answer.stopped = "cancelled"
            _cancel(task)
        return True

    async def keep_leases(self) -> None:
        """Say that this process lives, and end the answers of processes that do not.

        A wish to stop an answer that another process took, and that was not heard, is found here.
        """
        until = self._clock.now() + timedelta(seconds=self._limits.lease)
        await answers.renew_leases(self._db, self._runner, until)
        if self._tasks:
            for message_id in await answers.list_cancelled(self._db, self._runner):
                self.cancel(message_id)
        for orphan in await answers.fail_orphans(self._db, self._clock.now()):
            _log.warning("unfinished answer ended", message_id=str(orphan.message_id))
            if orphan.events:
                self._hub.publish(orphan.events[0].conversation_id, orphan.events)
                self._say_over(orphan.events[0].conversation_id, orphan.message_id)

    async def stop(self) -> None:
        """End every answer as `error`, because the server stops."""
        self._stopping = True
        tasks = []
        for answer, task in self._tasks.values():
            if not answer.ending:
                answer.stopped = answer.stopped or "error"
                _cancel(task)
            tasks.append(task)
        if tasks:
            await asyncio.wait(tasks, timeout=self._limits.drain)

    async def _run(self, answer: Answer) -> None:
        try:
            ending = await self._writer.write(answer)
        except Conflict:
            return  # another process has ended it
        except (Refused, Unavailable) as error:
            ending = Ending(
                answer.content, "error", error_code="database", error_message=str(error)
            )
        await self._end(answer, ending)

    async def _end(self, answer: Answer, ending: Ending) -> None:
        while True:
            try:
                events = await asyncio.shield(
                    answers.finish_answer(
                        self._db, answer.message_id, self._runner, ending, self._clock.now()
                    )
                )
                break
            except Unavailable:
                await self._clock.sleep(1)
        self._hub.publish(answer.conversation_id, events)

    def _say_over(self, conversation_id: UUID, message_id: UUID) -> None:
        self._hub.backplane.say(Over(conversation_id, message_id))

    def _ended(self, answer: Answer, task: asyncio.Task[None]) -> None:
        self._hub.finish(answer)
        self._say_over(answer.conversation_id, answer.message_id)
        self._tasks.pop(answer.message_id, None)
        if not task.cancelled() and task.exception() is not None:
            _log.error("an answer failed", exc_info=task.exception())


def _failed(answer: Answer, code: str, message: str) -> Ending:
    return Ending(answer.content, "error", error_code=code, error_message=message)


def _cancel(task: asyncio.Task[None]) -> None:
    """Cancel after the task's first step: one cancelled before it would skip the ending."""
    asyncio.get_running_loop().call_soon(task.cancel)
