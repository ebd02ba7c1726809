"""The one tree of exceptions that this server raises on purpose.

    RequestError           a request is refused; `status` and `code` say how on the wire
    ├── BadRequest         400  a query, a path or a body that cannot be read
    ├── DeviceFlowRefused  400  a device cannot be signed in, or not yet
    ├── NotSignedIn        401  no session, an unknown one, or one that ended
    │   └── PasswordChanged     the password was changed while it was checked
    ├── Forbidden          403  the caller may see it, but not do this
    │   └── InsufficientScope   the caller's personal token lacks a scope
    ├── SignInFailed       403  a sign-in by another provider comes to nothing
    ├── CsrfFailed         403  the CSRF token is missing or wrong
    ├── NotFound           404  also for what the caller may not know to exist
    ├── Conflict           409  it contradicts what is stored already
    ├── Gone               410  it was there, and cannot be used any more
    ├── UnsupportedMedia   415  a body that is not JSON
    ├── ValidationFailed   422  a field breaks a rule
    ├── ModelFailed        502  a model gives no completion; `http_status` is more exact
    ├── AccountDisabled    423  the password is right, the account is disabled
    ├── RateLimited        429  the caller has made too many requests
    ├── BudgetUsedUp       429  the caller has used all tokens of today
    └── Unavailable        503  no connection, a timeout, a lock, or no resources
        ├── DiskFull       503  the database has no space to store anything
        └── LoginRefused   503  the database refuses the password of the server's own login
    StartupError           why the server cannot start; never on the wire
    └── DatabaseNotUsable  the settings name a database that this version cannot use

The text of each is one sentence for a person. `db.errors` turns SQLSTATEs and errors of the driver
into these; `api.problems` writes them as problems (RFC 9457). Errors of the framework do not belong
here.
"""

from typing import ClassVar, Final, Literal

from rustygpt_server.rates import LimitState
from rustygpt_shared import problems
from rustygpt_shared.problems import FieldError


class RequestError(Exception):
    """A request is refused; `detail` is one sentence for a person."""

    status: ClassVar[int] = 400
    code: str = problems.BAD_REQUEST

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class BadRequest(RequestError):
    """A query, a path or a body cannot be read."""


class NotSignedIn(RequestError):
    """The caller has no valid session; `challenge` is the value of WWW-Authenticate."""

    status = 401
    code = problems.MISSING_SESSION

    def __init__(self, detail: str, code: str, challenge: str = "session") -> None:
        super().__init__(detail)
        self.code = code
        self.challenge = challenge


class PasswordChanged(NotSignedIn):
    """The account's password was changed, or hashed again, while it was checked."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, problems.INVALID_CREDENTIALS)


class Forbidden(RequestError):
    """The caller may see it, but not do this."""

    status = 403
    code = problems.FORBIDDEN


class InsufficientScope(Forbidden):
    """The caller's personal token lacks a scope; the header names it (RFC 6750, section 3)."""

    def __init__(self, scope: str) -> None:
        super().__init__(f"This needs a personal token with the scope `{scope}`.")
        challenge = f'Bearer realm="rustygpt", error="insufficient_scope", scope="{scope}"'
        self.headers = {"WWW-Authenticate": challenge}


SignInReason = Literal[
    "denied",
    "expired",
    "provider",
    "registration_closed",
    "invite_needed",
    "invite_ended",
    "invite_other_email",
    "session_ended",
    "other_account",
    "many_identities",
]
_SIGN_IN_REASONS: Final[dict[SignInReason, str]] = {
    "denied": "The provider did not confirm the sign-in; start again if that was a mistake.",
    "expired": "This sign-in took too long, or began in another browser; start again.",
    "provider": "The provider did not answer as it should; try again, or tell an administrator.",
    "registration_closed": "There is no account here for this identity, and registration is "
    "closed; ask an administrator for an account.",
    "invite_needed": "There is no account here for this identity, and a new one needs an invite; "
    "ask somebody for one.",
    "invite_ended": "This invite was used, revoked, or has expired; ask for a new one.",
    "invite_other_email": "This invite is for another e-mail address than the one that the "
    "provider has verified.",
    "session_ended": "Your session has ended meanwhile; sign in, then link the account again.",
    "other_account": "Another account here is linked with this identity; unlink it there first.",
    "many_identities": "You have linked as many identities as are possible; unlink one first.",
}


class SignInFailed(RequestError):
    """A sign-in by another provider comes to nothing; `reason` is a word for the page."""

    status = 403
    code = problems.FORBIDDEN

    def __init__(self, reason: SignInReason) -> None:
        super().__init__(_SIGN_IN_REASONS[reason])
        self.reason = reason
        self.is_linking = False
        """Whether a user who is signed in wanted to link an identity."""


