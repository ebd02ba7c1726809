"""The input of commands: arguments, standard input, and prompts."""

import getpass
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from rustygpt_shared.requests import Request
from rustygpt_shared.text_rules import MESSAGE_MAX
from rustygpt_tui.commands.base import CommandContext
from rustygpt_tui.errors import UsageError

R = TypeVar("R", bound=Request)

_MAX_BYTES = MESSAGE_MAX * 4


def read_text(words: Sequence[str]) -> str:
    """Return the text of a message: the words, or standard input for `-` or no words.

    Raises UsageError when there is no text.
    """
    argument = " ".join(words)
    if argument and argument != "-":
        return argument
    if not argument and sys.stdin.isatty():
        raise UsageError("There is no text; give it as words, or pipe it in.")
    text = read_stdin().rstrip("\n")
    if not text.strip():
        raise UsageError("The text is empty; give it as words, or pipe it in.")
    return text


def read_stdin() -> str:
    """Return standard input, as far as a message can be long; raise UsageError if not UTF-8."""
    data = sys.stdin.buffer.read(_MAX_BYTES + 1)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError("Standard input is not text in UTF-8.") from None


def with_attachments(text: str, files: Sequence[Path]) -> str:
    """Return the text with files appended, each in a code fence longer than any in the file."""
    for file in files:
        try:
            content = file.read_text("utf-8").rstrip("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{file} cannot be attached: {_reason(error)}.") from None
        fence = "```"
        while fence in content:
            fence += "`"
        text = f"{text}\n\n{file.name}:\n{fence}\n{content}\n{fence}"
    return text


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
    line = sys.stdin.readline()
    if not line:
        raise UsageError(f"No {label.lower()} was entered; give it with {flag}.")
    return line.strip()


def password(context: CommandContext, *, from_stdin: bool, twice: bool = False) -> str:
    """Return a password: the first line of standard input, or typed without echo."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    _check_may_prompt(context, "--password-stdin")
    first = getpass.getpass("Password: ", stream=sys.stderr)
    if twice and getpass.getpass("Password again: ", stream=sys.stderr) != first:
        raise UsageError("The two passwords differ; try again.")
    return first


def _check_may_prompt(context: CommandContext, flag: str) -> None:
    if context.no_input or not sys.stdin.isatty():
        raise UsageError(f"A value is missing and no prompt is possible; give it with {flag}.")


def _reason(error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not text in UTF-8"
    return (error.strerror or "it cannot be read").lower()
