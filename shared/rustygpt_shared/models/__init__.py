"""The models of the wire: frozen structs of what is stored and shown, one module per topic.

Optional fields that are absent are left out of the JSON; fields that may be `null` have no default.
"""

from msgspec import Struct


class Model(Struct, frozen=True, omit_defaults=True):
    """A struct on the wire; fields with their default value are left out of the JSON."""
