"""What commands are given: words, a pipe, or answers at a prompt."""

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
    """The text that words make, or `-` or a pipe brings; raises UsageError when there is none."""
    given = " ".join(words)
    if given and given != "-":
        return given
    if not given and sys.stdin.isatty():
        raise UsageError("There is no text; give it as words, or pipe it in.")
    text = read_stdin().rstrip("\n")
    if not text.strip():
        raise UsageError("The text is empty; give it as words, or pipe it in.")
    return text


def read_stdin() -> str:
    """What standard input brings, as far as a message can be long."""
    data = sys.stdin.buffer.read(_MAX_BYTES + 1)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError("Standard input is no text in UTF-8.") from None


def with_attachments(text: str, files: Sequence[Path]) -> str:
    """The text with files below it, each in a fence that nothing in it can end."""
    for file in files:
        try:
            content = file.read_text("utf-8").rstrip("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{file} cannot be attached: it is {_why(error)}.") from None
        fence = "```"
        while fence in content:
            fence += "`"
        text = f"{text}\n\n{file.name}:\n{fence}\n{content}\n{fence}"
    return text


def build_request(request_type: type[R], **fields: Any) -> R:
    """A request of these fields; raises UsageError that says which does not fit."""
    try:
        return request_type(**fields)
    except ValueError as error:
        raise UsageError(f"This does not fit: {error}.") from None


def prompt(context: CommandContext, label: str, flag: str) -> str:
    """A person's answer at a prompt; raises UsageError that names `flag` when none can be had."""
    _check_may_prompt(context, flag)
    sys.stderr.write(f"{label}: ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer:
        raise UsageError(f"There is no answer; give it with {flag}.")
    return answer.strip()


def password(context: CommandContext, *, from_stdin: bool, twice: bool = False) -> str:
    """A password, from the first line of standard input or typed without being shown."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    _check_may_prompt(context, "--password-stdin")
    first = getpass.getpass("Password: ", stream=sys.stderr)
    if twice and getpass.getpass("Password again: ", stream=sys.stderr) != first:
        raise UsageError("The two passwords differ; try again.")
    return first


def _check_may_prompt(context: CommandContext, flag: str) -> None:
    if context.no_input or not sys.stdin.isatty():
        raise UsageError(f"Something is missing and nobody can be asked; give it with {flag}.")


def _why(error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "no text in UTF-8"
    return (error.strerror or "not readable").lower()
