"""Parsing and validation of requests: bodies, headers, query parameters, cursors, addresses.

Each function raises the RequestError that fits. Authentication does not belong here.
"""

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, date, datetime
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Annotated, TypeVar, cast, get_args
from uuid import UUID

import msgspec
from sanic.request import Request

from rustygpt_server.api.problems import validation_failed
from rustygpt_server.db.rows import IdempotencyKey
from rustygpt_server.db.threads import TreeStart
from rustygpt_server.db.usage import UsagePosition
from rustygpt_server.errors import BadRequest, CsrfFailed, UnsupportedMedia, ValidationFailed
from rustygpt_shared import codec
from rustygpt_shared.ids import new_id
from rustygpt_shared.models.exports import ExportFileFormat
from rustygpt_shared.problems import FieldError

T = TypeVar("T")
_Zoned = Annotated[datetime, msgspec.Meta(tz=True)]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, 9.2.1)."""
BAD_CURSOR = "This cursor is not one that a list has given."
MAX_SEQ = 2**31 - 1
"""No message has a higher seq."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_KEY = re.compile(r"[\x20-\x7e]{1,128}")


def request_id(request: Request, header: str, unix_ms: int) -> str:
    """Return the client's request id when it is valid, else a new one."""
    value = request.headers.get(header, "")
    return value if _REQUEST_ID.fullmatch(value) else str(new_id(unix_ms))


