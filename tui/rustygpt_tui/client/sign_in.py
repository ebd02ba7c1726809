"""Calls to sign in with a browser: the login of devices, and the device flow of a provider."""

import asyncio
import platform
import time
from typing import Final
from urllib.parse import urlsplit

from rustygpt_shared import problems
from rustygpt_shared.models.devices import DeviceCode
from rustygpt_shared.models.identities import LinkedIdentities, SignInProviders
from rustygpt_shared.models.users import LoginResponse
from rustygpt_shared.requests import BeginDeviceLogin, DeviceToken, ProviderDeviceToken, Request
from rustygpt_tui.client.printable import one_line
from rustygpt_tui.client.users import UserCalls
from rustygpt_tui.errors import RateLimited, ServerRejected, TimedOut, Unreachable

_SHORTEST_SECONDS: Final = 0.1
_SLOWER_SECONDS: Final = 5
"""How much longer each wait is after the server has asked for it (RFC 8628, 3.5)."""
_LONGEST_SECONDS: Final = 60


class SignInCalls(UserCalls):
    """Calls to sign in with a browser; each raises ClientError."""

    async def list_sign_in_providers(self) -> SignInProviders:
        """Return the providers that people can sign in by."""
        return await self.call("GET", "/api/oauth", SignInProviders)

    async def list_identities(self) -> LinkedIdentities:
        """Return the caller's accounts at providers."""
        return await self.call("GET", "/api/auth/identities", LinkedIdentities)

    async def begin_device_login(
        self, client_name: str | None = None, *, provider: str | None = None
    ) -> DeviceCode:
        """Return what the user has to enter where; with a provider, in its page."""
        path = f"/api/oauth/{provider}/device" if provider else "/api/auth/device"
        body = None if provider else BeginDeviceLogin(client_name)
        code = await self.call("POST", path, DeviceCode, body=body, may_wait=False)
        if urlsplit(code.verification_uri).scheme not in ("http", "https"):
            raise ServerRejected(
                f"{self.origin} sent an address that is not one of the web; do not open it."
            )
        return code

    async def finish_device_login(
        self,
        code: DeviceCode,
        *,
        account: str | None = None,
        provider: str | None = None,
        invite_token: str | None = None,
    ) -> LoginResponse:
        """Wait until the user has confirmed the code, and save the session, as `log_in` does.

        Raises ServerRejected when the code is refused or expires. A server that is away for a
        moment is asked again.
        """
        path = f"/api/oauth/{provider}/device/token" if provider else "/api/auth/device/token"
        body: Request = DeviceToken(code.device_code)
        if provider:
            body = ProviderDeviceToken(code.device_code, invite_token)
        interval = max(float(code.interval), _SHORTEST_SECONDS)
        deadline = time.monotonic() + code.expires_in
        while time.monotonic() < deadline:
            await asyncio.sleep(interval)
            try:
                return await self._start_session(path, body, account)
            except (Unreachable, TimedOut, RateLimited):
                interval = min(interval * 2, _LONGEST_SECONDS)
            except ServerRejected as error:
                if error.code == problems.DEVICE_SLOW_DOWN:
                    interval += _SLOWER_SECONDS
                elif error.code != problems.DEVICE_PENDING:
                    raise
        raise ServerRejected("The code has expired; start again.", code=problems.DEVICE_EXPIRED)


def device_instructions(code: DeviceCode) -> tuple[str, str]:
    """Return the address and the code that the user needs, each safe for a terminal."""
    return one_line(code.verification_uri), one_line(code.user_code)


def device_name() -> str:
    """Return what this device calls itself: the program and the machine."""
    return f"rustygpt on {platform.node()}"[:64].strip()
