"""The composition root: everything is built here and handed in; nothing is built elsewhere."""

from rustygpt_server.app.config import Config
from rustygpt_server.app.factory import create_app
from rustygpt_server.app.parts import Parts, build_parts
from rustygpt_server.app.run import serve

__all__ = ["Config", "Parts", "build_parts", "create_app", "serve"]