_DEVICE_ERRORS: Final = {
    problems.DEVICE_PENDING: "Nobody has confirmed the code yet; ask again in a moment.",
    problems.DEVICE_SLOW_DOWN: "You ask too often; wait five seconds more each time.",
    problems.DEVICE_EXPIRED: "The code has expired or was used; start again.",
    problems.DEVICE_DENIED: "The sign-in was refused in the browser.",
}


class DeviceFlowRefused(RequestError):
    """A device cannot be signed in, or not yet (RFC 8628, 3.5); `code` says which."""

    status = 400

    def __init__(self, code: str) -> None:
        super().__init__(_DEVICE_ERRORS[code])
        self.code = code


class CsrfFailed(RequestError):
    """A cookie request lacks the token which proves that it comes from our own client."""

    status = 403
    code = problems.CSRF


class NotFound(RequestError):
    """It does not exist, or the caller may not know that it exists."""

    status = 404
    code = problems.NOT_FOUND


class Conflict(RequestError):
    """It contradicts what is stored already."""

    status = 409
    code = problems.CONFLICT


class Gone(RequestError):
    """It was there, and cannot be used any more: an invite."""

    status = 410
    code = problems.GONE


class UnsupportedMedia(RequestError):
    """The body is not JSON."""

    status = 415
    code = problems.UNSUPPORTED_MEDIA


class ValidationFailed(RequestError):
    """A value breaks a rule; `errors` names the fields where they are known."""

    status = 422
    code = problems.VALIDATION

    def __init__(self, detail: str, errors: list[FieldError] | None = None) -> None:
        super().__init__(detail)
        self.errors = errors

    @classmethod
    def of_text(cls, text: str) -> "ValidationFailed":
        """A sentence, or the message about one field after its name, as in `field: message`."""
        field, separator, message = text.partition(": ")
        if separator and field.isidentifier():
            return cls.of_fields([FieldError(field, message)])
        return cls(text)

    @classmethod
    def of_fields(cls, errors: list[FieldError]) -> "ValidationFailed":
        """Several fields that break a rule; the detail joins their messages."""
        parts = [f"{e.field}: {e.message}" if e.field else e.message for e in errors]
        return cls("; ".join(parts), errors)


class RateLimited(RequestError):
    """The caller has made too many requests; `state` says when the next one is accepted."""

    status = 429
    code = problems.RATE_LIMITED

    def __init__(self, state: LimitState, subject: str = "Too many requests") -> None:
        seconds = state.retry_after_seconds or 1
        unit = "second" if seconds == 1 else "seconds"
        super().__init__(f"{subject}; try again in {seconds:,} {unit}.")
        self.state = state
        self.retry_after_seconds = seconds
        self.headers = {"Retry-After": str(seconds)}


class BudgetUsedUp(RequestError):
    """The caller has used all tokens of today."""

    status = 429
    code = problems.BUDGET

    def __init__(self, daily_tokens: int) -> None:
        super().__init__(
            f"You have used all {daily_tokens:,} tokens of today; "
            "the budget is renewed at 00:00 UTC."
        )
        self.headers = {"X-Should-Retry": "false"}


_MODEL_STATUSES: Final = {
    "unknown_model": 404,
    "context_length_exceeded": 400,
    "stopped": 409,
    problems.BUDGET: 429,
    "queue_full": 503,
    "shutdown": 503,
    "timeout": 504,
}


class ModelFailed(RequestError):
    """A model gives no completion, or only a part of it; `code` is a word for programs."""

    status = 502

    def __init__(self, detail: str, code: str, *, may_retry: bool = True) -> None:
        """`may_retry`: whether the same request may be sent again without a second effect."""
        super().__init__(detail)
        self.code = code
        self.headers = {} if may_retry else {"X-Should-Retry": "false"}

    @property
    def http_status(self) -> int:
        """The status of the response, unless a stream has started."""
        return _MODEL_STATUSES.get(self.code, 502)


class AccountDisabled(RequestError):
    """The password is right, but the account is disabled."""

    status = 423
    code = problems.DISABLED


class Unavailable(RequestError):
    """The database cannot be queried now; the same request may succeed later."""

    status = 503
    code = problems.UNAVAILABLE


class DiskFull(Unavailable):
    """The database has no space to store anything; reading goes on."""


class LoginRefused(Unavailable):
    """The database refuses the server's own login, until its password is set again."""


class StartupError(Exception):
    """Why the server cannot start, in one sentence; `exit_code` is that of the command."""

    exit_code = 1


class DatabaseNotUsable(StartupError):
    """The settings name a database that this version cannot use."""

    exit_code = 2
