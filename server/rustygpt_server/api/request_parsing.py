"""What is looked at before a request reaches its route: ids, headers, queries, CSRF."""

import hashlib
import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from typing import Annotated, TypeVar
from uuid import UUID

import msgspec
from sanic.request import Request

from rustygpt_server.api.problems import validation_failed
from rustygpt_server.db.rows import IdempotencyKey
from rustygpt_server.errors import BadRequest, CsrfFailed, UnsupportedMedia, ValidationFailed
from rustygpt_shared import codec
from rustygpt_shared.ids import new_id
from rustygpt_shared.problems import FieldError

T = TypeVar("T")
_Zoned = Annotated[datetime, msgspec.Meta(tz=True)]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
BAD_CURSOR = "This cursor is not one that a list has given."
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_KEY = re.compile(r"[\x20-\x7e]{1,128}")


def request_id(request: Request, header: str, unix_ms: int) -> str:
    """The client's request id when it is a proper one, else a new one."""
    given = request.headers.get(header, "")
    return given if _REQUEST_ID.fullmatch(given) else str(new_id(unix_ms))


def decode_body(request: Request, shape: type[T]) -> T:
    """The request's JSON as a struct; raises the refusal that fits what is wrong with it."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMedia("Compressed requests are not taken.")
    if (
        request.headers.get("content-type", "").partition(";")[0].strip().lower()
        != "application/json"
    ):
        raise UnsupportedMedia("The request has to be JSON: Content-Type: application/json.")
    try:
        return codec.decode(request.body, shape)
    except msgspec.ValidationError as error:
        raise validation_failed(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if re.search(rb"\\u[dD][89a-fA-F]", request.body):
            raise ValidationFailed.of_fields(
                [FieldError("", "lone surrogates are not allowed")]
            ) from None
        raise BadRequest("The request's body is no JSON.") from None


def idempotency_key(request: Request) -> IdempotencyKey | None:
    """The request's idempotency key, bound to its address and body."""
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise BadRequest("An Idempotency-Key is 1 to 128 printable ASCII characters.")
    told = f"{request.method} {request.path}\n".encode() + request.body
    return IdempotencyKey(key, hashlib.sha256(told).digest())


def check_csrf(request: Request, header: str, expected: str) -> None:
    """Refuse a cookie request that does not prove to come from our own client."""
    given = request.headers.getall(header, [])
    proof = given[0].encode("utf-8", "surrogateescape") if len(given) == 1 else b""
    if not hmac.compare_digest(proof, expected.encode()):
        raise CsrfFailed(
            f"The {header} header is missing or does not belong to this session; "
            "load the page again."
        )


def limit_param(request: Request, default: int, maximum: int) -> int:
    """The `limit` of a list."""
    text = request.args.get("limit", str(default))
    if not re.fullmatch(r"[0-9]{1,6}", text) or not 1 <= int(text) <= maximum:
        raise BadRequest(f"limit has to be a number from 1 to {maximum}.")
    return int(text)


def bool_param(request: Request, name: str) -> bool:
    """A query that is true or false; absent is false."""
    text = request.args.get(name, "false")
    if text not in ("true", "false"):
        raise BadRequest(f"{name} has to be true or false.")
    return bool(text == "true")


def make_cursor(moment: datetime, last: UUID) -> str:
    """Where the next page of a list by time starts."""
    return urlsafe_b64encode(codec.encode((moment, last))).rstrip(b"=").decode()


def read_cursor(request: Request) -> tuple[datetime, UUID] | None:
    """The page asked for, as (time, id) of the last item before it."""
    text = request.args.get("cursor")
    if not text:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        told = codec.decode(urlsafe_b64decode(padded.encode()), tuple[_Zoned, UUID])
        return told[0].astimezone(UTC), told[1]
    except (ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
        raise BadRequest(BAD_CURSOR) from None


def read_name_cursor(request: Request) -> str | None:
    """The page asked for, as the name of the last item before it."""
    text: str | None = request.args.get("cursor")
    if text and not text.isprintable():
        raise BadRequest(BAD_CURSOR)
    return text or None


def is_trusted(address: str, proxies: list[str]) -> bool:
    """Whether an address belongs to a proxy whose word is taken."""
    try:
        here = ip_address(address)
    except ValueError:
        return False
    return any(here in ip_network(proxy, strict=False) for proxy in proxies)


def is_address(text: str) -> bool:
    """Whether a text is an address at all."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_loopback(address: str) -> bool:
    """Whether a request comes from the server's own machine."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
