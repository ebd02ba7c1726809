"""Standard streams that are closed, full, or pipes whose reader has ended."""

import asyncio
import os
import subprocess
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest
from tests.support.servers.server_process import COMMAND

CLOSED = b"rustygpt: Standard output cannot be written: it is closed.\n"
FULL = b"rustygpt: Standard output cannot be written: the disk is full.\n"


def run_in_shell(words: str, redirection: str) -> "subprocess.CompletedProcess[bytes]":
    """Run the program with the redirection of a shell."""
    script = f'exec "$@" {words} {redirection}'
    return subprocess.run(
        ["sh", "-c", script, "sh", *COMMAND], capture_output=True, check=False, timeout=60
    )


@pytest.mark.parametrize("words", ["--version", "--help", "completion bash", "config show"])
@pytest.mark.parametrize(("redirection", "sentence"), [(">&-", CLOSED), (">/dev/full", FULL)])
def test_output_that_cannot_be_written_is_an_error(
    words: str, redirection: str, sentence: bytes
) -> None:
    """One sentence and exit code 1, whichever part of the program wrote."""
    ran = run_in_shell(words, redirection)
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, b"", sentence)


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_notes_and_errors_that_cannot_be_written_change_nothing(redirection: str) -> None:
    """The exit code is the command's, and the data is complete."""
    version = run_in_shell("--version", redirection)
    assert (version.returncode, version.stderr) == (0, b"")
    assert version.stdout.strip()
    assert run_in_shell("no-such-command", redirection).returncode == 2
    assert run_in_shell("--version", f">&- {redirection}").returncode == 1
    assert run_in_shell("--version", f"<&- >&- {redirection}").returncode == 1


def test_a_closed_input_is_an_empty_one() -> None:
    """A command that needs text says so; one that does not, works."""
    ran = run_in_shell("post Tea -", "<&-")
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert ran.stderr == b"rustygpt: The text is empty; give it as words, or pipe it in.\n"
    assert run_in_shell("", "<&- >&-").returncode == 2, "no terminal: help, as an error of usage"
    assert run_in_shell("--version", "<&-").returncode == 0


def test_an_input_that_cannot_be_read_is_an_error_of_usage(tmp_path: Path) -> None:
    """For example a file that was opened for writing."""
    ran = run_in_shell("post Tea -", f"0>{tmp_path}/file")
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert ran.stderr == b"rustygpt: Standard input cannot be read: it is closed.\n"


OPENING = """
import os, sys
from rustygpt_tui.standard_streams import replace_standard_streams
replace_standard_streams()
print(os.open(os.devnull, os.O_RDONLY), file=sys.stderr)
"""


def test_no_file_that_is_opened_later_becomes_a_standard_stream() -> None:
    """A descriptor that was closed is occupied at the start."""
    ran = subprocess.run(
        ["sh", "-c", 'exec "$@" <&- >&-', "sh", sys.executable, "-c", OPENING],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert int(ran.stderr) > 2


WRITING = """
import sys
from rustygpt_tui.standard_streams import replace_standard_streams
replace_standard_streams()
print("writing", file=sys.stderr)
print("x" * 1_000_000)
"""


async def test_a_full_pipe_that_does_not_block_is_waited_for() -> None:
    """A parent process may have made the pipe non-blocking; no output is lost."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    os.write(writing, b"." * 65_536)  # the pipe is full now
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITING, stdout=writing, stderr=PIPE
    )
    os.close(writing)
    assert process.stderr is not None
    assert await process.stderr.readline() == b"writing\n"
    with os.fdopen(reading, "rb") as file:
        output = await asyncio.to_thread(file.read)
    assert (await process.stderr.read(), await process.wait()) == (b"", 0)
    assert output == b"." * 65_536 + b"x" * 1_000_000 + b"\n"
