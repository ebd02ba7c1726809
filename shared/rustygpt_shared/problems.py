"""Problem details, the body of every error response (RFC 9457), and their codes."""

from typing import Final

from msgspec import Struct

TYPE_PREFIX: Final = "https://rustygpt.dev/problems/"

BAD_REQUEST: Final = "RGP.BAD_REQUEST"
MISSING_SESSION: Final = "RGP.AUTH.MISSING_SESSION"
INVALID_SESSION: Final = "RGP.AUTH.INVALID_SESSION"
EXPIRED: Final = "RGP.AUTH.EXPIRED"
INVALID_CREDENTIALS: Final = "RGP.AUTH.INVALID_CREDENTIALS"
CSRF: Final = "RGP.AUTH.CSRF"
DEVICE_PENDING: Final = "RGP.DEVICE.AUTHORIZATION_PENDING"
DEVICE_SLOW_DOWN: Final = "RGP.DEVICE.SLOW_DOWN"
DEVICE_EXPIRED: Final = "RGP.DEVICE.EXPIRED_TOKEN"
DEVICE_DENIED: Final = "RGP.DEVICE.ACCESS_DENIED"
FORBIDDEN: Final = "RGP.RBAC.FORBIDDEN"
NOT_FOUND: Final = "RGP.NOT_FOUND"
CONFLICT: Final = "RGP.CONFLICT"
GONE: Final = "RGP.GONE"
TOO_LARGE: Final = "RGP.TOO_LARGE"
UNSUPPORTED_MEDIA: Final = "RGP.UNSUPPORTED_MEDIA"
METHOD: Final = "RGP.METHOD"
VALIDATION: Final = "RGP.VALIDATION"
DISABLED: Final = "RGP.AUTH.DISABLED"
RATE_LIMITED: Final = "RGP.RATE_LIMITED"
BUDGET: Final = "RGP.BUDGET"
INTERNAL: Final = "RGP.INTERNAL"
UNAVAILABLE: Final = "RGP.UNAVAILABLE"


class FieldError(Struct, frozen=True):
    """The error of one field of a request."""

    field: str
    message: str


class Problem(Struct, frozen=True, omit_defaults=True):
    """The body of an error response; the fields up to `detail` are those of RFC 9457, 3.1."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    message: str
    """The same as `detail`."""
    request_id: str
    errors: list[FieldError] | None = None
    retry_after_seconds: int | None = None
