"""Set-up, log-in and sessions."""

from typing import Any
from uuid import UUID

from rustygpt_server.api.http import Area, Call
from rustygpt_server.errors import NotSignedIn
from rustygpt_server.services.sessions import Signed
from rustygpt_shared import problems, requests
from rustygpt_shared.models.users import (
    Done,
    LoggedIn,
    Me,
    SessionList,
    Setup,
    UserAnswer,
)


def make_area() -> Area:
    """The routes of set-up, log-in and sessions."""
    area = Area("sessions")
    _set_up(area)
    _log_in(area)
    _me(area)
    _sessions(area)
    return area


def _set_up(area: Area) -> None:
    @area.operation("GET", "/api/setup", answer=Setup, access="all")
    async def show_setup(call: Call[None]) -> Setup:
        """Tell whether the first administrator exists."""
        return Setup(await call.services.accounts.is_setup())

    @area.operation(
        "POST", "/api/setup", body=requests.SetUp, answer=UserAnswer, status=201, access="all"
    )
    async def set_up(call: Call[requests.SetUp]) -> UserAnswer:
        """Name the first administrator, once."""
        here = call.door.is_here(call.request)
        return UserAnswer(await call.services.accounts.set_up(call.body, from_here=here))


def _log_in(area: Area) -> None:
    @area.operation("POST", "/api/auth/login", body=requests.LogIn, answer=LoggedIn, access="all")
    async def log_in(call: Call[requests.LogIn]) -> LoggedIn:
        """Start a session."""
        visitor = call.door.visitor(call.request)
        body = call.body
        return _logged_in(
            call, await call.services.sessions.log_in(body.email, body.password, visitor)
        )

    @area.operation("POST", "/api/auth/refresh", answer=LoggedIn, access="all")
    async def refresh(call: Call[None]) -> LoggedIn:
        """Change the session's token for a new one."""
        token = call.door.token(call.request)
        if not token:
            raise NotSignedIn("Sign in first.", problems.MISSING_SESSION)
        call.request.ctx.rotated = True
        return _logged_in(call, await call.services.sessions.refresh(token))

    @area.operation("POST", "/api/auth/logout", answer=Done, access="all")
    async def log_out(call: Call[None]) -> Done:
        """End the session, and take the cookies away."""
        token = call.door.token(call.request)
        if token:
            await _end(call, token)
        call.request.ctx.signed = None
        call.request.ctx.cookies = call.door.no_cookies()
        return Done(ok=True)


async def _end(call: Call[None], token: str) -> None:
    """End a session; a dead one needs no CSRF token, there is nothing left to protect."""
    try:
        await call.door.sign_in(call.request, strict=True)
    except NotSignedIn:
        return
    await call.services.sessions.log_out(token)


def _me(area: Area) -> None:
    @area.operation("GET", "/api/auth/me", answer=Me)
    async def me(call: Call[None]) -> Me:
        """Tell who is signed in."""
        return Me(call.signed.user, call.signed.session)

    @area.operation("PATCH", "/api/auth/me", body=requests.UpdateMe, answer=UserAnswer, strict=True)
    async def update_me(call: Call[requests.UpdateMe]) -> UserAnswer:
        """Change one's own display name or e-mail address."""
        return UserAnswer(await call.services.accounts.update_me(call.signed, call.body))

    @area.operation(
        "POST", "/api/auth/password", body=requests.ChangePassword, status=204, strict=True
    )
    async def change_password(call: Call[requests.ChangePassword]) -> None:
        """Change one's own password and end all other sessions."""
        await call.services.accounts.change_password(call.signed, call.body)


def _sessions(area: Area) -> None:
    @area.operation("GET", "/api/auth/sessions", answer=SessionList)
    async def list_sessions(call: Call[None]) -> SessionList:
        """List one's own sessions."""
        return SessionList(await call.services.sessions.list_sessions(call.signed))

    @area.operation("DELETE", "/api/auth/sessions/<session_id:uuid>", status=204, strict=True)
    async def end_session(call: Call[None], session_id: UUID) -> None:
        """End one of one's own sessions."""
        await call.services.sessions.end_session(call.signed, session_id)
        if session_id == call.signed.session.id:
            call.request.ctx.signed = None
            call.request.ctx.cookies = call.door.no_cookies()


def _logged_in(call: Call[Any], signed: Signed) -> LoggedIn:
    call.request.ctx.cookies = call.door.cookies(signed)
    csrf = call.services.sessions.csrf_token(signed.fresh or signed.token)
    return LoggedIn(signed.user, signed.session, csrf)
