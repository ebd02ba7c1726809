"""Routes of the user search and of account administration."""

from typing import Final
from uuid import UUID

from rustygpt_server.api import parameters, request_parsing
from rustygpt_server.api.routing import Operation, RequestContext
from rustygpt_shared import requests
from rustygpt_shared.models.users import AdminUser, AdminUserList, UserSearchResults

_QUERY_MAX: Final = 100


async def search_users(context: RequestContext[None]) -> UserSearchResults:
    """Search users by the start of their user name or display name."""
    query = context.request.args.get("query", "")[:_QUERY_MAX].replace("\x00", "")
    limit = request_parsing.limit_param(context.request, 20, 100)
    users = await context.services.accounts.search_users(context.caller.user.id, query, limit)
    return UserSearchResults(users)


async def list_users(context: RequestContext[None]) -> AdminUserList:
    """List all accounts, sorted by user name."""
    limit = request_parsing.limit_param(context.request, 50, 200)
    after = request_parsing.read_name_cursor(context.request)
    actor = context.caller.user.id
    users = await context.services.accounts.list_users(actor, after, limit + 1)
    next_cursor = users[limit - 1].username if len(users) > limit else None
    return AdminUserList(users[:limit], next_cursor)


async def create_user(context: RequestContext[requests.CreateUser]) -> AdminUser:
    """Create an account."""
    return await context.services.accounts.create_user(context.caller.user.id, context.body)


async def update_user(context: RequestContext[requests.UpdateUser], user_id: UUID) -> AdminUser:
    """Change an account's roles, password or disabled state."""
    actor = context.caller.user.id
    return await context.services.accounts.update_user(actor, user_id, context.body)


async def end_user_sessions(context: RequestContext[None], user_id: UUID) -> None:
    """Delete all sessions of an account, and end their streams; personal tokens stay."""
    await context.services.sessions.end_user_sessions(context.caller.user.id, user_id)


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/api/users",
        handler=search_users,
        parameters=(parameters.USER_QUERY, parameters.limit(20, 100)),
        response=UserSearchResults,
    ),
    Operation(
        method="GET",
        path="/api/admin/users",
        handler=list_users,
        parameters=(parameters.limit(50, 200), parameters.CURSOR),
        response=AdminUserList,
        access="admin",
    ),
    Operation(
        method="POST",
        path="/api/admin/users",
        handler=create_user,
        body=requests.CreateUser,
        errors=(409,),
        response=AdminUser,
        status=201,
        access="admin",
    ),
    Operation(
        method="PATCH",
        path="/api/admin/users/<user_id:uuid>",
        handler=update_user,
        body=requests.UpdateUser,
        errors=(409,),
        response=AdminUser,
        access="admin",
    ),
    Operation(
        method="DELETE",
        path="/api/admin/users/<user_id:uuid>/sessions",
        handler=end_user_sessions,
        status=204,
        access="admin",
    ),
)
