"""Authentication by session cookie or personal token: who makes a request, and its cookies.

CSRF is checked here; sessions belong to `services.sessions`, tokens to `services.tokens`.
"""

from hmac import compare_digest
from http.cookies import Morsel

from sanic.cookies.request import parse_cookie
from sanic.request import Request

from rustygpt_server.api.origins import check_origin, normalized_origin, own_origins
from rustygpt_server.api.request_parsing import (
    SAFE_METHODS,
    check_csrf,
    is_address,
    is_trusted,
)
from rustygpt_server.clock import Clock
from rustygpt_server.errors import CsrfFailed, Forbidden, NotSignedIn
from rustygpt_server.services.callers import Caller, ClientInfo, SessionCaller, TokenCaller
from rustygpt_server.services.sessions import Sessions
from rustygpt_server.services.tokens import Tokens, malformed_authorization
from rustygpt_server.telemetry import log_security
from rustygpt_shared.problems import INVALID_SESSION, MISSING_SESSION
from rustygpt_shared.settings import Settings


class Authenticator:
    """Authenticates requests by their `Authorization` header, else by their session cookie."""

    def __init__(
        self, settings: Settings, sessions: Sessions, tokens: Tokens, clock: Clock
    ) -> None:
        self._server = settings.server
        # `*` names no site: it lets all of them read, and none act with cookies.
        allowed = map(normalized_origin, settings.server.cors.allowed_origins)
        self._allowed_origins = frozenset(origin for origin in allowed if origin)
        self._security = settings.security
        self._session = settings.auth.session
        self._sessions = sessions
        self._tokens = tokens
        self._clock = clock

    def check_origin(self, request: Request) -> None:
        """Raise CsrfFailed when a browser says that another site makes this request.

        Own are `server.public_base_url` and the host that the request was sent to; those of
        `server.cors.allowed_origins` are no other sites. A request with
        an `Authorization` header is not checked: browsers add none by themselves.
        """
        if request.method in SAFE_METHODS or has_authorization(request):
            return
        own = own_origins(
            self.requested_host(request),
            self._server.public_base_url,
            over_https=self._is_over_https(request),
        )
        check_origin(request, own, self._allowed_origins)

    def public_url(self, request: Request) -> str:
        """Return the address at which clients reach this server, without a slash at its end."""
        if self._server.public_base_url:
            return self._server.public_base_url.rstrip("/")
        scheme = "https" if self._is_over_https(request) else "http"
        return normalized_origin(f"{scheme}://{self.requested_host(request)}") or ""

    def _is_over_https(self, request: Request) -> bool:
        """Return whether the client uses https, as far as the socket or a trusted proxy says."""
        forwarded = request.headers.get("x-forwarded-proto", "").strip().lower()
        is_by_proxy = is_trusted(request.ip or "", self._server.trusted_proxies)
        return (is_by_proxy and forwarded == "https") or request.scheme == "https"

    def requested_host(self, request: Request) -> str:
        """Return the host that the client asked for, which a trusted proxy may have forwarded."""
        forwarded = request.headers.get("x-forwarded-host")
        if forwarded and is_trusted(request.ip or "", self._server.trusted_proxies):
            return str(forwarded)
        return str(request.headers.get("host", ""))

    def base_url(self, request: Request) -> str:
        """Return where the client finds the page: the configured address, else the one it used.

        The latter is what a request says; only its own response may repeat it.
        """
        scheme = "https" if self._is_over_https(request) else "http"
        return self.public_url(request) or f"{scheme}://{request.ip}"

    async def authenticate(
        self, request: Request, *, csrf: bool = True, fresh_session: bool = False
    ) -> Caller:
        """Return the authenticated caller; raise NotSignedIn or CsrfFailed.

        With `fresh_session` the database is queried, not the process's cache. Cookies are ignored
        if there is an `Authorization` header, whatever it holds.
        """
        if has_authorization(request):
            return await self._authenticate_token(request, fresh=fresh_session)
        return await self._authenticate_session(request, csrf=csrf, fresh=fresh_session)

    async def _authenticate_token(self, request: Request, *, fresh: bool) -> TokenCaller:
        """Return the caller of a personal token (RFC 6750, section 2.1)."""
        headers = request.headers.getall("authorization")
        scheme, _, token = headers[0].partition(" ")
        if len(headers) > 1 or scheme.lower() != "bearer":
            raise malformed_authorization()
        return await self._tokens.authenticate(token.strip(" "), fresh=fresh)

    async def _authenticate_session(
        self, request: Request, *, csrf: bool, fresh: bool
    ) -> SessionCaller:
        token = self.session_token(request)
        if not token:
            raise NotSignedIn("Sign in first.", MISSING_SESSION)
        caller = await self._sessions.authenticate(token, fresh_session=fresh)
        if csrf and self._security.csrf.enabled and request.method not in SAFE_METHODS:
            expected = self._sessions.csrf_token(token)
            try:
                check_csrf(request, self._security.csrf.header_name, expected)
            except CsrfFailed:
                log_security("CSRF check failed", refused=True, account=caller.user.username)
                raise
        request.ctx.caller = caller
        return caller

    def check_metrics_token(self, request: Request) -> None:
        """Raise NotSignedIn unless the request has `server.metrics_token`, if one is set."""
        token = self._server.metrics_token
        if token is None:
            return
        given = request.headers.getall("authorization", [])
        expected = f"Bearer {token}".encode()
        is_right = len(given) == 1 and compare_digest(
            given[0].encode("utf-8", "surrogateescape"), expected
        )
        if not is_right:
            raise NotSignedIn(
                "The metrics require the Bearer token of server.metrics_token.",
                MISSING_SESSION,
                "Bearer",
            )

    def session_token(self, request: Request) -> str | None:
        """Return the request's session token, or None; raise NotSignedIn when there are two."""
        # Several Cookie headers are one list, as HTTP/2 splits it (RFC 9113, 8.2.3). Sanic reads
        # the first one only, and its accessors also take names with a prefix such as `__Host-`.
        cookies = parse_cookie("; ".join(request.headers.getall("cookie", [])))
        tokens = cookies.get(self._session.session_cookie_name, [])
        if len(set(tokens)) > 1:
            # Another site below the same domain may have set one of them (session fixation).
            log_security("session refused", refused=True, account=None, reason="two sessions")
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

    def session_cookies(self, caller: SessionCaller) -> list[str]:
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


def has_authorization(request: Request) -> bool:
    """Return whether a request has an `Authorization` header."""
    return "authorization" in request.headers


def check_admin(caller: Caller) -> None:
    """Raise Forbidden unless the caller is a global administrator."""
    if "admin" not in caller.user.roles:
        raise Forbidden("Only administrators may do this.")
