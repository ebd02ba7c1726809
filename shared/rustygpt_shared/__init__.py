"""What both ends of the wire agree on: shapes, names, settings and framing.

Nothing here knows a framework, a database or a terminal.
"""

__version__ = "0.1.0"
