"""Logins of devices: a terminal shows a code, and its user confirms it in a browser (RFC 8628)."""

from datetime import datetime

from rustygpt_shared.models import Model


class DeviceCode(Model, frozen=True):
    """A login that waits for its confirmation."""

    device_code: str
    """What the device asks with whether somebody has confirmed; a secret of the device."""
    user_code: str
    """What a person enters at the address."""
    verification_uri: str
    interval: int
    """How many seconds to wait between two questions."""
    expires_in: int
    """How many seconds the codes are valid."""
    verification_uri_complete: str | None = None
    """The address with the code in it."""


class DeviceLogin(Model, frozen=True):
    """A login of a device that waits for its confirmation, as the page shows it."""

    user_code: str
    client_name: str | None
    """What the device calls itself; anybody can call it anything."""
    address: str
    """Where the request came from."""
    created_at: datetime
    expires_at: datetime