def decode_body(request: Request, shape: type[T]) -> T:
    """Return the request's JSON as a struct.

    Raises UnsupportedMedia for another type or a coding (RFC 9110, 15.5.16), BadRequest (no JSON)
    or ValidationFailed (a field breaks a rule). Types are compared without case (8.3.1).
    """
    check_media_type(request, ("application/json",))
    try:
        return codec.decode(request.body, shape)
    except msgspec.ValidationError as error:
        raise validation_failed(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if re.search(rb"\\u[dD][89a-fA-F]", request.body):
            raise ValidationFailed.of_fields(
                [FieldError("", "lone surrogates are not allowed")]
            ) from None
        raise BadRequest("The request's body is not JSON.") from None


def check_media_type(request: Request, accepted: tuple[str, ...]) -> None:
    """Raise UnsupportedMedia for a body of another type, or with a coding."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMedia("Compressed requests are not accepted.")
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in accepted:
        raise UnsupportedMedia(f"The request has to be JSON: Content-Type: {accepted[0]}.")


def idempotency_key_only(request: Request) -> str | None:
    """Return the request's idempotency key, where the body is not known yet."""
    key: str | None = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise BadRequest("An Idempotency-Key is 1 to 128 printable ASCII characters.")
    return key


def idempotency_key(request: Request) -> IdempotencyKey | None:
    """Return the request's idempotency key with the SHA-256 of its method, path and body."""
    key = idempotency_key_only(request)
    if key is None:
        return None
    content = f"{request.method} {request.path}\n".encode() + request.body
    return IdempotencyKey(key, hashlib.sha256(content).digest())


def check_csrf(request: Request, header: str, expected: str) -> None:
    """Raise CsrfFailed unless the header holds the session's CSRF token, once."""
    values = request.headers.getall(header, [])
    token = values[0].encode("utf-8", "surrogateescape") if len(values) == 1 else b""
    if not hmac.compare_digest(token, expected.encode()):
        raise CsrfFailed(
            f"The {header} header is missing or does not belong to this session; "
            "load the page again."
        )


def limit_param(request: Request, default: int, maximum: int) -> int:
    """Return the page size of the query parameter `limit`, from 1 to `maximum`."""
    text = request.args.get("limit", str(default))
    if not re.fullmatch(r"[0-9]{1,6}", text) or not 1 <= int(text) <= maximum:
        raise BadRequest(f"limit has to be a number from 1 to {maximum}.")
    return int(text)


def bool_param(request: Request, name: str) -> bool:
    """Return a query parameter that is `true` or `false`; absent is False."""
    text = request.args.get(name, "false")
    if text not in ("true", "false"):
        raise BadRequest(f"{name} has to be true or false.")
    return bool(text == "true")


def export_format(request: Request) -> ExportFileFormat:
    """Return the format of an export that the query names, JSON Lines by default."""
    text = request.args.get("format", "jsonl")
    for known in get_args(ExportFileFormat):
        if text == known:
            return cast("ExportFileFormat", known)
    raise BadRequest("format has to be jsonl, json or markdown.")


def id_param(request: Request, name: str) -> UUID | None:
    """Return a query parameter that is an id, or None."""
    text = request.args.get(name)
    try:
        return UUID(text) if text else None
    except ValueError:
        raise BadRequest(f"{name} has to be an id.") from None


def time_param(request: Request, name: str) -> datetime | None:
    """Return a query parameter that is a time, in UTC without another zone, or None."""
    text = request.args.get(name)
    if not text:
        return None
    try:
        moment = msgspec.convert(text, datetime)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        raise BadRequest(f"{name} has to be a time like 2026-01-31T12:00:00Z.") from None


def day_param(request: Request, name: str) -> date | None:
    """Return a query parameter that is a day, or None."""
    text = request.args.get(name)
    if not text:
        return None
    try:
        return msgspec.convert(text, date)
    except msgspec.ValidationError:
        raise BadRequest(f"{name} has to be a day like 2026-01-31.") from None


def read_number_cursor(request: Request) -> int | None:
    """Return the query's cursor as the number of the last item before the page, or None."""
    text = request.args.get("cursor")
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise BadRequest(BAD_CURSOR)
    return int(text)


def is_html_requested(request: Request) -> bool:
    """Return whether the query has `render=html`, the only way to render."""
    text = request.args.get("render", "html")
    if text != "html":
        raise BadRequest("render has to be html.")
    return "render" in request.args


def make_cursor(moment: datetime, last: UUID) -> str:
    """Return the cursor of the page after an item, for lists ordered by time and id."""
    return urlsafe_b64encode(codec.encode((moment, last))).rstrip(b"=").decode()


def read_cursor(request: Request) -> tuple[datetime, UUID] | None:
    """Return the query's cursor as (time, id) of the last item before the page, or None."""
    text = request.args.get("cursor")
    if not text:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        moment, last = codec.decode(urlsafe_b64decode(padded.encode()), tuple[_Zoned, UUID])
        return moment.astimezone(UTC), last
    except (ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
        raise BadRequest(BAD_CURSOR) from None


def make_usage_cursor(day: date, user_id: UUID, model: str) -> str:
    """Return the cursor of the page after an entry of usage."""
    return urlsafe_b64encode(codec.encode((day, user_id, model))).rstrip(b"=").decode()


def read_usage_cursor(request: Request) -> UsagePosition | None:
    """Return the query's cursor as the last entry of usage before the page, or None."""
    text = request.args.get("cursor")
    if not text:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        position = codec.decode(urlsafe_b64decode(padded.encode()), tuple[date, UUID, str])
    except (ValueError, RecursionError, msgspec.MsgspecError):
        raise BadRequest(BAD_CURSOR) from None
    if "\x00" in position[2]:
        raise BadRequest(BAD_CURSOR)
    return position


def tree_start(request: Request) -> TreeStart:
    """Return where the query says that a page of a tree is; at most one parameter is allowed."""
    args = request.args
    after_path = args.get("cursor_path") or args.get("cursor")
    before_path, around = args.get("before_path"), args.get("around")
    given = [value for value in (after_path, before_path, around) if value]
    if len(given) > 1:
        raise BadRequest("Only one of cursor_path, before_path and around is allowed.")
    if any(not (path.isascii() and path.isalnum()) for path in (after_path, before_path) if path):
        raise BadRequest(BAD_CURSOR)
    try:
        return TreeStart(after_path or None, before_path or None, UUID(around) if around else None)
    except ValueError:
        raise BadRequest("around has to be the id of a message.") from None


def seq_param(request: Request, *names: str) -> int | None:
    """Return the first of these query parameters as the seq of a message, or None."""
    text = next((text for name in names if (text := request.args.get(name))), None)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,16}", text):
        raise BadRequest(f"{names[-1]} has to be a number, 0 or more.")
    return min(int(text), MAX_SEQ)


def read_name_cursor(request: Request) -> str | None:
    """Return the query's cursor as the name of the last item before the page, or None."""
    text: str | None = request.args.get("cursor")
    if text and not text.isprintable():
        raise BadRequest(BAD_CURSOR)
    return text or None


def is_trusted(address: str, proxies: list[str]) -> bool:
    """Return whether an address lies in one of the networks of trusted proxies."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in ip_network(proxy, strict=False) for proxy in proxies)


def is_address(text: str) -> bool:
    """Return whether a text is an IP address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def client_key(address: str) -> str:
    """Return what counts as one client: an IPv4 address, or an IPv6 network of 64 bits.

    A single IPv6 subscriber has at least such a network (RFC 6177).
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, 64), strict=False))
