"""Calls for set-up, sessions and accounts."""

from asyncio import CancelledError
from contextlib import suppress
from uuid import UUID

from rustygpt_shared.models.users import (
    AdminUser,
    AdminUserList,
    LoginResponse,
    Me,
    Ok,
    SessionList,
    SetupStatus,
    User,
    UserResponse,
    UserSearchResults,
)
from rustygpt_shared.requests import (
    ChangePassword,
    CreateUser,
    LogIn,
    Register,
    Request,
    SetUp,
    UpdateMe,
    UpdateUser,
)
from rustygpt_tui.client.transport import Transport, new_key
from rustygpt_tui.errors import ClientError, NotFound, NotSignedIn, ServerRejected


class UserCalls(Transport):
    """Calls for set-up, sessions and accounts; each raises ClientError."""

    async def show_setup(self) -> SetupStatus:
        """Return whether the server has its first administrator, and who may register."""
        return await self.call("GET", "/api/setup", SetupStatus)

    async def check_sign_in_is_on(self) -> None:
        """Raise ServerRejected when the server has no accounts: every route of them is missing."""
        try:
            await self.show_setup()
        except NotFound as error:
            raise ServerRejected(
                f"Sign-in is switched off at {self.origin} (features.auth_v1); what is left are "
                "/healthz, /readyz, /metrics, the API's documents at /docs and /.well-known/.",
                code=error.code,
                request_id=error.request_id,
            ) from None

    async def set_up(self, request: SetUp) -> User:
        """Create the first administrator; this does not sign in."""
        return (await self.call("POST", "/api/setup", UserResponse, body=request)).user

    async def log_in(
        self, name: str, password: str, *, account: str | None = None
    ) -> LoginResponse:
        """Sign in with a user name or e-mail address, and save the session.

        `account` is the name under which it is saved, by default the user name. When the server
        rejects the login, the previous session stays as it was.
        """
        body = LogIn(email=name, password=password)
        return await self._start_session("/api/auth/login", body, account)

    async def register(self, request: Register, *, account: str | None = None) -> LoginResponse:
        """Create an account and sign in with it, as `log_in` does."""
        return await self._start_session("/api/auth/register", request, account)

    async def _start_session(self, path: str, body: Request, account: str | None) -> LoginResponse:
        previous_account = self.session.account
        self.session.detach()
        try:
            response = await self.call("POST", path, LoginResponse, body=body, may_wait=False)
        except (ClientError, CancelledError):
            self.session.account = previous_account
            self.session.reload()
            raise
        self.session.save_as_current(account or response.user.username)
        if self.session.header() is None:
            raise ServerRejected(
                f"{self.origin} accepts its cookies over HTTPS only; use its https:// address."
            )
        return response

    async def log_in_with_token(self, token: str, *, account: str | None = None) -> Me:
        """Check a personal token with the scope `read`, and save it as the session."""
        previous_account = self.session.account
        self.session.detach()
        self.session.token = token
        try:
            me = await self.me()
        except ClientError:
            self.session.account = previous_account
            self.session.reload()
            raise
        self.session.save_as_current(account or me.user.username)
        return me

    async def refresh(self) -> LoginResponse:
        """Replace the session's token with a new one."""
        return await self.call("POST", "/api/auth/refresh", LoginResponse)

    async def log_out(self) -> None:
        """End the session at the server and delete it here, also when it has already ended.

        A personal token is only deleted here: other programs may use it.
        """
        if not self.session.token:
            with suppress(NotSignedIn):
                await self.call("POST", "/api/auth/logout", Ok)
        self.session.forget()

    async def me(self) -> Me:
        """Return the caller's account and session."""
        return await self.call("GET", "/api/auth/me", Me)

    async def update_me(self, request: UpdateMe) -> User:
        """Change the caller's display name or e-mail address."""
        return (await self.call("PATCH", "/api/auth/me", UserResponse, body=request)).user

    async def change_password(self, request: ChangePassword) -> LoginResponse:
        """Change the caller's password; the session continues with a new token.

        The caller's other sessions end.
        """
        return await self.call("POST", "/api/auth/password", LoginResponse, body=request)

    async def list_sessions(self) -> SessionList:
        """Return the caller's sessions, newest first."""
        return await self.call("GET", "/api/auth/sessions", SessionList)

    async def end_session(self, id: UUID) -> None:
        """End one of the caller's sessions."""
        await self.call_no_content("DELETE", f"/api/auth/sessions/{id}")

    async def search_users(self, query: str = "", *, limit: int | None = None) -> UserSearchResults:
        """Return the accounts whose user name or display name starts with `query`."""
        return await self.call(
            "GET", "/api/users", UserSearchResults, query={"query": query, "limit": limit}
        )

    async def list_users(
        self, *, cursor: str | None = None, limit: int | None = None
    ) -> AdminUserList:
        """Return a page of all accounts; for administrators."""
        return await self.call(
            "GET", "/api/admin/users", AdminUserList, query={"cursor": cursor, "limit": limit}
        )

    async def create_user(self, request: CreateUser, *, key: str | None = None) -> AdminUser:
        """Create an account; for administrators."""
        return await self.call(
            "POST", "/api/admin/users", AdminUser, body=request, key=key or new_key()
        )

    async def end_user_sessions(self, id: UUID) -> None:
        """End all sessions of an account; for administrators."""
        await self.call_no_content("DELETE", f"/api/admin/users/{id}/sessions")

    async def update_user(self, id: UUID, request: UpdateUser) -> AdminUser:
        """Change an account; for administrators."""
        return await self.call("PATCH", f"/api/admin/users/{id}", AdminUser, body=request)
