"""All forms of the document, as they are served and as `rustygpt spec` writes them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rustygpt_server.api.documents import JSON, PAGE, YAML
from rustygpt_server.api.routing import RouteGroup
from rustygpt_server.openapi.document import as_json, as_yaml, build
from rustygpt_server.openapi.page import as_html
from rustygpt_shared.settings import Settings

_FOLDER: Final = Path(__file__).parent


def write_documents(groups: Sequence[RouteGroup], settings: Settings) -> dict[str, bytes]:
    """Return the bytes of the document in every form, and of the files that the page needs."""
    document = build(groups, settings)
    files = {name: (_FOLDER / name).read_bytes() for name in ("docs.css", "docs.js")}
    return {JSON: as_json(document), YAML: as_yaml(document), PAGE: as_html(document), **files}
