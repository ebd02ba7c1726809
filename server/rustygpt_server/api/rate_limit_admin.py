"""Routes of the administration of rate limits; they exist if `rate_limits.admin_api_enabled`."""

from typing import Final
from uuid import UUID

from rustygpt_server.api import parameters, request_parsing
from rustygpt_server.api.conversations import replay_header
from rustygpt_server.api.routing import Operation, RequestContext, Response
from rustygpt_shared import requests
from rustygpt_shared.models.rate_limits import LimitAssignment, LimitProfile

_PROFILES: Final = "/api/admin/limits/profiles"
_PROFILE: Final = f"{_PROFILES}/<profile_id:uuid>"
_ASSIGNMENTS: Final = "/api/admin/limits/assignments"


async def list_limit_profiles(context: RequestContext[None]) -> list[LimitProfile]:
    """List the profiles of rate limits, by name."""
    return await context.services.rate_limits.list_profiles(context.caller.user.id)


async def create_limit_profile(
    context: RequestContext[requests.CreateLimitProfile],
) -> Response:
    """Create a profile of rate limits."""
    profile, replayed = await context.services.rate_limits.create_profile(
        context.caller.user.id, context.body, request_parsing.idempotency_key(context.request)
    )
    return Response(profile, headers=replay_header(replayed))


async def update_limit_profile(
    context: RequestContext[requests.UpdateLimitProfile], profile_id: UUID
) -> LimitProfile:
    """Change the rate or the description of a profile."""
    actor = context.caller.user.id
    return await context.services.rate_limits.update_profile(actor, profile_id, context.body)


async def delete_limit_profile(context: RequestContext[None], profile_id: UUID) -> None:
    """Delete a profile that is not assigned to routes."""
    await context.services.rate_limits.delete_profile(context.caller.user.id, profile_id)


async def list_limit_assignments(context: RequestContext[None]) -> list[LimitAssignment]:
    """List which profiles limit which routes, by pattern."""
    return await context.services.rate_limits.list_assignments(context.caller.user.id)


async def create_limit_assignment(
    context: RequestContext[requests.CreateLimitAssignment],
) -> LimitAssignment:
    """Set the profile of the routes that a pattern matches."""
    actor = context.caller.user.id
    return await context.services.rate_limits.create_assignment(actor, context.body)


async def delete_limit_assignment(context: RequestContext[None], assignment_id: UUID) -> None:
    """Delete an assignment."""
    await context.services.rate_limits.delete_assignment(context.caller.user.id, assignment_id)


OPERATIONS: Final = (
    Operation(
        method="GET",
        path=_PROFILES,
        handler=list_limit_profiles,
        response=list[LimitProfile],
        access="admin",
    ),
    Operation(
        method="POST",
        path=_PROFILES,
        handler=create_limit_profile,
        parameters=(parameters.IDEMPOTENCY_KEY,),
        body=requests.CreateLimitProfile,
        response=LimitProfile,
        status=201,
        access="admin",
    ),
    Operation(
        method="PUT",
        path=_PROFILE,
        handler=update_limit_profile,
        body=requests.UpdateLimitProfile,
        response=LimitProfile,
        access="admin",
    ),
    Operation(
        method="DELETE",
        path=_PROFILE,
        handler=delete_limit_profile,
        status=204,
        errors=(409,),
        access="admin",
    ),
    Operation(
        method="GET",
        path=_ASSIGNMENTS,
        handler=list_limit_assignments,
        response=list[LimitAssignment],
        access="admin",
    ),
    Operation(
        method="POST",
        path=_ASSIGNMENTS,
        handler=create_limit_assignment,
        errors=(404, 409),
        body=requests.CreateLimitAssignment,
        response=LimitAssignment,
        status=201,
        access="admin",
    ),
    Operation(
        method="DELETE",
        path=f"{_ASSIGNMENTS}/<assignment_id:uuid>",
        handler=delete_limit_assignment,
        status=204,
        access="admin",
    ),
)
