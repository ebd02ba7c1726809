"""Calls for the models that answer."""

from rustygpt_shared.models.assistant import ModelList
from rustygpt_tui.client.transport import Transport


class ModelCalls(Transport):
    """Calls for the models that answer; each raises ClientError."""

    async def list_models(self) -> ModelList:
        """Return the models that may be chosen, the default first."""
        return await self.call("GET", "/api/models", ModelList)
