"""Requests and responses: cookies, the CSRF token, time limits, and refreshing the session.

After a 401 that allows a refresh, the session is refreshed and the request retried, once. A request
whose connection broke is sent a second time if it is idempotent. One that the server has refused
because of a rate limit waits as long as the server says, within bounds.
"""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from rustygpt_shared import __version__, problems
from rustygpt_shared.codec import decode, encode
from rustygpt_tui.client.bounded import read_body
from rustygpt_tui.client.cookies import is_loopback
from rustygpt_tui.client.problems import (
    error_from_response,
    error_from_transport,
    timed_out,
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
MAX_WAIT = 60.0
"""How many seconds a request waits at most, in all, when the server limits requests (429)."""
MIN_WAIT = 0.5
TOTAL_TIMEOUTS = 4
"""How many times the limit of one wait a whole response may take, however it trickles."""
_FRAMING = frozenset({"content-encoding", "content-length", "transfer-encoding"})
_SAFE = frozenset({"GET", "HEAD"})
_REFRESH = "/api/auth/refresh"
_TOO_MANY_REQUESTS = 429
_UNAUTHORIZED = 401

Query = Mapping[str, str | int | None]
OnWait = Callable[[str, float], object]


def new_key() -> str:
    """Return a new idempotency key: requests with the same key have an effect only once."""
    return secrets.token_urlsafe(24)


class Transport:
    """A connection to one server with one session; close it with `aclose`."""

    def __init__(
        self,
        session: Session,
        *,
        response_timeout: float = RESPONSE_TIMEOUT,
        csrf_header: str = CSRF_HEADER,
        on_wait: OnWait | None = None,
    ) -> None:
        """`on_wait` gets a text for the user, and for how many seconds a request waits."""
        self.session = session
        self.origin = session.origin
        self._response_timeout = response_timeout
        self._csrf_header = csrf_header
        self.on_wait = on_wait
        self._http_client: httpx.AsyncClient | None = None
        self._refresh_lock = asyncio.Lock()

    async def aclose(self) -> None:
        """Close all connections."""
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
        may_wait: bool = True,
    ) -> T:
        """Send a request and return its response as a `response_type`; raise ClientError.

        `body` is a struct of `requests`. `key` is the idempotency key of a POST that creates
        something; `idempotent` means that a POST may be repeated without a key. A request that the
        server has refused because of a limit waits and is sent again, if it `may_wait`.
        """
        response = await self._send_authenticated(
            _request(method, path, body, query, key, idempotent=idempotent, may_wait=may_wait)
        )
        try:
            return decode(response.content, response_type)
        except msgspec.MsgspecError:
            raise unreadable_response(self.origin) from None

    async def call_no_content(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        idempotent: bool = False,
        may_wait: bool = True,
    ) -> None:
        """Send a request whose response has no content; raise ClientError."""
        await self._send_authenticated(
            _request(method, path, body, idempotent=idempotent, may_wait=may_wait)
        )

    async def get_raw(self, path: str) -> "httpx.Response":
        """Return the response to a GET, whatever its status; raise ClientError without one."""
        return await self._send(_request("GET", path))

    @asynccontextmanager
    async def stream(
        self, path: str, headers: Mapping[str, str], silence_seconds: float
    ) -> AsyncIterator["httpx.Response"]:
        """Open a response whose body is read as it arrives; raise ClientError for error statuses.

        Reading fails when nothing, not even a comment, arrives for `silence_seconds`.
        """
        for may_refresh in (True, False):
            used = self.session.header()
            async with self._stream_once(path, headers, silence_seconds) as response:
                if response.is_success:
                    yield response
                    return
                async with self._deadline():
                    rejection = await self._read(response)
            can_retry = may_refresh and self._asks_for_refresh(rejection)
            if not (can_retry and await self._refresh_session(used)):
                raise error_from_response(rejection, self.origin)

    async def upload(
        self,
        path: str,
        content: AsyncIterator[bytes],
        response_type: type[T],
        *,
        headers: Mapping[str, str],
        key: str,
    ) -> T:
        """Send a POST whose body is sent as it is read, and return its response.

        It is sent once, however long it takes: its body cannot be read again. A caller whose
        session may have to be refreshed makes another request first.
        """
        import httpx

        request = _request("POST", path, key=key)
        all_headers = {**self._headers(request), **headers}
        try:
            async with self._http().stream(
                "POST", path, content=content, headers=all_headers
            ) as response:
                self.session.store_cookies(response.headers.get_list("set-cookie"))
                result = await self._read(response)
        except httpx.HTTPError as error:
            raise error_from_transport(error, self.origin) from None
        if not result.is_success:
            raise error_from_response(result, self.origin)
        try:
            return decode(result.content, response_type)
        except msgspec.MsgspecError:
            raise unreadable_response(self.origin) from None

    @asynccontextmanager
    async def _stream_once(
        self, path: str, headers: Mapping[str, str], silence_seconds: float
    ) -> AsyncIterator["httpx.Response"]:
        import httpx

        limits = httpx.Timeout(
            self._response_timeout, connect=CONNECT_TIMEOUT, read=silence_seconds
        )
        all_headers = {**self._headers(_request("GET", path)), **headers}
        try:
            async with AsyncExitStack() as stack:
                opening = self._http().stream("GET", path, headers=all_headers, timeout=limits)
                async with self._deadline():
                    response = await stack.enter_async_context(opening)
                self.session.store_cookies(response.headers.get_list("set-cookie"))
                yield response
        except httpx.HTTPError as error:
            raise error_from_transport(error, self.origin) from None

    async def _send_authenticated(self, request: "_Request") -> "httpx.Response":
        used = self.session.header()
        response = await self._send_patiently(request)
        if (
            request.path != _REFRESH
            and self._asks_for_refresh(response)
            and await self._refresh_session(used)
        ):
            response = await self._send_patiently(request)
        if not response.is_success:
            raise error_from_response(response, self.origin)
        return response

    async def _send_patiently(self, request: "_Request") -> "httpx.Response":
        """Send a request again after the waits that the server asks for (RFC 9110, 10.2.3).

        One that was refused because of a limit has had no effect. A wait beyond MAX_WAIT in all is
        left to the caller: the response with the status 429 is returned.
        """
        waited = 0.0
        while True:
            response = await self._send(request)
            if response.status_code != _TOO_MANY_REQUESTS or not request.may_wait:
                return response
            error = error_from_response(response, self.origin)
            seconds = max(error.retry_after or 0.0, MIN_WAIT)
            waited += seconds
            if waited > MAX_WAIT:
                return response
            if self.on_wait:
                reason = error.sentence.partition(";")[0].rstrip(".")
                self.on_wait(f"{reason}. Trying again in {seconds:.0f} s.", seconds)
            await asyncio.sleep(seconds)

    async def _send(self, request: "_Request", *, retry: bool = True) -> "httpx.Response":
        import httpx

        try:
            async with self._deadline():
                response = await self._exchange(request)
        except httpx.HTTPError as error:
            # The server may close an idle connection at the moment it is used again.
            has_broken = isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError)
            was_connected = not isinstance(error, httpx.ConnectError)
            if has_broken and was_connected and retry and request.idempotent:
                return await self._send(request, retry=False)
            raise error_from_transport(error, self.origin) from None
        self.session.store_cookies(response.headers.get_list("set-cookie"))
        return response

    @asynccontextmanager
    async def _deadline(self) -> AsyncIterator[None]:
        """Limit the time of a whole response: each byte alone may come just in time."""
        try:
            async with asyncio.timeout(self._response_timeout * TOTAL_TIMEOUTS):
                yield
        except TimeoutError:
            raise timed_out(self.origin) from None

    async def _exchange(self, request: "_Request") -> "httpx.Response":
        """Send a request, and return its response with the whole body."""
        async with self._http().stream(
            request.method,
            request.path,
            content=request.content,
            params=request.query,
            headers=self._headers(request),
        ) as response:
            return await self._read(response)

    async def _read(self, response: "httpx.Response") -> "httpx.Response":
        """Return a response with its body, which is read within bounds."""
        import httpx

        content = await read_body(response, self.origin)
        headers = [item for item in response.headers.multi_items() if item[0] not in _FRAMING]
        return httpx.Response(response.status_code, headers=headers, content=content)

    def _headers(self, request: "_Request") -> dict[str, str]:
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip"}
        cookie = self.session.header()
        csrf = self.session.csrf()
        if self.session.token:
            headers["Authorization"] = f"Bearer {self.session.token}"
        if cookie:
            headers["Cookie"] = cookie
        if csrf and cookie and request.method not in _SAFE:
            headers[self._csrf_header] = csrf
        if request.key:
            headers["Idempotency-Key"] = request.key
        if request.content is not None:
            headers["Content-Type"] = "application/json"
        return headers

    def _asks_for_refresh(self, response: "httpx.Response") -> bool:
        """Return True for a 401 whose `WWW-Authenticate` says that a refresh may help.

        A wrong password has the same status, and a second request would be a second attempt.
        """
        schemes = re.split(r"[\s,]+", response.headers.get("www-authenticate", "").strip().lower())
        if response.status_code != _UNAUTHORIZED or schemes[0] not in {"refresh", "session"}:
            return False
        return error_from_response(response, self.origin).code != problems.INVALID_CREDENTIALS

    async def _refresh_session(self, used: str | None) -> bool:
        """Refresh the session unless another request or terminal did; return True if it changed.

        `used` is the cookie header of the request that was rejected.
        """
        if used is None:
            return False
        async with self._refresh_lock:
            if self.session.header() != used or self.session.reload():
                return self.session.header() is not None
            try:
                response = await self._send_patiently(_request("POST", _REFRESH))
            except ClientError:
                return False
            return response.is_success and self.session.header() != used

    def _http(self) -> "httpx.AsyncClient":
        if self._http_client is None:
            import httpx

            # httpx's own cookie jar stays empty: only the session decides which cookies are sent.
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
    """A request that can be sent more than once."""

    method: str
    path: str
    content: bytes | None
    query: dict[str, str | int]
    key: str | None
    idempotent: bool
    """True when sending it twice has the same effect as sending it once."""
    may_wait: bool


def _request(
    method: str,
    path: str,
    body: Any = None,
    query: Query | None = None,
    key: str | None = None,
    *,
    idempotent: bool = False,
    may_wait: bool = True,
) -> _Request:
    content = None if body is None else encode(body)
    params = {name: value for name, value in (query or {}).items() if value is not None}
    is_idempotent = idempotent or method in _SAFE or key is not None
    return _Request(method, path, content, params, key, is_idempotent, may_wait)
