"""A user of the command line, with a session file of their own, in processes of their own."""

import asyncio
import json
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.servers.server_process import COMMAND


class CliUser:
    """A user who runs `rustygpt` commands."""

    def __init__(self, folder: Path, server: str) -> None:
        self._environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith("RUSTYGPT_")},
            "RUSTYGPT_CONFIG_DIR": str(folder),
            "RUSTYGPT_STATE_DIR": str(folder),
        }
        self._server = server

    async def run(self, *arguments: str, stdin: str = "", expect: int = 0) -> str:
        """Return what a command prints; fail unless its exit code is the expected one."""
        process = await self._start(*arguments)
        out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 60)
        assert process.returncode == expect, (arguments, process.returncode, out, err)
        return out.decode()

    async def error(self, *arguments: str, stdin: str = "", expect: int) -> str:
        """Return what a command that fails with this exit code prints on standard error."""
        process = await self._start(*arguments)
        out, err = await asyncio.wait_for(process.communicate(stdin.encode()), 60)
        assert process.returncode == expect, (arguments, process.returncode, out, err)
        return err.decode()

    async def json(self, *arguments: str) -> list[Any]:
        """Return the JSON lines that a command prints."""
        return [json.loads(line) for line in (await self.run(*arguments, "--json")).splitlines()]

    @asynccontextmanager
    async def follow(self, conversation: str) -> AsyncIterator["FollowProcess"]:
        """Run `follow --json` within the block."""
        process = await self._start("follow", "--conversation", conversation, "--json")
        try:
            yield FollowProcess(process)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.communicate()

    async def _start(self, *arguments: str) -> Process:
        return await asyncio.create_subprocess_exec(
            *COMMAND,
            "--server",
            self._server,
            *arguments,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=self._environ,
            limit=1 << 20,
        )


class FollowProcess:
    """The events that `follow` prints."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.events: list[dict[str, Any]] = []

    async def until(self, kind: str, text: str = "", seconds: float = 60) -> dict[str, Any]:
        """Return the next event of a type whose JSON contains a text."""
        assert self._process.stdout is not None
        async with asyncio.timeout(seconds):
            async for line in self._process.stdout:
                event: dict[str, Any] = json.loads(line)
                self.events.append(event)
                if event.get("type") == kind and text in line.decode():
                    return event
        raise AssertionError(f"follow ended; it had printed {self.events}")

    async def until_note(self, text: str, seconds: float = 60) -> None:
        """Wait for a line on standard error that contains a text."""
        assert self._process.stderr is not None
        async with asyncio.timeout(seconds):
            while text not in (await self._process.stderr.readline()).decode():
                pass
