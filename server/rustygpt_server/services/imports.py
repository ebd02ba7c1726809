"""Imports of files with conversations: read in a child process, and stored in batches.

Nobody sees what was stored before all of it is. An import that fails leaves nothing, also when its
process dies. No statement is longer than a batch, so an import of any size delays nobody.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from typing import Final, NamedTuple
from uuid import UUID

from rustygpt_server.assistant.catalog import Catalog
from rustygpt_server.clock import Clock
from rustygpt_server.db import imports
from rustygpt_server.db.access_changes import AccessChange
from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import IdempotencyKey
from rustygpt_server.errors import RequestError, Unavailable, ValidationFailed
from rustygpt_server.importing import worker
from rustygpt_server.importing.worker import Reply, Start
from rustygpt_server.services.access import AccessMonitor
from rustygpt_shared import codec
from rustygpt_shared.deadline.process import DeadlineError, DeadlineProcess, OutOfTime
from rustygpt_shared.ids import new_id
from rustygpt_shared.models.exports import ImportedConversation, ImportResult

PROGRAM: Final = "from rustygpt_server.importing.worker import main; main()"
MAX_AT_ONCE: Final = 2
"""How many files a process reads at once; each has a child process."""
REPLY_SECONDS: Final = 45.0
"""How long a child process may take for a reply; `worker` limits its processor time."""
LEASE: Final = timedelta(minutes=10)
"""An import that stores nothing for so long has failed."""
_PART_BYTES: Final = 65_536
_PUBLISHED: Final = 100
"""How many new conversations are published at once; other processes, and streams, find all of them
in the log of access changes within a second."""


class Imported(NamedTuple):
    """The result of an import; `replayed` when an earlier request with its key had it."""

    result: ImportResult
    replayed: bool


class Imports:
    """The imports of one server."""

    def __init__(
        self,
        db: Database,
        access: AccessMonitor,
        catalog: Catalog,
        clock: Clock,
        purge_soon: Callable[[], None],
    ) -> None:
        """`purge_soon` deletes what failed imports had stored."""
        self._db = db
        self._access = access
        self._catalog = catalog
        self._clock = clock
        self._purge_soon = purge_soon
        self._running = 0
        self._aborting: set[asyncio.Task[None]] = set()

    @property
    def is_busy(self) -> bool:
        """True while a file is imported, or what a failed import had stored is dropped."""
        return bool(self._running or self._aborting)

    async def import_conversations(
        self, actor: UUID, body: AsyncIterator[bytes], key: str | None
    ) -> Imported:
        """Import a file as conversations of the actor's; raises ValidationFailed for a bad file."""
        if self._running >= MAX_AT_ONCE:
            raise Unavailable("Other files are being imported; try again in a minute.")
        self._running += 1
        try:
            return await self._import(actor, body, key)
        finally:
            self._running -= 1

    async def expire(self) -> None:
        """End the imports whose process has died."""
        while await imports.expire_imports(self._db, self._clock.now()):
            self._purge_soon()

    async def stop(self) -> None:
        """Wait until failed imports are ended."""
        await asyncio.gather(*self._aborting, return_exceptions=True)

    async def _import(self, actor: UUID, body: AsyncIterator[bytes], key: str | None) -> Imported:
        now = self._clock.now()
        import_id = new_id(int(now.timestamp() * 1_000))
        started = await imports.begin_import(self._db, actor, import_id, key, now + LEASE, now)
        run = _Run(self._db, self._clock, actor, import_id)
        hashed = _Hashed(body)
        try:
            if started.is_key_used and key is not None:
                return await self._replay(run, hashed, key)
            start = Start(started.username, self._catalog.names(), now)
            result = await run.read(start, hashed)
            finishing = asyncio.create_task(self._finish(run, result, hashed.idempotency(key)))
            return await asyncio.shield(finishing)
        finally:
            if not run.is_finished:
                self._abort(run)

    async def _replay(self, run: "_Run", hashed: "_Hashed", key: str) -> Imported:
        """Return the response to the earlier request with this key, if it had the same body."""
        async for _ in hashed.parts():
            pass
        idempotency = IdempotencyKey(key, hashed.digest())
        response = await imports.read_import_response(
            self._db, run.actor, idempotency, self._clock.now()
        )
        if response is None:
            raise Unavailable("The earlier request with this key has expired; send it again.")
        return Imported(codec.decode(response, ImportResult), replayed=True)

    async def _finish(
        self, run: "_Run", result: ImportResult, idempotency: IdempotencyKey | None
    ) -> Imported:
        finished = await run.finish(codec.encode(result).decode(), idempotency)
        if finished.replayed:
            self._purge_soon()
            return Imported(codec.decode(finished.response, ImportResult), replayed=True)
        positions = zip(finished.conversation_ids, finished.event_numbers, strict=True)
        for conversation_id, number in islice(positions, _PUBLISHED):
            self._access.publish(AccessChange("added", run.actor, None, conversation_id, number))
        return Imported(result, replayed=False)

    def _abort(self, run: "_Run") -> None:
        """Delete what a failed import had stored, also when its client has left."""
        task = asyncio.create_task(self._abort_now(run))
        self._aborting.add(task)
        task.add_done_callback(self._aborting.discard)

    async def _abort_now(self, run: "_Run") -> None:
        with suppress(RequestError):  # it expires
            await imports.abort_import(self._db, run.actor, run.import_id, self._clock.now())
            self._purge_soon()


