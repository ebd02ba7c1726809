"""Streams of chat completions, as `/v1` sends them."""

import json
from typing import Any


def completion_frames(text: str) -> list[Any]:
    """Return the data of each frame of a stream, without [DONE]."""
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data:")]
    return [json.loads(line) for line in lines if line != "[DONE]"]
