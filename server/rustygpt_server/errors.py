"""Refusals that the server itself speaks; those of the database are in `db.refusals`.

Refusal
├── NotSignedIn        401: no session, an unknown one, or one that ended
├── CsrfFailed         403
├── AccountDisabled    423
├── BadInput           400: a query, a path or a body that cannot be read
├── Invalid            422: a field that does not fit
├── UnsupportedMedia   415
└── StartFailed        not for the wire: why the server cannot start
    └── DatabaseNotUsable
"""

from rustygpt_shared import problems
from rustygpt_shared.problems import FieldError


class Refusal(Exception):
    """A request that is not done; the message is one sentence for a person."""

    status = 400
    code = problems.BAD_REQUEST

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NotSignedIn(Refusal):
    """Nobody is signed in; `challenge` goes into WWW-Authenticate."""

    status = 401
    code = problems.MISSING_SESSION

    def __init__(self, detail: str, code: str, challenge: str = "session") -> None:
        super().__init__(detail)
        self.code = code
        self.challenge = challenge


class CsrfFailed(Refusal):
    """A cookie request without the token that proves it comes from our own page."""

    status = 403
    code = problems.CSRF


class Forbidden(Refusal):
    """The caller may know of it, but not do it."""

    status = 403
    code = problems.FORBIDDEN


class AccountDisabled(Refusal):
    """The password is right, the account is switched off."""

    status = 423
    code = problems.DISABLED


class BadInput(Refusal):
    """Something that cannot be read at all."""


class Invalid(Refusal):
    """Fields that do not fit."""

    status = 422
    code = problems.VALIDATION

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__(
            "; ".join(f"{e.field}: {e.message}" if e.field else e.message for e in errors)
        )
        self.errors = errors


class UnsupportedMedia(Refusal):
    """A body that is not JSON."""

    status = 415
    code = problems.UNSUPPORTED_MEDIA


class StartFailed(Exception):
    """Why the server cannot start, in one sentence; `exit_code` is that of the command."""

    exit_code = 1


class DatabaseNotUsable(StartFailed):
    """The settings name a database that this version cannot use."""

    exit_code = 2
