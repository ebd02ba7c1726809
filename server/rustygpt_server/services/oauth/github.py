"""GitHub: the web flow with PKCE, the device flow, and who a token belongs to.

The identity is the number of the account: its name may be given to somebody else. Tokens are used
once, to ask for the account, and stored nowhere.
"""

from collections.abc import Mapping
from typing import Any

from rustygpt_server.db.identities import Identity
from rustygpt_server.errors import DeviceFlowRefused, SignInFailed
from rustygpt_server.services.identities import Profile
from rustygpt_server.services.oauth.http import ProviderClient
from rustygpt_server.services.oauth.provider import Attempt, ProviderFailed, text_of, with_query
from rustygpt_shared import problems
from rustygpt_shared.models.devices import DeviceCode
from rustygpt_shared.models.identities import ProviderName
from rustygpt_shared.settings import GitHubOAuth

_SCOPE = "read:user user:email"
_DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class GitHubProvider:
    """The OAuth app of the settings."""

    name: ProviderName = "github"
    label = "GitHub"
    posts_callback = False
    has_device_flow = True

    def __init__(self, settings: GitHubOAuth, client: ProviderClient) -> None:
        self._settings = settings
        self._client = client
        self._client_id = settings.client_id or ""
        self._base_url = settings.base_url.rstrip("/")
        self._api_url = settings.api_url.rstrip("/")

    async def authorization_url(self, attempt: Attempt) -> str:
        """Return GitHub's page for a sign-in."""
        return with_query(
            f"{self._base_url}/login/oauth/authorize",
            {
                "client_id": self._client_id,
                "redirect_uri": attempt.redirect_uri,
                "scope": _SCOPE,
                "state": attempt.state,
                "code_challenge": attempt.code_challenge,
                "code_challenge_method": "S256",
            },
        )

    async def identify(self, attempt: Attempt, answer: Mapping[str, str]) -> Profile:
        """Exchange the code for a token, and return whose it is."""
        tokens = await self._client.post(
            f"{self._base_url}/login/oauth/access_token",
            {
                "client_id": self._client_id,
                "client_secret": self._settings.client_secret or "",
                "code": answer["code"],
                "redirect_uri": attempt.redirect_uri,
                "code_verifier": attempt.code_verifier,
            },
        )
        return await self._profile(_token(tokens))

    async def begin_device_login(self) -> DeviceCode:
        """Start GitHub's device flow; raises ProviderFailed."""
        form = {"client_id": self._client_id, "scope": _SCOPE}
        body = await self._client.post(f"{self._base_url}/login/device/code", form)
        device_code, user_code = text_of(body, "device_code"), text_of(body, "user_code", 32)
        address = text_of(body, "verification_uri")
        expires_in, interval = body.get("expires_in"), body.get("interval", 5)
        if not (device_code and user_code and address):
            raise ProviderFailed(f"GitHub's device flow gave no code ({_error(body)})")
        if not isinstance(expires_in, int) or not isinstance(interval, int):
            raise ProviderFailed("GitHub's device flow gave no times")
        return DeviceCode(device_code, user_code, address, max(1, interval), expires_in)

    async def poll_device_login(self, device_code: str) -> Profile:
        """Return who has entered the code; raises DeviceFlowRefused as long as nobody has."""
        tokens = await self._client.post(
            f"{self._base_url}/login/oauth/access_token",
            {
                "client_id": self._client_id,
                "device_code": device_code,
                "grant_type": _DEVICE_GRANT,
            },
        )
        error = tokens.get("error")
        if error == "authorization_pending":
            raise DeviceFlowRefused(problems.DEVICE_PENDING)
        if error == "slow_down":
            raise DeviceFlowRefused(problems.DEVICE_SLOW_DOWN)
        if error in ("expired_token", "incorrect_device_code"):
            raise DeviceFlowRefused(problems.DEVICE_EXPIRED)
        if error == "access_denied":
            raise DeviceFlowRefused(problems.DEVICE_DENIED)
        return await self._profile(_token(tokens))

    async def _profile(self, token: str) -> Profile:
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/vnd.github+json",
            "User-Agent": "rustygpt",
        }
        user = await self._client.get(f"{self._api_url}/user", headers)
        number = user.get("id") if isinstance(user, dict) else None
        if not isinstance(number, int) or isinstance(number, bool) or number <= 0:
            raise ProviderFailed("GitHub names no account")
        emails = await self._client.get(f"{self._api_url}/user/emails", headers)
        login = text_of(user, "login")
        identity = Identity(self.name, self._base_url, str(number), login)
        return Profile(identity, login, text_of(user, "name"), _verified(emails))


def _token(tokens: Mapping[str, Any]) -> str:
    """Return the access token of a response, which GitHub also sends errors with as status 200."""
    token = text_of(tokens, "access_token", 1_024)
    if token is None:
        if tokens.get("error") == "access_denied":
            raise SignInFailed("denied")
        raise ProviderFailed(f"GitHub gave no token ({_error(tokens)})")
    return token


def _error(fields: Mapping[str, Any]) -> str:
    return text_of(fields, "error", 60) or "without a reason"


def _verified(emails: object) -> str | None:
    """Return the primary address, if GitHub has verified it."""
    for entry in emails if isinstance(emails, list) else []:
        if isinstance(entry, dict) and entry.get("primary") is True is entry.get("verified"):
            return text_of(entry, "email")
    return None
