"""Routes of the models that users may choose."""

from typing import Final

from rustygpt_server.api.routing import Operation, RequestContext
from rustygpt_shared.models.assistant import ModelList


async def list_models(context: RequestContext[None]) -> ModelList:
    """List the models that may be chosen for a conversation or a message, the default first."""
    return ModelList(context.services.models.list_models())


OPERATIONS: Final = (
    Operation(method="GET", path="/api/models", handler=list_models, response=ModelList),
)
