"""Routes of the sign-in by other providers, and of the identities that users have linked.

Browsers are sent from one address to the next; what goes wrong reaches the person as a word in the
page's address, for which the page has a sentence. No text of a request is repeated.
"""

from collections.abc import Mapping
from http.cookies import Morsel
from typing import Final
from urllib.parse import parse_qsl
from uuid import UUID

from sanic.cookies.request import parse_cookie
from sanic.request import Request
from sanic.response import HTTPResponse

from rustygpt_server.api.parameters import INVITE_TOKEN, OAUTH_ANSWER
from rustygpt_server.api.rate_limiting import show_limit
from rustygpt_server.api.request_parsing import client_key
from rustygpt_server.api.routing import Operation, RequestContext
from rustygpt_server.api.sessions import login_response
from rustygpt_server.errors import (
    AccountDisabled,
    BadRequest,
    NotFound,
    RateLimited,
    RequestError,
    SignInFailed,
    Unavailable,
)
from rustygpt_server.services.oauth.flows import StartedFlow
from rustygpt_server.telemetry import log_security
from rustygpt_shared import requests
from rustygpt_shared.models.devices import DeviceCode
from rustygpt_shared.models.identities import (
    AuthorizationUrl,
    LinkedIdentities,
    SignInProviders,
)
from rustygpt_shared.models.users import LoginResponse

_BINDING_COOKIE: Final = "OAUTH-BINDING"
_TOKEN_MAX: Final = 256
_FIELDS: Final = ("state", "code", "error", "iss", "user")
_FORM: Final = "application/x-www-form-urlencoded"
_WORDS: Final[tuple[tuple[type[RequestError], str], ...]] = (
    (AccountDisabled, "disabled"),
    (RateLimited, "rate_limited"),
    (Unavailable, "unavailable"),
)


async def list_providers(context: RequestContext[None]) -> SignInProviders:
    """List the providers that people can sign in by."""
    return SignInProviders(context.services.oauth.list_providers())


async def begin_sign_in(context: RequestContext[None], provider: str) -> HTTPResponse:
    """Create a sign-in, and redirect the browser (303) to the provider's page.

    Back from there, it has a session; a person without an account here gets one if
    `auth.registration` allows it.
    """
    invite_token = context.request.args.get("invite_token", "")[:_TOKEN_MAX]
    context.services.oauth.find(provider)
    try:
        await _admit(context)
        flow = await context.services.oauth.begin(provider, invite_token=invite_token or None)
    except (SignInFailed, RateLimited, Unavailable) as error:
        return _redirect(_failure_address(error))
    context.request.ctx.cookies = [_binding_cookie(context, provider, flow)]
    return _redirect(flow.url)


async def finish_sign_in(context: RequestContext[None], provider: str) -> HTTPResponse:
    """Create a session from the provider's answer, and redirect (303) to the page.

    The page gets a session, or an `error` in its address.
    """
    if context.services.oauth.find(provider).posts_callback:
        raise NotFound("This provider posts its answer.")
    args = context.request.args
    names = {"state": args.get("state"), "code": args.get("code"), "error": args.get("error")}
    names["iss"] = args.get("iss")
    return await _finish(context, provider, {k: v for k, v in names.items() if v is not None})


async def finish_posted_sign_in(context: RequestContext[None], provider: str) -> HTTPResponse:
    """Create a session from the form that Apple's page posts, and redirect (303) to the page."""
    if not context.services.oauth.find(provider).posts_callback:
        raise NotFound("This provider does not post its answer.")
    return await _finish(context, provider, _form_of(context.request))


async def link_identity(context: RequestContext[None], provider: str) -> AuthorizationUrl:
    """Create a sign-in that links an account at a provider to the caller's account here.

    The response has the provider's page, which the same browser opens next.
    """
    await _admit(context)
    caller = context.session_caller
    flow = await context.services.oauth.begin(provider, caller=caller)
    context.request.ctx.rotated = bool(caller.new_token)
    context.request.ctx.cookies = [
        *(context.auth.session_cookies(caller) if caller.new_token else []),
        _binding_cookie(context, provider, flow),
    ]
    return AuthorizationUrl(flow.url)


async def begin_provider_device_login(context: RequestContext[None], provider: str) -> DeviceCode:
    """Create a sign-in of a terminal by the provider's device flow (RFC 8628)."""
    context.services.oauth.find(provider)
    await _admit(context)
    return await context.services.oauth.begin_device_login(provider)


async def finish_provider_device_login(
    context: RequestContext[requests.ProviderDeviceToken], provider: str
) -> LoginResponse:
    """Create a session once the person has entered the code at the provider.

    Until then it is 400 with the code `RGP.DEVICE.AUTHORIZATION_PENDING`.
    """
    client = context.auth.client_info(context.request)
    body = context.body
    caller = await context.services.oauth.finish_device_login(
        provider, body.device_code, body.invite_token, client
    )
    return login_response(context, caller)


async def list_identities(context: RequestContext[None]) -> LinkedIdentities:
    """List the accounts at providers that sign the caller in."""
    return await context.services.identities.list_identities(context.caller)


async def unlink_identity(context: RequestContext[None], identity_id: UUID) -> None:
    """Remove a linked account; the last one stays if there is no password."""
    await context.services.identities.unlink_identity(context.caller, identity_id)


