"""The search for people, and the administration of accounts."""

from uuid import UUID

from rustygpt_server.api import guards
from rustygpt_server.api.http import Area, Call
from rustygpt_shared import requests
from rustygpt_shared.models.users import AdminUser, AdminUserList, PersonList


def make_area() -> Area:
    """The routes of people."""
    area = Area("people")
    _search(area)
    _administration(area)
    return area


def _search(area: Area) -> None:
    @area.operation("GET", "/api/users", answer=PersonList)
    async def search_users(call: Call[None]) -> PersonList:
        """Find people by the start of their name."""
        query = call.request.args.get("query", "")[:100].replace("\x00", "")
        limit = guards.limit(call.request, 20, 100)
        accounts = call.services.accounts
        return PersonList(await accounts.search_users(call.signed.user.id, query, limit))


def _administration(area: Area) -> None:
    @area.operation("GET", "/api/admin/users", answer=AdminUserList, access="admin")
    async def list_users(call: Call[None]) -> AdminUserList:
        """List all accounts."""
        limit = guards.limit(call.request, 50, 200)
        after = guards.read_name_cursor(call.request)
        users = await call.services.accounts.list_users(call.signed.user.id, after, limit + 1)
        more = users[limit - 1].username if len(users) > limit else None
        return AdminUserList(users[:limit], more)

    @area.operation(
        "POST",
        "/api/admin/users",
        body=requests.CreateUser,
        answer=AdminUser,
        status=201,
        access="admin",
    )
    async def create_user(call: Call[requests.CreateUser]) -> AdminUser:
        """Make an account."""
        return await call.services.accounts.create_user(call.signed.user.id, call.body)

    @area.operation(
        "PATCH",
        "/api/admin/users/<user_id:uuid>",
        body=requests.UpdateUser,
        answer=AdminUser,
        access="admin",
    )
    async def update_user(call: Call[requests.UpdateUser], user_id: UUID) -> AdminUser:
        """Change an account."""
        return await call.services.accounts.update_user(call.signed.user.id, user_id, call.body)
