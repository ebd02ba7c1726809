"""Calls about set-up, sessions and people."""

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
    """Set-up, sessions and people; every call raises Failure."""

    async def is_setup(self) -> bool:
        """Whether the server has its first administrator."""
        return (await self.call("GET", "/api/setup", SetupStatus)).is_setup

    async def set_up(self, request: SetUp) -> User:
        """Name the first administrator; it does not sign in."""
        return (await self.call("POST", "/api/setup", UserResponse, body=request)).user

    async def log_in(
        self, name: str, password: str, *, account: str | None = None
    ) -> LoginResponse:
        """Sign in by user name or e-mail address, and keep the session.

        It is kept as `account`, by default under the user name. A refusal leaves the session of
        before as it was.
        """
        before = self.session.account
        self.session.detach()
        try:
            answer = await self.call(
                "POST", "/api/auth/login", LoginResponse, body=LogIn(email=name, password=password)
            )
        except ClientError:
            self.session.account = before
            self.session.reload()
            raise
        self.session.save_as_current(account or answer.user.username)
        if self.session.header() is None:
            raise ServerRejected(
                f"{self.origin} takes its cookies over HTTPS only; use its https:// address."
            )
        return answer

    async def refresh(self) -> LoginResponse:
        """Have the session's token renewed."""
        return await self.call("POST", "/api/auth/refresh", LoginResponse)

    async def log_out(self) -> None:
        """End the session at the server and forget it here; a dead one is forgotten too."""
        with suppress(NotSignedIn):
            await self.call("POST", "/api/auth/logout", Ok)
        self.session.forget()

    async def me(self) -> Me:
        """Who is signed in."""
        return await self.call("GET", "/api/auth/me", Me)

    async def update_me(self, request: UpdateMe) -> User:
        """Change one's own name or e-mail address."""
        return (await self.call("PATCH", "/api/auth/me", UserResponse, body=request)).user

    async def list_sessions(self) -> SessionList:
        """One's own sessions, newest first."""
        return await self.call("GET", "/api/auth/sessions", SessionList)

    async def end_session(self, id: UUID) -> None:
        """End one of one's own sessions."""
        await self.call_no_content("DELETE", f"/api/auth/sessions/{id}")

    async def search_users(self, query: str = "", *, limit: int | None = None) -> UserSearchResults:
        """People whose user name or display name starts with `query`."""
        return await self.call(
            "GET", "/api/users", UserSearchResults, query={"query": query, "limit": limit}
        )

    async def list_users(
        self, *, cursor: str | None = None, limit: int | None = None
    ) -> AdminUserList:
        """Every account, as an administrator sees them; a page of it."""
        return await self.call(
            "GET", "/api/admin/users", AdminUserList, query={"cursor": cursor, "limit": limit}
        )

    async def create_user(self, request: CreateUser, *, key: str | None = None) -> AdminUser:
        """Make an account, as an administrator."""
        return await self.call(
            "POST", "/api/admin/users", AdminUser, body=request, key=key or new_key()
        )

    async def update_user(self, id: UUID, request: UpdateUser) -> AdminUser:
        """Change an account, as an administrator."""
        return await self.call("PATCH", f"/api/admin/users/{id}", AdminUser, body=request)
