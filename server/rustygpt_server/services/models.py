"""The models that users may choose."""

from rustygpt_server.assistant.catalog import Catalog
from rustygpt_server.assistant.provider import ProviderError
from rustygpt_server.errors import ModelFailed
from rustygpt_shared.models.assistant import ModelInfo


class Models:
    """Lists and finds models."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def list_models(self) -> list[ModelInfo]:
        """Return all models, the default first."""
        return self._catalog.list_models()

    def require(self, name: str) -> None:
        """Raise ModelFailed unless there is a model of this name."""
        try:
            self._catalog.resolve(name)
        except ProviderError as error:
            raise ModelFailed(error.detail, error.code) from None
