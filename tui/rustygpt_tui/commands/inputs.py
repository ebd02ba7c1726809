"""The input of commands: arguments, standard input, and prompts."""

import getpass
import io
import os
import select
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from rustygpt_shared.requests import Request
from rustygpt_shared.text_rules import MESSAGE_MAX
from rustygpt_tui.commands.base import CommandContext
from rustygpt_tui.conversation.attachments import read_attachment
from rustygpt_tui.errors import UsageError
from rustygpt_tui.store.attachment import with_attachments

R = TypeVar("R", bound=Request)

SILENT_PIPE_SECONDS = 2.0
"""After this time a note says that a command which got its text as words reads a pipe as well."""
_MAX_BYTES = MESSAGE_MAX * 4


class NoText(UsageError):
    """A command that writes a message got no text."""


def read_text(context: CommandContext, words: Sequence[str]) -> str:
    """Return the text of a message: the words, or standard input for `-`, or both.

    Words and a pipe (or a file) together are the words, a blank line, and what the pipe held; a
    `-` after the words names the pipe. Raises NoText when there is none.
    """
    if len(words) > 1 and words[-1] == "-" and not sys.stdin.isatty():
        words = words[:-1]
    argument = " ".join(words)
    if argument and argument != "-":
        return _joined(argument, _piped(context))
    if not argument and sys.stdin.isatty():
        raise NoText("There is no text; give it as words, or pipe it in.")
    text = read_stdin().rstrip("\r\n")
    if not text.strip():
        raise NoText("The text is empty; give it as words, or pipe it in.")
    return text


def read_stdin() -> str:
    """Return standard input; raise UsageError when it is too long for a message, or not UTF-8."""
    data = sys.stdin.buffer.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise UsageError(f"Standard input is longer than a message ({MESSAGE_MAX:,} characters).")
    return _decoded(data)


def _joined(words: str, piped: str) -> str:
    """Return the words, a blank line, and the text of a pipe, if there is any."""
    return f"{words}\n\n{piped}" if piped.strip() else words


def _piped(context: CommandContext) -> str:
    """Return what a pipe, a file or a socket at standard input holds; nothing for a device."""
    try:
        descriptor = sys.stdin.fileno()
    except io.UnsupportedOperation:  # a stream in memory
        return read_stdin().rstrip("\r\n")
    if stat.S_ISCHR(os.fstat(descriptor).st_mode):
        return ""
    if not select.select([descriptor], [], [], SILENT_PIPE_SECONDS)[0]:
        context.out.note(
            "Reading standard input as well; end it, or redirect it with `< /dev/null`."
        )
    return read_stdin().rstrip("\r\n")


def _read_line() -> str:
    """Return the next line of standard input without its end; empty at the end of the input."""
    return _decoded(sys.stdin.buffer.readline(_MAX_BYTES)).rstrip("\r\n")


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError("Standard input is not text in UTF-8.") from None


def with_files(text: str, files: Sequence[Path]) -> str:
    """Return the text with files appended, each in a code block below its name."""
    return with_attachments(text, [read_attachment(file, may_wait=True) for file in files])


def build_request(request_type: type[R], **fields: Any) -> R:
    """Return a request with these fields; raise UsageError that names the invalid one."""
    try:
        return request_type(**fields)
    except ValueError as error:
        raise UsageError(f"The input is not valid: {error}.") from None


def prompt(context: CommandContext, label: str, flag: str) -> str:
    """Prompt for a value and return it; raise UsageError naming `flag` when that is impossible."""
    _check_may_prompt(context, flag)
    sys.stderr.write(f"{label}: ")
    sys.stderr.flush()
    line = _read_line().strip()
    if not line:
        raise UsageError(f"No {label.lower()} was entered; give it with {flag}.")
    return line


def password(
    context: CommandContext, *, from_stdin: bool, twice: bool = False, label: str = "Password"
) -> str:
    """Return a password: the next line of standard input, or typed without echo."""
    if from_stdin:
        return secret_line(label.lower())
    _check_may_prompt(context, "--password-stdin")
    first = getpass.getpass(f"{label}: ", stream=sys.stderr)
    if twice and getpass.getpass(f"{label} again: ", stream=sys.stderr) != first:
        raise UsageError("The two passwords differ; try again.")
    return first


def secret_line(subject: str) -> str:
    """Return the next line of standard input; raise UsageError when it is empty."""
    line = _read_line()
    if not line:
        raise UsageError(f"There is no {subject} on standard input; pipe it in.")
    return line


def _check_may_prompt(context: CommandContext, flag: str) -> None:
    if context.no_input or not sys.stdin.isatty():
        raise UsageError(f"A value is missing and no prompt is possible; give it with {flag}.")
