"""Logins of devices (RFC 8628): a terminal shows a code, its user confirms it in a browser."""

import secrets
from datetime import timedelta
from typing import Final
from uuid import UUID

from rustygpt_server.db import device_logins
from rustygpt_server.db.database import Database
from rustygpt_server.db.device_logins import NewDeviceLogin
from rustygpt_server.errors import (
    Conflict,
    DeviceFlowRefused,
    NotFound,
    PasswordChanged,
    RateLimited,
    Unavailable,
)
from rustygpt_server.rates import Rate
from rustygpt_server.runtime import Runtime
from rustygpt_server.services.callers import ClientInfo, SessionCaller
from rustygpt_server.services.secret_tokens import hash_token, new_token
from rustygpt_server.services.sessions import Sessions
from rustygpt_server.telemetry import log_security
from rustygpt_shared import problems, text_rules
from rustygpt_shared.models.devices import DeviceCode, DeviceLogin

INTERVAL_SECONDS: Final = 5
_ATTEMPTS: Final = 3
_ENTRY_RATE: Final = Rate.of("device.code", 1 / 60, 10)
"""How many user codes a user may enter: ten, and one per minute."""
_CODES_OF_STATUS: Final = {
    "pending": problems.DEVICE_PENDING,
    "slow_down": problems.DEVICE_SLOW_DOWN,
    "expired": problems.DEVICE_EXPIRED,
    "denied": problems.DEVICE_DENIED,
}


class DeviceLogins:
    """The logins of devices at one server."""

    def __init__(self, db: Database, sessions: Sessions, runtime: Runtime) -> None:
        self._db = db
        self._sessions = sessions
        self._clock = runtime.clock
        self._metrics = runtime.metrics
        self._lifetime = timedelta(seconds=runtime.limits.device_login)

    async def begin_device_login(
        self, client_name: str | None, base_url: str, client: ClientInfo
    ) -> DeviceCode:
        """Return codes for a device; `base_url` is where its user finds the page."""
        device_code = new_token()
        name = client_name or client.user_agent
        for _ in range(_ATTEMPTS):
            user_code = new_user_code()
            now = self._clock.now()
            new = NewDeviceLogin(
                hash_token(device_code),
                user_code,
                name,
                client.address,
                INTERVAL_SECONDS,
                now + self._lifetime,
            )
            try:
                await device_logins.begin_device_login(self._db, new, now)
            except Conflict:
                continue  # another device has this code
            return _device_code(device_code, user_code, base_url, self._lifetime)
        raise Unavailable("There is no free code at this moment; try again in a moment.")

    async def show_device_login(
        self, caller: SessionCaller, user_code: str, address: str
    ) -> DeviceLogin:
        """Return the login of a code that the caller has entered; each one counts."""
        accepted, state = await device_logins.admit_user_code(
            self._db, caller.user.id, address, _ENTRY_RATE, self._clock.now()
        )
        if not accepted:
            log_security("device code refused", refused=True, account=caller.user.username)
            raise RateLimited(state, "Too many codes")
        return await device_logins.show_device_login(
            self._db, caller.user.id, user_code, self._clock.now()
        )

    async def decide_device_login(
        self, caller: SessionCaller, user_code: str, address: str, *, approve: bool
    ) -> None:
        """Sign a device in as the caller, or deny that."""
        await self.show_device_login(caller, user_code, address)
        name = await device_logins.decide_device_login(
            self._db, caller.user.id, user_code, self._clock.now(), approve=approve
        )
        event = "device approved" if approve else "device denied"
        log_security(event, account=caller.user.username, device=name)

    async def finish_device_login(self, device_code: str, client: ClientInfo) -> SessionCaller:
        """Return the session of a device whose code was approved, once.

        Raises DeviceFlowRefused until then, and for a device that gets none.
        """
        poll = await device_logins.poll_device_login(
            self._db, hash_token(device_code), self._clock.now()
        )
        if poll.user_id is None or poll.password_hash is None or poll.status != "approved":
            self._count(poll.status)
            raise DeviceFlowRefused(_CODES_OF_STATUS.get(poll.status, problems.DEVICE_EXPIRED))
        caller = await self._start_session(poll.user_id, poll.password_hash, client)
        log_security("device signed in", account=caller.user.username)
        return caller

    async def prune(self) -> None:
        """Delete logins that have expired."""
        await device_logins.prune_device_logins(self._db, self._clock.now())

    async def _start_session(
        self, user_id: UUID, password_hash: str, client: ClientInfo
    ) -> SessionCaller:
        """Start the session, unless the account was disabled or its password changed meanwhile."""
        try:
            return await self._sessions.start_session(user_id, password_hash, client)
        except (NotFound, PasswordChanged):
            self._count("denied")
            raise DeviceFlowRefused(problems.DEVICE_DENIED) from None

    def _count(self, status: str) -> None:
        if status in ("denied", "expired"):
            self._metrics.logins.labels("refused").inc()


def new_user_code() -> str:
    """Return a random code of letters that spell no word and are hard to confuse."""
    return "".join(
        secrets.choice(text_rules.USER_CODE_LETTERS) for _ in range(text_rules.USER_CODE_LENGTH)
    )


def _device_code(
    device_code: str, user_code: str, base_url: str, lifetime: timedelta
) -> DeviceCode:
    shown = f"{user_code[:4]}-{user_code[4:]}"
    address = f"{base_url}/device"
    return DeviceCode(
        device_code,
        shown,
        address,
        INTERVAL_SECONDS,
        int(lifetime.total_seconds()),
        f"{address}?user_code={shown}",
    )
