"""Authentication by session cookie: the caller of a request, and the cookies of a response.

CSRF is checked here; sessions themselves belong to `services.sessions`.
"""

from http.cookies import Morsel

from sanic.request import Request

from rustygpt_server.api.request_parsing import (
    SAFE_METHODS,
    check_csrf,
    is_address,
    is_loopback,
    is_trusted,
)
from rustygpt_server.clock import Clock
from rustygpt_server.errors import Forbidden, NotSignedIn
from rustygpt_server.services.sessions import Caller, ClientInfo, Sessions
from rustygpt_shared.problems import INVALID_SESSION, MISSING_SESSION
from rustygpt_shared.settings import Settings


class Authenticator:
    """Authenticates requests by their session cookie."""

    def __init__(self, settings: Settings, sessions: Sessions, clock: Clock) -> None:
        self._server = settings.server
        self._security = settings.security
        self._session = settings.auth.session
        self._sessions = sessions
        self._clock = clock

    async def authenticate(
        self, request: Request, *, csrf: bool = True, fresh_session: bool = False
    ) -> Caller:
        """Return the authenticated caller; raise NotSignedIn or CsrfFailed.

        With `fresh_session` the database is queried, not the process's cache.
        """
        token = self.session_token(request)
        if not token:
            raise NotSignedIn("Sign in first.", MISSING_SESSION)
        caller = await self._sessions.authenticate(token, fresh_session=fresh_session)
        if csrf and self._security.csrf.enabled and request.method not in SAFE_METHODS:
            expected = self._sessions.csrf_token(token)
            check_csrf(request, self._security.csrf.header_name, expected)
        request.ctx.caller = caller
        return caller

    def session_token(self, request: Request) -> str | None:
        """Return the request's session token, or None; raise NotSignedIn when there are two."""
        # Sanic's own accessors also accept a cookie whose name has a prefix such as `__Host-`.
        tokens: list[str] = dict.get(request.cookies, self._session.session_cookie_name, [])
        if len(set(tokens)) > 1:
            # Another site below the same domain may have set one of them (session fixation).
            raise NotSignedIn("This request has two sessions; sign in again.", INVALID_SESSION)
        return tokens[0] if tokens else None

    def client_info(self, request: Request) -> ClientInfo:
        """Return the client's address and user agent, as they are shown in a list of sessions."""
        agent = request.headers.get("user-agent", "")
        printable = "".join(c for c in agent if c.isprintable())[:200]
        return ClientInfo(self.client_address(request), printable or None)

    def client_address(self, request: Request) -> str:
        """Return the client's address: the socket's, or what trusted proxies have forwarded."""
        address = request.ip or ""
        proxies = self._server.trusted_proxies
        forwarded = ",".join(request.headers.getall("x-forwarded-for", []))
        for hop in reversed([hop.strip() for hop in forwarded.split(",") if hop.strip()]):
            if not (is_trusted(address, proxies) and is_address(hop)):
                break
            address = hop
        return address

    def is_local(self, request: Request) -> bool:
        """Return whether the request comes from the server's own machine without a proxy."""
        forwarded = request.headers.get("x-forwarded-for") or request.headers.get("forwarded")
        return is_loopback(request.ip or "") and not forwarded

    def session_cookies(self, caller: Caller) -> list[str]:
        """Return the Set-Cookie values of a session: its token, and the CSRF token for scripts."""
        token = caller.new_token or caller.token
        remaining = caller.session.absolute_expires_at - self._clock.now()
        max_age = max(0, int(remaining.total_seconds()))
        return self._cookie_pair(token, self._sessions.csrf_token(token), max_age)

    def expired_cookies(self) -> list[str]:
        """Return the Set-Cookie values that delete both cookies."""
        return self._cookie_pair("", "", 0)

    def _cookie_pair(self, token: str, csrf: str, max_age: int) -> list[str]:
        same_site = self._security.cookie.same_site.capitalize()
        return [
            self._cookie(
                self._session.session_cookie_name, token, max_age, same_site, http_only=True
            ),
            self._cookie(self._security.csrf.cookie_name, csrf, max_age, "Strict", http_only=False),
        ]

    def _cookie(
        self, name: str, value: str, max_age: int, same_site: str, *, http_only: bool
    ) -> str:
        morsel: Morsel[str] = Morsel()
        morsel.set(name, value, value)
        morsel.update({"path": "/", "max-age": str(max_age), "samesite": same_site})
        if self._security.cookie.domain:
            morsel["domain"] = self._security.cookie.domain
        if self._security.cookie.secure:
            morsel["secure"] = True
        if http_only:
            morsel["httponly"] = True
        return morsel.OutputString()


def check_admin(caller: Caller) -> None:
    """Raise Forbidden unless the caller is a global administrator."""
    if "admin" not in caller.user.roles:
        raise Forbidden("Only administrators may do this.")
