"""Calls for set-up, sessions and accounts."""

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
from rustygpt_shared.requests import CreateUser, LogIn, SetUp, UpdateMe, UpdateUser
from rustygpt_tui.client.transport import Transport, new_key
from rustygpt_tui.errors import ClientError, NotSignedIn, ServerRejected


class UserCalls(Transport):
    """Calls for set-up, sessions and accounts; each raises ClientError."""

    async def is_setup(self) -> bool:
        """Return True when the server has its first administrator."""
        return (await self.call("GET", "/api/setup", SetupStatus)).is_setup

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
        previous_account = self.session.account
        self.session.detach()
        try:
            response = await self.call(
                "POST", "/api/auth/login", LoginResponse, body=LogIn(email=name, password=password)
            )
        except ClientError:
            self.session.account = previous_account
            self.session.reload()
            raise
        self.session.save_as_current(account or response.user.username)
        if self.session.header() is None:
            raise ServerRejected(
                f"{self.origin} accepts its cookies over HTTPS only; use its https:// address."
            )
        return response

    async def refresh(self) -> LoginResponse:
        """Replace the session's token with a new one."""
        return await self.call("POST", "/api/auth/refresh", LoginResponse)

    async def log_out(self) -> None:
        """End the session at the server and delete it here, also when it has already ended."""
        with suppress(NotSignedIn):
            await self.call("POST", "/api/auth/logout", Ok)
        self.session.forget()

    async def me(self) -> Me:
        """Return the caller's account and session."""
        return await self.call("GET", "/api/auth/me", Me)

    async def update_me(self, request: UpdateMe) -> User:
        """Change the caller's display name or e-mail address."""
        return (await self.call("PATCH", "/api/auth/me", UserResponse, body=request)).user

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

    async def update_user(self, id: UUID, request: UpdateUser) -> AdminUser:
        """Change an account; for administrators."""
        return await self.call("PATCH", f"/api/admin/users/{id}", AdminUser, body=request)
