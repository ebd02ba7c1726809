"""Routes of the login of devices: what a terminal requests, and the page that confirms it."""

from contextlib import suppress
from typing import Final

from sanic.response import HTTPResponse

from rustygpt_server.api.parameters import USER_CODE
from rustygpt_server.api.rate_limiting import show_limit
from rustygpt_server.api.request_parsing import client_key
from rustygpt_server.api.routing import Operation, RequestContext
from rustygpt_server.api.sessions import login_response
from rustygpt_server.errors import NotFound
from rustygpt_shared import requests, text_rules
from rustygpt_shared.models.devices import DeviceCode, DeviceLogin
from rustygpt_shared.models.users import LoginResponse


async def begin_device_login(context: RequestContext[requests.BeginDeviceLogin]) -> DeviceCode:
    """Create a login of a device, whose user confirms it in a browser (RFC 8628)."""
    client = context.auth.client_info(context.request)
    state = await context.services.rate_limits.admit_address(client_key(client.address))
    show_limit(context.request, state)
    base_url = context.auth.base_url(context.request)
    return await context.services.device_logins.begin_device_login(
        context.body.client_name, base_url, client
    )


async def finish_device_login(context: RequestContext[requests.DeviceToken]) -> LoginResponse:
    """Create the session of a device whose login was approved, once.

    Otherwise it is 400 with the code `RGP.DEVICE.AUTHORIZATION_PENDING`, `RGP.DEVICE.SLOW_DOWN`
    (wait five seconds longer each time), `RGP.DEVICE.EXPIRED_TOKEN` or `RGP.DEVICE.ACCESS_DENIED`.
    """
    client = context.auth.client_info(context.request)
    caller = await context.services.device_logins.finish_device_login(
        context.body.device_code, client
    )
    return login_response(context, caller)


async def show_device_login(context: RequestContext[None]) -> DeviceLogin:
    """Return the device that has shown a code, before its login is approved or denied."""
    try:
        user_code = text_rules.user_code(context.request.args.get("user_code", ""))
    except ValueError as error:
        raise NotFound(f"{error}.".capitalize()) from None
    address = client_key(context.auth.client_address(context.request))
    return await context.services.device_logins.show_device_login(
        context.session_caller, user_code, address
    )


async def decide_device_login(context: RequestContext[requests.DecideDeviceLogin]) -> None:
    """Set whether a device is signed in as the caller."""
    address = client_key(context.auth.client_address(context.request))
    await context.services.device_logins.decide_device_login(
        context.session_caller, context.body.user_code, address, approve=context.body.approve
    )


async def show_device_page(context: RequestContext[None]) -> HTTPResponse:
    """Return the address (303) of the page's form for the code that a device shows."""
    location = "/#/device"
    with suppress(ValueError):  # without a code the person enters it
        user_code = text_rules.user_code(context.request.args.get("user_code", ""))
        location += f"?user_code={user_code}"
    headers = {"Location": location, "Cache-Control": "no-store"}
    return HTTPResponse("", 303, headers, content_type="text/plain")


OPERATIONS: Final = (
    Operation(
        method="POST",
        path="/api/auth/device",
        handler=begin_device_login,
        body=requests.BeginDeviceLogin,
        is_body_optional=True,
        response=DeviceCode,
        access="public",
    ),
    Operation(
        method="POST",
        path="/api/auth/device/token",
        handler=finish_device_login,
        body=requests.DeviceToken,
        response=LoginResponse,
        access="public",
    ),
    Operation(
        method="GET",
        path="/api/auth/device",
        handler=show_device_login,
        response=DeviceLogin,
        parameters=(USER_CODE,),
        errors=(404,),
        scope=None,
        fresh_session=True,
    ),
    Operation(
        method="GET",
        path="/device",
        handler=show_device_page,
        response="text/plain",
        status=303,
        parameters=(USER_CODE,),
        access="public",
    ),
    Operation(
        method="POST",
        path="/device",
        handler=decide_device_login,
        body=requests.DecideDeviceLogin,
        status=204,
        errors=(404,),
        scope=None,
        fresh_session=True,
    ),
)
