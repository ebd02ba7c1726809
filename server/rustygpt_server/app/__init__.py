"""The composition root: everything is built here and handed in; nothing is built elsewhere."""

from rustygpt_server.app.components import Components, build_components
from rustygpt_server.app.context import ServerContext
from rustygpt_server.app.factory import create_app
from rustygpt_server.app.run import serve

__all__ = ["Components", "ServerContext", "build_components", "create_app", "serve"]
