"""The errors of the terminal, each with one sentence for a person and an exit code.

    ClientError
    ├── UsageError      the command line or the settings are invalid
    ├── Unreachable     nothing answers at the server's address
    ├── TimedOut        the server did not respond in time
    ├── AnswerFailed    the assistant's answer failed or was stopped
    ├── OutputFailed    standard output cannot be written
    └── ServerRejected  the server responded with a problem
        ├── NotSignedIn
        ├── NotFound
        ├── Forbidden
        ├── RateLimited
        └── ServerError     an error inside the server

Text from the server is made safe for a terminal before it gets here; nothing here prints.
"""

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes of every command."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    SIGN_IN = 4
    NOT_FOUND = 5
    FORBIDDEN = 6
    RATE_LIMITED = 7
    TIMED_OUT = 8
    ANSWER = 9
    HANGUP = 129
    INTERRUPTED = 130
    PIPE_CLOSED = 141
    TERMINATED = 143


class PipeClosedError(BrokenPipeError):
    """The reader of standard output closed the pipe; this is not an error of the command."""


class Terminated(Exception):
    """A signal ended the command, which has cleaned up."""

    def __init__(self, exit_code: Exit) -> None:
        super().__init__(exit_code.name)
        self.exit_code = exit_code


class ClientError(Exception):
    """An error for a person: `str()` is one sentence that says what happened and what to do next.

    `code` is for programs: the server's `RGP.…`, or one in the same style. `request_id` is the
    server's, if it responded. `retry_after` is in seconds.
    """

    exit_code = Exit.FAILED
    code = "RGP.CLIENT.FAILED"

    def __init__(
        self,
        sentence: str,
        *,
        code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(sentence)
        self.code = code or self.code
        self.request_id = request_id
        self.retry_after = retry_after

    @property
    def sentence(self) -> str:
        """The sentence: what happened and what to do next."""
        return str(self)


class UsageError(ClientError):
    """The command line or the settings are invalid."""

    exit_code = Exit.USAGE
    code = "RGP.CLIENT.USAGE"


class Unreachable(ClientError):
    """Nothing answers at the server's address."""

    exit_code = Exit.UNREACHABLE
    code = "RGP.CLIENT.UNREACHABLE"


class TimedOut(ClientError):
    """The server accepted the request and did not respond in time."""

    exit_code = Exit.TIMED_OUT
    code = "RGP.CLIENT.TIMED_OUT"


class ServerRejected(ClientError):
    """The server responded with a problem."""


class NotSignedIn(ServerRejected):
    """There is no session, or the session ended."""

    exit_code = Exit.SIGN_IN
    code = "RGP.AUTH.MISSING_SESSION"


class NotFound(ServerRejected):
    """The resource does not exist, or the caller may not know that it does."""

    exit_code = Exit.NOT_FOUND
    code = "RGP.NOT_FOUND"


class Forbidden(ServerRejected):
    """The caller does not have the permission."""

    exit_code = Exit.FORBIDDEN
    code = "RGP.RBAC.FORBIDDEN"


class RateLimited(ServerRejected):
    """The caller sent too many requests; `retry_after` says when to try again."""

    exit_code = Exit.RATE_LIMITED
    code = "RGP.RATE_LIMITED"


class ServerError(ServerRejected):
    """The server failed internally; trying again later may help."""

    code = "RGP.INTERNAL"


class AnswerFailed(ClientError):
    """The assistant's answer failed or was stopped."""

    exit_code = Exit.ANSWER
    code = "RGP.CLIENT.ANSWER"


class OutputFailed(ClientError):
    """Standard output is closed, or its disk is full."""

    code = "RGP.CLIENT.OUTPUT"
