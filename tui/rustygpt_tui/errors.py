"""Why the terminal could not do what was asked: one sentence each, and the exit code it ends with.

    Failure
    ├── UsageError      the command line or the settings are wrong
    ├── Unreachable     nothing answers at the server's address
    ├── TimedOut        the server took too long
    ├── AnswerFailed    the assistant could not answer, or was stopped
    └── Refused         the server said no
        ├── SignInNeeded
        ├── NotFound
        ├── Forbidden
        ├── RateLimited
        └── ServerFault the fault is the server's own

What the server said is made fit for a terminal before it gets here; nothing here prints.
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
    INTERRUPTED = 130
    PIPE_CLOSED = 141


class PipeClosedError(Exception):
    """Whoever read our output has stopped; it is no failure of ours."""


class ClientError(Exception):
    """Something a person has to know: `str()` is one sentence, what happened and what to do.

    `code` names the kind for programs (the server's `RGP.…`, or one of ours in the same style);
    `request_id` is the server's, when it answered; `retry_after` is in seconds.
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
        """What happened and what to do next."""
        return str(self)


class UsageError(ClientError):
    """The command line or the settings cannot be used."""

    exit_code = Exit.USAGE
    code = "RGP.CLIENT.USAGE"


class Unreachable(ClientError):
    """Nothing answers at the server's address."""

    exit_code = Exit.UNREACHABLE
    code = "RGP.CLIENT.UNREACHABLE"


class TimedOut(ClientError):
    """The server took the request and did not answer in time."""

    exit_code = Exit.TIMED_OUT
    code = "RGP.CLIENT.TIMED_OUT"


class ServerRejected(ClientError):
    """The server answered with a problem."""


class NotSignedIn(ServerRejected):
    """There is no session, or it ended."""

    exit_code = Exit.SIGN_IN
    code = "RGP.AUTH.MISSING_SESSION"


class NotFound(ServerRejected):
    """What was named does not exist, or the caller may not know that it does."""

    exit_code = Exit.NOT_FOUND
    code = "RGP.NOT_FOUND"


class Forbidden(ServerRejected):
    """The caller may not do this."""

    exit_code = Exit.FORBIDDEN
    code = "RGP.RBAC.FORBIDDEN"


class RateLimited(ServerRejected):
    """Too many requests; `retry_after` says when to try again."""

    exit_code = Exit.RATE_LIMITED
    code = "RGP.RATE_LIMITED"


class ServerError(ServerRejected):
    """The server failed by a fault of its own; later it may not."""

    code = "RGP.INTERNAL"


class AnswerFailed(ClientError):
    """The assistant's answer failed or was stopped."""

    exit_code = Exit.ANSWER
    code = "RGP.CLIENT.ANSWER"
