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
from rustygpt_tui.client.problems import failure_of, unanswered, unreadable
from rustygpt_tui.client.session import Session
from rustygpt_tui.errors import Failure

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

CSRF_HEADER = "X-CSRF-TOKEN"
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 30.0
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
        answer_seconds: float = ANSWER_SECONDS,
        csrf_header: str = CSRF_HEADER,
    ) -> None:
        self.session = session
        self.origin = session.origin
        self._answer_seconds = answer_seconds
        self._csrf_header = csrf_header
        self._opened: httpx.AsyncClient | None = None
        self._renewing = asyncio.Lock()

    async def aclose(self) -> None:
        """Close every connection."""
        if self._opened:
            await self._opened.aclose()
            self._opened = None

    async def call(
        self,
        method: str,
        path: str,
        shape: type[T],
        *,
        body: Any = None,
        query: Query | None = None,
        key: str | None = None,
        again: bool = False,
    ) -> T:
        """The answer to a request, as `shape`; raises Failure.

        `body` is a struct of `requests`; `key` makes a POST that creates safe to repeat, and
        `again` says that this one is safe anyway.
        """
        response = await self._answer(_ask(method, path, body, query, key, again=again))
        try:
            return decode(response.content, shape)
        except msgspec.MsgspecError:
            raise unreadable(self.origin) from None

    async def order(self, method: str, path: str, *, body: Any = None, again: bool = False) -> None:
        """A request whose answer has nothing to tell; raises Failure."""
        await self._answer(_ask(method, path, body, again=again))

    async def peek(self, path: str) -> "httpx.Response":
        """The answer to a plain GET, whatever its status; raises Failure when there is none."""
        return await self._send(_ask("GET", path))

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
            if not (renewable and _renewable(response) and await self._renew(used)):
                raise failure_of(response, self.origin)

    @asynccontextmanager
    async def _stream_once(
        self, path: str, headers: Mapping[str, str], silence_seconds: float
    ) -> AsyncIterator["httpx.Response"]:
        import httpx

        limits = httpx.Timeout(self._answer_seconds, connect=CONNECT_SECONDS, read=silence_seconds)
        sent = {**self._headers(_ask("GET", path)), **headers}
        try:
            async with self._http().stream("GET", path, headers=sent, timeout=limits) as response:
                self.session.take(response.headers.get_list("set-cookie"))
                yield response
        except httpx.HTTPError as error:
            raise unanswered(error, self.origin) from None

    async def _answer(self, ask: "_Ask") -> "httpx.Response":
        used = self.session.header()
        response = await self._send(ask)
        if ask.path != _REFRESH and _renewable(response) and await self._renew(used):
            response = await self._send(ask)
        if not response.is_success:
            raise failure_of(response, self.origin)
        return response

    async def _send(self, ask: "_Ask", *, again: bool = True) -> "httpx.Response":
        import httpx

        try:
            response = await self._http().request(
                ask.method,
                ask.path,
                content=ask.content,
                params=ask.query,
                headers=self._headers(ask),
            )
        except httpx.HTTPError as error:
            # A connection kept open may be closed by the server just as it is used.
            broke = isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError)
            if broke and again and ask.repeatable and not isinstance(error, httpx.ConnectError):
                return await self._send(ask, again=False)
            raise unanswered(error, self.origin) from None
        self.session.take(response.headers.get_list("set-cookie"))
        return response

    def _headers(self, ask: "_Ask") -> dict[str, str]:
        headers = {"Accept": "application/json"}
        cookie, csrf = self.session.header(), self.session.csrf()
        if cookie:
            headers["Cookie"] = cookie
        if csrf and cookie and ask.method not in _SAFE:
            headers[self._csrf_header] = csrf
        if ask.key:
            headers["Idempotency-Key"] = ask.key
        if ask.content is not None:
            headers["Content-Type"] = "application/json"
        return headers

    async def _renew(self, used: str | None) -> bool:
        """Whether a retry makes sense: another request or terminal renewed, or we do now."""
        if used is None:
            return False
        async with self._renewing:
            if self.session.header() != used or self.session.reload():
                return self.session.header() is not None
            try:
                response = await self._send(_ask("POST", _REFRESH))
            except Failure:
                return False
            return response.is_success and self.session.header() != used

    def _http(self) -> "httpx.AsyncClient":
        if self._opened is None:
            import httpx

            # httpx's own jar takes nothing: the session alone decides what is sent where.
            jar = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
            self._opened = httpx.AsyncClient(
                base_url=self.origin,
                cookies=jar,
                headers={"User-Agent": f"rustygpt/{__version__}"},
                timeout=httpx.Timeout(self._answer_seconds, connect=CONNECT_SECONDS),
                trust_env=not is_loopback(self.origin),
            )
        return self._opened


@dataclass(frozen=True)
class _Ask:
    """A request, ready to be sent more than once."""

    method: str
    path: str
    content: bytes | None
    query: dict[str, str | int]
    key: str | None
    repeatable: bool
    """Whether doing it twice is the same as doing it once."""


def _ask(
    method: str,
    path: str,
    body: Any = None,
    query: Query | None = None,
    key: str | None = None,
    *,
    again: bool = False,
) -> _Ask:
    content = None if body is None else encode(body)
    params = {name: value for name, value in (query or {}).items() if value is not None}
    repeatable = again or method in _SAFE or key is not None
    return _Ask(method, path, content, params, key, repeatable)


def _renewable(response: "httpx.Response") -> bool:
    how = re.split(r"[\s,]+", response.headers.get("www-authenticate", "").strip().lower())
    return response.status_code == 401 and how[0] in {"refresh", "session"}
