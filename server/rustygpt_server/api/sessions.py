"""Routes of the set-up, login, the caller's own account, and sessions."""

from typing import Any, Final
from uuid import UUID

from rustygpt_server.api.local_request import is_local
from rustygpt_server.api.rate_limiting import exact_rate, show_limit
from rustygpt_server.api.request_parsing import client_key
from rustygpt_server.api.routing import Operation, RequestContext
from rustygpt_server.errors import NotSignedIn
from rustygpt_server.services.callers import SessionCaller
from rustygpt_shared import problems, requests
from rustygpt_shared.models.users import (
    LoginResponse,
    Me,
    Ok,
    SessionList,
    SetupStatus,
    UserResponse,
)


async def show_setup(context: RequestContext[None]) -> SetupStatus:
    """Return whether the server has been set up, and who may register."""
    services = context.services
    return SetupStatus(await services.accounts.is_setup(), services.registration.mode)


async def set_up(context: RequestContext[requests.SetUp]) -> UserResponse:
    """Create the first administrator; possible once."""
    accounts = context.services.accounts
    return UserResponse(await accounts.set_up(context.body, is_local=is_local(context.request)))


async def log_in(context: RequestContext[requests.LogIn]) -> LoginResponse:
    """Create a session."""
    client = context.auth.client_info(context.request)
    body = context.body
    rate = exact_rate(context.request)
    if rate:
        key = client_key(client.address)
        state = await context.services.rate_limits.admit_login(body.email, key, rate)
        show_limit(context.request, state)
    caller = await context.services.sessions.log_in(body.email, body.password, client)
    if rate:
        await context.services.rate_limits.remember_login(caller.user.id, key)
    return login_response(context, caller)


async def register(context: RequestContext[requests.Register]) -> LoginResponse:
    """Create an account for the caller, and a session."""
    client = context.auth.client_info(context.request)
    caller = await context.services.registration.register(context.body, client)
    return login_response(context, caller)


async def refresh(context: RequestContext[None]) -> LoginResponse:
    """Replace the session's token with a new one."""
    token = context.auth.session_token(context.request)
    if not token:
        raise NotSignedIn("Sign in first.", problems.MISSING_SESSION)
    context.request.ctx.rotated = True
    return login_response(context, await context.services.sessions.refresh(token))


async def log_out(context: RequestContext[None]) -> Ok:
    """Delete the session and its cookies."""
    token = context.auth.session_token(context.request)
    if token:
        await _end_session_of(context, token)
    _expire_cookies(context)
    return Ok(ok=True)


async def me(context: RequestContext[None]) -> Me:
    """Return the caller's account and session."""
    caller = context.caller
    return Me(caller.user, caller.session if isinstance(caller, SessionCaller) else None)


async def update_me(context: RequestContext[requests.UpdateMe]) -> UserResponse:
    """Change the caller's display name or e-mail address."""
    return UserResponse(await context.services.accounts.update_me(context.caller, context.body))


async def change_password(context: RequestContext[requests.ChangePassword]) -> LoginResponse:
    """Change the caller's password, replace the session's token, and end all other sessions."""
    caller = await context.services.sessions.change_password(context.session_caller, context.body)
    context.request.ctx.rotated = True
    return login_response(context, caller)


async def list_sessions(context: RequestContext[None]) -> SessionList:
    """List the caller's sessions."""
    return SessionList(await context.services.sessions.list_sessions(context.session_caller))


async def end_session(context: RequestContext[None], session_id: UUID) -> None:
    """Delete one of the caller's sessions."""
    await context.services.sessions.end_session(context.session_caller, session_id)
    if session_id == context.session_caller.session.id:
        _expire_cookies(context)


async def _end_session_of(context: RequestContext[None], token: str) -> None:
    """End a token's session; a dead session needs no CSRF token, for it protects nothing."""
    try:
        await context.auth.authenticate(context.request, fresh_session=True)
    except NotSignedIn:
        return
    await context.services.sessions.log_out(token)


def _expire_cookies(context: RequestContext[None]) -> None:
    context.request.ctx.caller = None
    context.request.ctx.cookies = context.auth.expired_cookies()


def login_response(context: RequestContext[Any], caller: SessionCaller) -> LoginResponse:
    """Return the response to a login, and let it set the session's cookies."""
    context.request.ctx.cookies = context.auth.session_cookies(caller)
    csrf_token = context.services.sessions.csrf_token(caller.new_token or caller.token)
    return LoginResponse(caller.user, caller.session, csrf_token)


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/api/setup",
        handler=show_setup,
        response=SetupStatus,
        access="public",
    ),
    Operation(
        method="POST",
        path="/api/setup",
        handler=set_up,
        body=requests.SetUp,
        response=UserResponse,
        status=201,
        errors=(409,),
        access="public",
    ),
    Operation(
        method="POST",
        path="/api/auth/login",
        handler=log_in,
        body=requests.LogIn,
        response=LoginResponse,
        errors=(401, 423),
        access="public",
        ends_with_client=True,
    ),
    Operation(
        method="POST",
        path="/api/auth/register",
        handler=register,
        body=requests.Register,
        response=LoginResponse,
        status=201,
        errors=(404, 409, 410),
        access="public",
    ),
    Operation(
        method="POST",
        path="/api/auth/refresh",
        handler=refresh,
        response=LoginResponse,
        errors=(401,),
        access="public",
    ),
    Operation(
        method="POST", path="/api/auth/logout", handler=log_out, response=Ok, access="public"
    ),
    Operation(method="GET", path="/api/auth/me", handler=me, response=Me),
    Operation(
        method="PATCH",
        path="/api/auth/me",
        handler=update_me,
        body=requests.UpdateMe,
        response=UserResponse,
        fresh_session=True,
    ),
    Operation(
        method="POST",
        path="/api/auth/password",
        handler=change_password,
        body=requests.ChangePassword,
        response=LoginResponse,
        scope=None,
        fresh_session=True,
    ),
    Operation(
        method="GET",
        path="/api/auth/sessions",
        handler=list_sessions,
        response=SessionList,
        scope=None,
    ),
    Operation(
        method="DELETE",
        path="/api/auth/sessions/<session_id:uuid>",
        handler=end_session,
        status=204,
        scope=None,
        fresh_session=True,
    ),
)
