"""The child processes that render messages, and the queue before them."""

import asyncio
import os
import socket
import sys
from pathlib import Path

import pytest
from tests.support.hostile_texts import HOSTILE_TEXTS

from rustygpt_server.rendering import pool as pool_module
from rustygpt_server.rendering.pool import MAX_QUEUED, NOT_NOW, RenderPool

_SLOW = "| " + "a|" * 200 + "\n|" + "-|" * 200 + "\n" + ("|" + "x|" * 200 + "\n") * 150
"""A table that takes many times the processor time of a message."""


@pytest.mark.slow
async def test_no_hostile_text_lives_longer_than_its_processor_time() -> None:
    """Each is rendered, or ends its process; the messages between them are all rendered."""
    texts = [text for hostile in HOSTILE_TEXTS.values() for text in (hostile, "**b**")]
    pool = RenderPool(answer_seconds=60)
    try:
        outcomes = await asyncio.gather(*pool.submit(texts))

        lost = [outcome for outcome in outcomes if outcome.html is None]
        assert all(outcome.is_final for outcome in lost)
        assert len(lost) == pool.counts.ended
        assert all(outcome.html for outcome in outcomes[1::2])
    finally:
        await pool.close()


async def test_a_long_queue_refuses_more() -> None:
    """A message that is refused is not rendered now, but may be later."""
    pool = RenderPool()
    try:
        outcomes = pool.submit(["a"] * (MAX_QUEUED + 1))

        assert outcomes[-1].done()
        assert outcomes[-1].result() == NOT_NOW
        assert not outcomes[-2].done()
        assert pool.queued == MAX_QUEUED
    finally:
        await pool.close()


async def test_processes_are_started_when_they_are_needed() -> None:
    """The second one when the first is busy; none beyond that."""
    pool = RenderPool()
    try:
        assert pool.pids == []
        waiting = [outcome for _ in range(5) for outcome in pool.submit(["a"])]
        await asyncio.gather(*waiting)

        assert 1 <= pool.counts.started <= pool_module.PROCESSES
    finally:
        await pool.close()
    assert pool.pids == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_a_process_inherits_no_socket() -> None:
    """Not even one that is inheritable, as the listening socket of a worker is."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        listening.set_inheritable(True)
        pool = RenderPool()
        try:
            await asyncio.gather(*pool.submit(["a"]))
            (pid,) = pool.pids
            targets = {
                file.name: str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()
            }
            inode = os.fstat(listening.fileno()).st_ino

            assert f"socket:[{inode}]" not in targets.values()
            assert set(targets) == {"0", "1", "2"}
        finally:
            await pool.close()


async def test_slow_messages_delay_another_readers_by_one_message() -> None:
    """However many there are, and in however many requests."""
    pool = RenderPool(answer_seconds=60)
    try:
        slow = [f"{_SLOW}{number}" for number in range(40)]
        theirs = pool.submit(slow[:20], "one reader")
        theirs += [pool.submit([text], "one reader")[0] for text in slow[20:]]
        await theirs[0]

        (mine,) = pool.submit(["**b**"], "another reader")

        assert (await mine).html == '<p dir="auto"><strong>b</strong></p>\n'
        assert sum(outcome.done() for outcome in theirs) <= 2 * pool_module.PROCESSES
    finally:
        await pool.close()
