"""Requests and their answers: cookies, the CSRF token, time limits, and renewing a session.

An answer of 401 that says how is met with one refresh and one retry. A request that broke off is
sent once more when doing it twice is the same as doing it once.
"""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from rustygpt_shared import __version__
from rustygpt_shared.codec import decode, encode
from rustygpt_tui.client.cookies import is_loopback
from rustygpt_tui.client.problems import (
    error_from_response,
    error_from_transport,
    unreadable_response,
)
from rustygpt_tui.client.session import Session
from rustygpt_tui.errors import ClientError

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

CSRF_HEADER = "X-CSRF-TOKEN"
CONNECT_TIMEOUT = 10.0
RESPONSE_TIMEOUT = 30.0
_SAFE = frozenset({"GET", "HEAD"})
_REFRESH = "/api/auth/refresh"

Query = Mapping[str, str | int | None]


def new_key() -> str:
    """An idempotency key: the same key makes the same request happen once only."""
    return secrets.token_urlsafe(24)


class Transport:
    """A connection to one server as one session; close it with `aclose` or `async with`."""

    def __init__(
        self,
        session: Session,
        *,
        response_timeout: float = RESPONSE_TIMEOUT,
        csrf_header: str = CSRF_HEADER,
    ) -> None:
        self.session = session
        self.origin = session.origin
        self._response_timeout = response_timeout
        self._csrf_header = csrf_header
        self._http_client: httpx.AsyncClient | None = None
        self._refresh_lock = asyncio.Lock()

    async def aclose(self) -> None:
        """Close every connection."""
        if self._http_client:
            await self._http_client.aclose()
            self._http_client = None

    async def call(
        self,
        method: str,
        path: str,
        response_type: type[T],
        *,
        body: Any = None,
        query: Query | None = None,
        key: str | None = None,
        idempotent: bool = False,
    ) -> T:
        """The answer to a request, as `shape`; raises Failure.

        `body` is a struct of `requests`; `key` makes a POST that creates safe to repeat, and
        `again` says that this one is safe anyway.
        """
        response = await self._send_authenticated(
            _request(method, path, body, query, key, idempotent=idempotent)
        )
        try:
            return decode(response.content, response_type)
        except msgspec.MsgspecError:
            raise unreadable_response(self.origin) from None

    async def call_no_content(
        self, method: str, path: str, *, body: Any = None, idempotent: bool = False
    ) -> None:
        """A request whose answer has nothing to tell; raises Failure."""
        await self._send_authenticated(_request(method, path, body, idempotent=idempotent))

    async def get_raw(self, path: str) -> "httpx.Response":
        """The answer to a plain GET, whatever its status; raises Failure when there is none."""
        return await self._send(_request("GET", path))

    @asynccontextmanager
    async def stream(
        self, path: str, headers: Mapping[str, str], silence_seconds: float
    ) -> AsyncIterator["httpx.Response"]:
        """An answer whose body is read as it comes; raises Failure when it is an error.

        It is given up when nothing, not even a comment, comes for `silence_seconds`.
        """
        for renewable in (True, False):
            used = self.session.header()
            async with self._stream_once(path, headers, silence_seconds) as response:
                if response.is_success:
                    yield response
                    return
                await response.aread()
            if not (
                renewable and _asks_for_refresh(response) and await self._refresh_session(used)
            ):
                raise error_from_response(response, self.origin)

    @asynccontextmanager
    async def _stream_once(
        self, path: str, headers: Mapping[str, str], silence_seconds: float
    ) -> AsyncIterator["httpx.Response"]:
        import httpx

        limits = httpx.Timeout(
            self._response_timeout, connect=CONNECT_TIMEOUT, read=silence_seconds
        )
        sent = {**self._headers(_request("GET", path)), **headers}
        try:
            async with self._http().stream("GET", path, headers=sent, timeout=limits) as response:
                self.session.store_cookies(response.headers.get_list("set-cookie"))
                yield response
        except httpx.HTTPError as error:
            raise error_from_transport(error, self.origin) from None

    async def _send_authenticated(self, request: "_Request") -> "httpx.Response":
        used = self.session.header()
        response = await self._send(request)
        if (
            request.path != _REFRESH
            and _asks_for_refresh(response)
            and await self._refresh_session(used)
        ):
            response = await self._send(request)
        if not response.is_success:
            raise error_from_response(response, self.origin)
        return response

    async def _send(self, request: "_Request", *, retry: bool = True) -> "httpx.Response":
        import httpx

        try:
            response = await self._http().request(
                request.method,
                request.path,
                content=request.content,
                params=request.query,
                headers=self._headers(request),
            )
        except httpx.HTTPError as error:
            # A connection kept open may be closed by the server just as it is used.
            broke = isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError)
            if broke and retry and request.idempotent and not isinstance(error, httpx.ConnectError):
                return await self._send(request, retry=False)
            raise error_from_transport(error, self.origin) from None
        self.session.store_cookies(response.headers.get_list("set-cookie"))
        return response

    def _headers(self, request: "_Request") -> dict[str, str]:
        headers = {"Accept": "application/json"}
        cookie, csrf = self.session.header(), self.session.csrf()
        if cookie:
            headers["Cookie"] = cookie
        if csrf and cookie and request.method not in _SAFE:
            headers[self._csrf_header] = csrf
        if request.key:
            headers["Idempotency-Key"] = request.key
        if request.content is not None:
            headers["Content-Type"] = "application/json"
        return headers

    async def _refresh_session(self, used: str | None) -> bool:
        """Whether a retry makes sense: another request or terminal renewed, or we do now."""
        if used is None:
            return False
        async with self._refresh_lock:
            if self.session.header() != used or self.session.reload():
                return self.session.header() is not None
            try:
                response = await self._send(_request("POST", _REFRESH))
            except ClientError:
                return False
            return response.is_success and self.session.header() != used

    def _http(self) -> "httpx.AsyncClient":
        if self._http_client is None:
            import httpx

            # httpx's own jar takes nothing: the session alone decides what is sent where.
            jar = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
            self._http_client = httpx.AsyncClient(
                base_url=self.origin,
                cookies=jar,
                headers={"User-Agent": f"rustygpt/{__version__}"},
                timeout=httpx.Timeout(self._response_timeout, connect=CONNECT_TIMEOUT),
                trust_env=not is_loopback(self.origin),
            )
        return self._http_client


@dataclass(frozen=True)
class _Request:
    """A request, ready to be sent more than once."""

    method: str
    path: str
    content: bytes | None
    query: dict[str, str | int]
    key: str | None
    idempotent: bool
    """Whether doing it twice is the same as doing it once."""


def _request(
    method: str,
    path: str,
    body: Any = None,
    query: Query | None = None,
    key: str | None = None,
    *,
    idempotent: bool = False,
) -> _Request:
    content = None if body is None else encode(body)
    params = {name: value for name, value in (query or {}).items() if value is not None}
    is_idempotent = idempotent or method in _SAFE or key is not None
    return _Request(method, path, content, params, key, is_idempotent)


def _asks_for_refresh(response: "httpx.Response") -> bool:
    how = re.split(r"[\s,]+", response.headers.get("www-authenticate", "").strip().lower())
    return response.status_code == 401 and how[0] in {"refresh", "session"}
