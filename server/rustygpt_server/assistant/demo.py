"""The built-in demo provider, which is no model: it shows answers and how to connect a model."""

import re
from collections.abc import AsyncIterator

from rustygpt_server.assistant.prompt import estimated_usage
from rustygpt_server.assistant.provider import CompletionChunk, ListedModel, Prompt
from rustygpt_server.clock import Clock

_PACE = 0.02
_WORDS = re.compile(r"\S+\s*|\s+")

_TEXT = """\
**I am the demo assistant: no language model is behind me.** I only show how answers arrive here. \
{echo}

To talk to a real model, do one of these:

1. Run a server on this machine: Ollama (port 11434), llama.cpp (8081) or LM Studio (1234). It is \
found within a minute.
2. Set `OPENAI_BASE_URL` and `OPENAI_API_KEY`, and start the server again.
3. Name its server in the configuration, which offers all its models, and start again:

```toml
[llm.providers.local]
kind = "openai"
base_url = "http://127.0.0.1:11434/v1"
```

| what you write | what happens |
| --- | --- |
| a message | the assistant answers where the mode is `always` |
| `@assistant …` | it answers in groups, too |
| a reply | it reads the branch above, not the whole thread |
"""


class DemoProvider:
    """Answers every prompt with the same text, word by word."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def stream(self, prompt: Prompt) -> AsyncIterator[CompletionChunk]:
        """Stream the text."""
        text = _TEXT.format(echo=_echo(prompt))
        words = _WORDS.findall(text)
        for word in words:
            yield CompletionChunk(content=word)
            await self._clock.sleep(_PACE)
        prompt_words = sum(len(message.content.split()) for message in prompt.messages)
        usage = estimated_usage(prompt_words, len(words))
        yield CompletionChunk(finish_reason="stop", usage=usage)

    async def list_models(self) -> list[ListedModel]:
        """Return its only name."""
        return [ListedModel("demo")]

    async def close(self) -> None:
        """Do nothing: it has no connections."""


def _echo(prompt: Prompt) -> str:
    """Return a sentence about the user's last message."""
    question = next((m.content for m in reversed(prompt.messages) if m.role == "user"), "")
    words = len(question.split())
    return f"Your message had {words} word{'' if words == 1 else 's'}."
