"""Definitions that the server and its clients share: models, events, settings and framing.

Nothing here depends on a framework, a database or a terminal.
"""

__version__ = "0.1.0"
