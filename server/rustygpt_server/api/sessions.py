"""Set-up, log-in and sessions."""

from typing import Any
from uuid import UUID

from rustygpt_server.api.routing import RequestContext, RouteGroup
from rustygpt_server.errors import NotSignedIn
from rustygpt_server.services.sessions import Caller
from rustygpt_shared import problems, requests
from rustygpt_shared.models.users import (
    LoginResponse,
    Me,
    Ok,
    SessionList,
    SetupStatus,
    UserResponse,
)


def make_area() -> RouteGroup:
    """The routes of set-up, log-in and sessions."""
    area = RouteGroup("sessions")
    _set_up(area)
    _log_in(area)
    _me(area)
    _sessions(area)
    return area


def _set_up(area: RouteGroup) -> None:
    @area.operation("GET", "/api/setup", response=SetupStatus, access="all")
    async def show_setup(call: RequestContext[None]) -> SetupStatus:
        """Tell whether the first administrator exists."""
        return SetupStatus(await call.services.accounts.is_setup())

    @area.operation(
        "POST", "/api/setup", body=requests.SetUp, response=UserResponse, status=201, access="all"
    )
    async def set_up(call: RequestContext[requests.SetUp]) -> UserResponse:
        """Name the first administrator, once."""
        here = call.auth.is_local(call.request)
        return UserResponse(await call.services.accounts.set_up(call.body, is_local=here))


def _log_in(area: RouteGroup) -> None:
    @area.operation(
        "POST", "/api/auth/login", body=requests.LogIn, response=LoginResponse, access="all"
    )
    async def log_in(call: RequestContext[requests.LogIn]) -> LoginResponse:
        """Start a session."""
        visitor = call.auth.client_info(call.request)
        body = call.body
        return _login_response(
            call, await call.services.sessions.log_in(body.email, body.password, visitor)
        )

    @area.operation("POST", "/api/auth/refresh", response=LoginResponse, access="all")
    async def refresh(call: RequestContext[None]) -> LoginResponse:
        """Change the session's token for a new one."""
        token = call.auth.session_token(call.request)
        if not token:
            raise NotSignedIn("Sign in first.", problems.MISSING_SESSION)
        call.request.ctx.rotated = True
        return _login_response(call, await call.services.sessions.refresh(token))

    @area.operation("POST", "/api/auth/logout", response=Ok, access="all")
    async def log_out(call: RequestContext[None]) -> Ok:
        """End the session, and take the cookies away."""
        token = call.auth.session_token(call.request)
        if token:
            await _end(call, token)
        call.request.ctx.signed = None
        call.request.ctx.cookies = call.auth.expired_cookies()
        return Ok(ok=True)


async def _end(call: RequestContext[None], token: str) -> None:
    """End a session; a dead one needs no CSRF token, there is nothing left to protect."""
    try:
        await call.auth.authenticate(call.request, fresh_session=True)
    except NotSignedIn:
        return
    await call.services.sessions.log_out(token)


def _me(area: RouteGroup) -> None:
    @area.operation("GET", "/api/auth/me", response=Me)
    async def me(call: RequestContext[None]) -> Me:
        """Tell who is signed in."""
        return Me(call.caller.user, call.caller.session)

    @area.operation(
        "PATCH", "/api/auth/me", body=requests.UpdateMe, response=UserResponse, fresh_session=True
    )
    async def update_me(call: RequestContext[requests.UpdateMe]) -> UserResponse:
        """Change one's own display name or e-mail address."""
        return UserResponse(await call.services.accounts.update_me(call.caller, call.body))

    @area.operation(
        "POST", "/api/auth/password", body=requests.ChangePassword, status=204, fresh_session=True
    )
    async def change_password(call: RequestContext[requests.ChangePassword]) -> None:
        """Change one's own password and end all other sessions."""
        await call.services.accounts.change_password(call.caller, call.body)


def _sessions(area: RouteGroup) -> None:
    @area.operation("GET", "/api/auth/sessions", response=SessionList)
    async def list_sessions(call: RequestContext[None]) -> SessionList:
        """List one's own sessions."""
        return SessionList(await call.services.sessions.list_sessions(call.caller))

    @area.operation(
        "DELETE", "/api/auth/sessions/<session_id:uuid>", status=204, fresh_session=True
    )
    async def end_session(call: RequestContext[None], session_id: UUID) -> None:
        """End one of one's own sessions."""
        await call.services.sessions.end_session(call.caller, session_id)
        if session_id == call.caller.session.id:
            call.request.ctx.signed = None
            call.request.ctx.cookies = call.auth.expired_cookies()


def _login_response(call: RequestContext[Any], signed: Caller) -> LoginResponse:
    call.request.ctx.cookies = call.auth.session_cookies(signed)
    csrf = call.services.sessions.csrf_token(signed.new_token or signed.token)
    return LoginResponse(signed.user, signed.session, csrf)
