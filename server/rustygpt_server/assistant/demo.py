"""The built-in provider that is no model: it shows how answers look and how to plug in a model."""

import re
from collections.abc import AsyncIterator

from rustygpt_server.assistant.provider import CompletionChunk, Prompt
from rustygpt_server.clock import Clock
from rustygpt_shared.models.messages import Usage

_PACE = 0.02
_WORDS = re.compile(r"\S+\s*|\s+")

_TEXT = """\
**I am the demo assistant: no language model is behind me.** I only show how answers arrive here. \
{echo}

To talk to a real model, do one of these and start the server again:

1. Run a server on this machine that is found by itself: Ollama (port 11434), llama.cpp (8081) \
or LM Studio (1234).
2. Set `OPENAI_BASE_URL` and `OPENAI_API_KEY`.
3. Name it in the configuration:

```toml
[llm]
default_model = "qwen3"

[llm.providers.local]
kind = "openai"
base_url = "http://127.0.0.1:11434/v1"

[llm.models.qwen3]
provider = "local"
```

| what you write | what happens |
| --- | --- |
| a message | the assistant answers where the mode is `always` |
| `@assistant …` | it answers in groups, too |
| a reply | it reads the branch above, not the whole thread |
"""


class DemoProvider:
    """Answers every prompt with the same page, word by word."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def stream(self, prompt: Prompt) -> AsyncIterator[CompletionChunk]:
        """Stream the page."""
        text = _TEXT.format(echo=_echo(prompt))
        words = _WORDS.findall(text)
        for word in words:
            yield CompletionChunk(content=word)
            await self._clock.sleep(_PACE)
        read = sum(len(turn.content.split()) for turn in prompt.messages)
        usage = Usage(read, len(words), read + len(words), estimated=True)
        yield CompletionChunk(finish_reason="stop", usage=usage)

    async def list_models(self) -> list[str]:
        """Its only name."""
        return ["demo"]

    async def close(self) -> None:
        """Nothing is held."""


def _echo(prompt: Prompt) -> str:
    asked = next((t.content for t in reversed(prompt.messages) if t.role == "user"), "")
    words = len(asked.split())
    return f"Your message had {words} word{'' if words == 1 else 's'}."
