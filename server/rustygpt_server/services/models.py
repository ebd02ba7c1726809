"""The models that users may choose."""

from rustygpt_server.assistant.catalog import Catalog
from rustygpt_shared.models.assistant import ModelInfo


class Models:
    """Lists models."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def list_models(self) -> list[ModelInfo]:
        """Return all models, the default first."""
        return self._catalog.list_models()
