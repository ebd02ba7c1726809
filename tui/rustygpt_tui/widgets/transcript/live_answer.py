"""What is shown of an answer in progress besides its text."""

from typing import NamedTuple


class LiveAnswer(NamedTuple):
    """The state of an answer in progress, as it is known now."""

    reasoning: str = ""
    labels: tuple[str, ...] = ("writing",)
    """Texts for the header that say what happens, the longest first; one that fits is shown."""
    omitted_messages: int = 0
    """How many earlier messages did not fit into the model's context."""