class _Hashed:
    """The body of a request in parts, and its hash as that of any idempotent request."""

    def __init__(self, body: AsyncIterator[bytes]) -> None:
        self._body = body
        self._hash = hashlib.sha256(b"POST /api/conversations/import\n")

    async def parts(self) -> AsyncIterator[bytes]:
        """Yield the body in parts of some size."""
        buffer = bytearray()
        async for data in self._body:
            self._hash.update(data)
            buffer += data
            if len(buffer) >= _PART_BYTES:
                yield bytes(buffer)
                buffer.clear()
        if buffer:
            yield bytes(buffer)

    def digest(self) -> bytes:
        """Return the hash of what has been read."""
        return self._hash.digest()

    def idempotency(self, key: str | None) -> IdempotencyKey | None:
        """Return the key with the hash; None without a key."""
        return IdempotencyKey(key, self.digest()) if key is not None else None


class _Run:
    """One import, and the child process that reads its file."""

    def __init__(self, db: Database, clock: Clock, actor: UUID, import_id: UUID) -> None:
        self.actor = actor
        self.import_id = import_id
        self.is_finished = False
        self._db = db
        self._clock = clock
        self._process = DeadlineProcess(PROGRAM, REPLY_SECONDS)
        self._conversations: list[ImportedConversation] = []

    async def read(self, start: Start, hashed: _Hashed) -> ImportResult:
        """Read and store the whole file."""
        try:
            await self._ask(worker.START + codec.encode(start))
            async for part in hashed.parts():
                await self._store_batches(worker.DATA + part)
            reply = await self._store_batches(worker.END)
        except OutOfTime:
            raise ValidationFailed(
                "The file takes too much time or memory to read; split it into smaller ones."
            ) from None
        except DeadlineError:
            raise Unavailable("The file could not be read; try again in a minute.") from None
        finally:
            await self._process.close()
        return ImportResult(reply.format, self._conversations, reply.messages, reply.left_out)

    async def finish(
        self, response: str, idempotency: IdempotencyKey | None
    ) -> imports.FinishedImport:
        """Make the conversations visible."""
        now = self._clock.now()
        finished = await imports.finish_import(
            self._db, self.actor, self.import_id, idempotency, response, now
        )
        self.is_finished = True
        return finished

    async def _store_batches(self, task: bytes) -> Reply:
        """Send a task, and store the batches until the process needs more of the file."""
        reply, batch = await self._ask(task)
        while batch:
            now = self._clock.now()
            await imports.store_import(
                self._db, self.actor, self.import_id, batch.decode(), now + LEASE, now
            )
            reply, batch = await self._ask(worker.NEXT)
        return reply

    async def _ask(self, task: bytes) -> tuple[Reply, bytes]:
        """Return the reply to a task, and its batch."""
        head, _, batch = (await self._process.run(task)).partition(b"\n")
        reply = codec.decode(head, Reply)
        if reply.error:
            raise ValidationFailed(reply.error)
        self._conversations += reply.ended
        return reply, batch
