"""Routes of the audit log and of the retention, for administrators."""

from typing import Final

from rustygpt_server.api import parameters, request_parsing
from rustygpt_server.api.parameters import Parameter
from rustygpt_server.api.routing import Operation, RequestContext
from rustygpt_server.db.audit import AuditFilter
from rustygpt_server.services.audit import actions_of
from rustygpt_shared import requests
from rustygpt_shared.models.audit import AUDIT_ACTIONS, AuditPage
from rustygpt_shared.models.retention import Retention

_EXAMPLE_ID: Final = "0199f0c1-3b6f-7c31-8a4e-5d2f10c9ab02"
_ID: Final = {"type": "string", "format": "uuid"}
_TIME: Final = {"type": "string", "format": "date-time"}
ACTION: Final = Parameter(
    "action",
    "An action, or its topic: the part before the dot.",
    {"type": "string", "maxLength": 64},
    AUDIT_ACTIONS[0],
)
ACTOR: Final = Parameter("actor", "The account that did it.", _ID, _EXAMPLE_ID)
TARGET: Final = Parameter("target", "What it was done to.", _ID, _EXAMPLE_ID)
CONVERSATION: Final = Parameter(
    "conversation_id", "The conversation that it was done in.", _ID, _EXAMPLE_ID
)
SINCE: Final = Parameter("since", "From this time on.", _TIME, "2026-01-01T00:00:00Z")
UNTIL: Final = Parameter("until", "Before this time.", _TIME, "2027-01-01T00:00:00Z")


async def list_audit(context: RequestContext[None]) -> AuditPage:
    """List the audit log, latest entries first."""
    request = context.request
    limit = request_parsing.limit_param(request, 50, 200)
    action = request.args.get("action")
    filters = AuditFilter(
        actions=actions_of(action) if action else None,
        actor=request_parsing.id_param(request, "actor"),
        target=request_parsing.id_param(request, "target"),
        conversation_id=request_parsing.id_param(request, "conversation_id"),
        since=request_parsing.time_param(request, "since"),
        until=request_parsing.time_param(request, "until"),
    )
    entries = await context.services.audit.list_audit(
        context.caller.user.id, filters, request_parsing.read_number_cursor(request), limit + 1
    )
    cursor = str(entries[limit - 1].number) if len(entries) > limit else None
    return AuditPage(entries[:limit], cursor)


async def show_retention(context: RequestContext[None]) -> Retention:
    """Show for how many days the server keeps things, and which conversations differ."""
    limit = request_parsing.limit_param(context.request, 50, 200)
    after = request_parsing.id_param(context.request, "cursor")
    return await context.services.retention.show_retention(context.caller.user.id, after, limit)


async def set_retention(context: RequestContext[requests.SetRetention]) -> Retention:
    """Change the retention of the server, or of one conversation.

    A dry run changes nothing: its response counts what the changed retention would delete.
    """
    return await context.services.retention.set_retention(context.caller.user.id, context.body)


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/api/admin/audit",
        handler=list_audit,
        response=AuditPage,
        parameters=(
            ACTION,
            ACTOR,
            TARGET,
            CONVERSATION,
            SINCE,
            UNTIL,
            parameters.CURSOR,
            parameters.limit(50, 200),
        ),
        access="admin",
    ),
    Operation(
        method="GET",
        path="/api/admin/retention",
        handler=show_retention,
        response=Retention,
        parameters=(parameters.CURSOR, parameters.limit(50, 200)),
        access="admin",
    ),
    Operation(
        method="PUT",
        path="/api/admin/retention",
        handler=set_retention,
        body=requests.SetRetention,
        response=Retention,
        access="admin",
    ),
)
