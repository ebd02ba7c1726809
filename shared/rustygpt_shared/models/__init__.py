"""Frozen structs of what is stored and shown, one module a topic.

Optional fields that are absent stay out of the JSON; a field that may be `null` says so.
"""

from msgspec import Struct


class Model(Struct, frozen=True, omit_defaults=True):
    """A shape on the wire; a field at its default is left out."""
