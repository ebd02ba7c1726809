"""What is shown of the messages that a search has found, in the terminal chat and by commands."""

from rustygpt_shared.models.messages import MessageView


def author(message: MessageView) -> str:
    """Return who wrote a message, by the name of that time."""
    if message.role != "user":
        return message.role
    return message.author_name or "(deleted account)"