async def _admit(context: RequestContext[None]) -> None:
    address = context.auth.client_address(context.request)
    state = await context.services.rate_limits.admit_address(client_key(address))
    show_limit(context.request, state)


async def _finish(
    context: RequestContext[None], provider: str, answer: Mapping[str, str]
) -> HTTPResponse:
    """Sign in or link; the cookie that bound the browser to this sign-in is deleted."""
    expired = _binding_cookie(context, provider, None)
    context.request.ctx.cookies = [expired]
    client = context.auth.client_info(context.request)
    binding = _binding(context.request)
    try:
        signed_in = await context.services.oauth.finish(provider, answer, binding, client)
    except (SignInFailed, AccountDisabled, Unavailable) as error:
        return _redirect(_failure_address(error))
    if signed_in is None:
        return _redirect("/#/identities")
    caller = signed_in.caller
    context.request.ctx.cookies = [*context.auth.session_cookies(caller), expired]
    await context.services.rate_limits.remember_login(caller.user.id, client_key(client.address))
    return _redirect(f"/#/c/{signed_in.joined}" if signed_in.joined else "/")


def _failure_address(error: RequestError) -> str:
    """Return the page's address with a word for what went wrong, never with text of a request."""
    if isinstance(error, SignInFailed):
        place = "identities" if error.is_linking else "sign-in"
        return f"/#/{place}?error={error.reason}"
    word = next((word for kind, word in _WORDS if isinstance(error, kind)), "provider")
    return f"/#/sign-in?error={word}"


def _redirect(location: str) -> HTTPResponse:
    headers = {"Location": location, "Cache-Control": "no-store"}
    return HTTPResponse("", 303, headers, content_type="text/plain")


def _form_of(request: Request) -> dict[str, str]:
    """Return the fields of a form; one that is repeated, or is not a form, has none."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return {}
    try:
        pairs = parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise BadRequest("The form cannot be read.") from None
    names = [name for name, _ in pairs]
    return {name: value for name, value in pairs if name in _FIELDS and names.count(name) == 1}


def _binding(request: Request) -> str | None:
    """Return the value that binds this browser to its sign-in, if it has exactly one."""
    cookies = parse_cookie("; ".join(request.headers.getall("cookie", [])))
    values = cookies.get(_BINDING_COOKIE, [])
    if len(values) > 1:
        log_security("login refused", refused=True, account=None, reason="two bindings")
    return values[0] if len(values) == 1 else None


def _binding_cookie(context: RequestContext[None], provider: str, flow: StartedFlow | None) -> str:
    """Return the Set-Cookie value that binds a browser to a flow; without one, that deletes it.

    A provider that posts its answer is another site: a browser adds only cookies with
    SameSite=None to that request, and these have to be Secure.
    """
    services = context.services.oauth
    is_posted = services.find(provider).posts_callback
    value = flow.binding if flow else ""
    morsel: Morsel[str] = Morsel()
    morsel.set(_BINDING_COOKIE, value, value)
    morsel["path"] = f"/api/oauth/{provider}"
    morsel["max-age"] = str(int(context.limits.oauth_flow)) if flow else "0"
    morsel["samesite"] = "None" if is_posted else "Lax"
    morsel["httponly"] = True
    if is_posted or services.is_over_https:
        morsel["secure"] = True
    return morsel.OutputString()


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/api/oauth",
        handler=list_providers,
        response=SignInProviders,
        access="public",
    ),
    Operation(
        method="GET",
        path="/api/oauth/<provider:str>",
        handler=begin_sign_in,
        response="text/plain",
        status=303,
        parameters=(INVITE_TOKEN,),
        access="public",
    ),
    Operation(
        method="GET",
        path="/api/oauth/<provider:str>/callback",
        handler=finish_sign_in,
        response="text/plain",
        status=303,
        parameters=OAUTH_ANSWER,
        access="public",
    ),
    Operation(
        method="POST",
        path="/api/oauth/<provider:str>/callback",
        handler=finish_posted_sign_in,
        form=requests.PostedOAuthAnswer,
        response="text/plain",
        status=303,
        access="public",
        is_cross_site=True,
    ),
    Operation(
        method="POST",
        path="/api/oauth/<provider:str>/link",
        handler=link_identity,
        response=AuthorizationUrl,
        scope=None,
        fresh_session=True,
    ),
    Operation(
        method="POST",
        path="/api/oauth/<provider:str>/device",
        handler=begin_provider_device_login,
        response=DeviceCode,
        access="public",
    ),
    Operation(
        method="POST",
        path="/api/oauth/<provider:str>/device/token",
        handler=finish_provider_device_login,
        body=requests.ProviderDeviceToken,
        response=LoginResponse,
        errors=(423,),
        access="public",
    ),
    Operation(
        method="GET",
        path="/api/auth/identities",
        handler=list_identities,
        response=LinkedIdentities,
        scope=None,
    ),
    Operation(
        method="DELETE",
        path="/api/auth/identities/<identity_id:uuid>",
        handler=unlink_identity,
        status=204,
        errors=(409,),
        scope=None,
        fresh_session=True,
    ),
)
