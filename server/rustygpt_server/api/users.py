"""The search for people, and the administration of accounts."""

from uuid import UUID

from rustygpt_server.api import request_parsing
from rustygpt_server.api.routing import RequestContext, RouteGroup
from rustygpt_shared import requests
from rustygpt_shared.models.users import AdminUser, AdminUserList, UserSearchResults


def make_area() -> RouteGroup:
    """The routes of people."""
    area = RouteGroup("people")
    _search(area)
    _administration(area)
    return area


def _search(area: RouteGroup) -> None:
    @area.operation("GET", "/api/users", response=UserSearchResults)
    async def search_users(call: RequestContext[None]) -> UserSearchResults:
        """Find people by the start of their name."""
        query = call.request.args.get("query", "")[:100].replace("\x00", "")
        limit = request_parsing.limit_param(call.request, 20, 100)
        accounts = call.services.accounts
        return UserSearchResults(await accounts.search_users(call.caller.user.id, query, limit))


def _administration(area: RouteGroup) -> None:
    @area.operation("GET", "/api/admin/users", response=AdminUserList, access="admin")
    async def list_users(call: RequestContext[None]) -> AdminUserList:
        """List all accounts."""
        limit = request_parsing.limit_param(call.request, 50, 200)
        after = request_parsing.read_name_cursor(call.request)
        users = await call.services.accounts.list_users(call.caller.user.id, after, limit + 1)
        more = users[limit - 1].username if len(users) > limit else None
        return AdminUserList(users[:limit], more)

    @area.operation(
        "POST",
        "/api/admin/users",
        body=requests.CreateUser,
        response=AdminUser,
        status=201,
        access="admin",
    )
    async def create_user(call: RequestContext[requests.CreateUser]) -> AdminUser:
        """Make an account."""
        return await call.services.accounts.create_user(call.caller.user.id, call.body)

    @area.operation(
        "PATCH",
        "/api/admin/users/<user_id:uuid>",
        body=requests.UpdateUser,
        response=AdminUser,
        access="admin",
    )
    async def update_user(call: RequestContext[requests.UpdateUser], user_id: UUID) -> AdminUser:
        """Change an account."""
        return await call.services.accounts.update_user(call.caller.user.id, user_id, call.body)
