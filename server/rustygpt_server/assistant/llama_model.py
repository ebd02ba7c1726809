"""A model file in memory, by llama-cpp-python; everything here takes long and runs in a thread."""

import codecs
import importlib
import io
import logging
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, redirect_stderr
from pathlib import Path
from typing import Any

from rustygpt_server.assistant.llama_prompt import PLAIN_STOP, Part, plain_parts, template_parts
from rustygpt_server.assistant.provider import (
    ChatMessage,
    CompletionChunk,
    ContextExceeded,
    Prompt,
    ProviderError,
)
from rustygpt_shared.models.messages import Usage

CONTEXT_MAX = 8_192
"""The largest context that memory is allocated for."""
_MAGIC = b"GGUF"
_SAMPLING = {
    "temperature": "temp",
    **{name: name for name in ("top_p", "top_k", "min_p", "repeat_penalty")},
    **{name: name for name in ("frequency_penalty", "presence_penalty")},
}
"""The parameters of requests that the library has, and what it calls them."""


def load(path: Path, package: str, loading: threading.Lock) -> "LlamaModel":
    """Load a model file; raise ProviderError when the package or the file cannot be used."""
    try:
        library = importlib.import_module(package)
    except (ImportError, OSError, RuntimeError):
        raise ProviderError(
            "The server has no llama-cpp-python; its administrator can install rustygpt[llama].",
            "missing_package",
        ) from None
    _check(path)
    try:
        # The library has two ways to be silent. One redirects the output of the whole process, log
        # lines of other threads included; this is the other one.
        with loading, redirect_stderr(io.StringIO()):
            model = library.Llama(model_path=str(path), n_ctx=CONTEXT_MAX, verbose=True)
    except (ValueError, RuntimeError, AssertionError):
        raise ProviderError(
            f"The model's file {path.name} cannot be loaded; it may be damaged, or too large for "
            "the memory.",
            "bad_model_file",
        ) from None
    model.verbose = False
    logging.getLogger("llama-cpp-python").setLevel(logging.ERROR)
    return LlamaModel(library, model)


def _check(path: Path) -> None:
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError:
        raise ProviderError(
            f"The model's file {path.name} does not exist on the server, or cannot be read.",
            "bad_model_file",
        ) from None
    if magic != _MAGIC:
        raise ProviderError(f"The model's file {path.name} is no GGUF file.", "bad_model_file")


class LlamaModel:
    """A loaded model; generates one answer at a time."""

    def __init__(self, library: Any, model: Any) -> None:
        self._library = library
        self._model = model
        self._vocabulary = library.llama_model_get_vocab(model.model)
        metadata = model.metadata
        trained = metadata.get(f"{metadata.get('general.architecture')}.context_length", "")
        self.context_tokens = min(
            model.n_ctx(), int(trained) if trained.isdecimal() else CONTEXT_MAX
        )
        self._template: str | None = metadata.get("tokenizer.chat_template")

    def close(self) -> None:
        """Free its memory."""
        self._model.close()

    def generate(self, prompt: Prompt) -> Generator[CompletionChunk, None, None]:
        """Yield an answer token by token; raise ProviderError."""
        tokens = self._tokens(prompt.messages)
        limit = self.context_tokens - len(tokens)
        if limit <= 0:
            raise ContextExceeded(
                f"The prompt has {len(tokens):,} tokens, and the model's context "
                f"{self.context_tokens:,}.",
                "context_length_exceeded",
                self.context_tokens,
            )
        named = prompt.params.get("max_completion_tokens", prompt.params.get("max_tokens"))
        limit = min(limit, named) if isinstance(named, int) and named > 0 else limit
        text = _Text(None if self._template else PLAIN_STOP)
        count = 0
        reason = "length"
        for token in self._sampled(tokens, prompt.params):
            if self._library.llama_vocab_is_eog(self._vocabulary, token):
                reason = "stop"
                break
            count += 1
            yield CompletionChunk(content=text.feed(self._model.detokenize([token])))
            if text.is_over or count >= limit:
                reason = "stop" if text.is_over else reason
                break
        if count == 0:
            raise ProviderError("The model returned an empty answer.", "empty_response")
        usage = Usage(len(tokens), count, len(tokens) + count)
        yield CompletionChunk(content=text.end(), finish_reason=reason, usage=usage)

    def _sampled(self, tokens: list[int], params: dict[str, Any]) -> Iterator[int]:
        sampling = {_SAMPLING[name]: params[name] for name in _SAMPLING if name in params}
        if isinstance(params.get("seed"), int):
            self._model.set_seed(params["seed"])
        with closing(self._model.generate(tokens, **sampling)) as generated:
            yield from generated

    def _tokens(self, messages: Sequence[ChatMessage]) -> list[int]:
        tokens: list[int] = []
        begin = self._special(self._model.token_bos())
        for part in self._parts(messages, begin):
            has_begin = bool(tokens) or bool(begin and part.text.startswith(begin))
            data = part.text.encode("utf-8", "replace")
            tokens += self._model.tokenize(data, add_bos=not has_begin, special=part.is_template)
        return tokens

    def _parts(self, messages: Sequence[ChatMessage], begin: str) -> list[Part]:
        if not self._template:
            return plain_parts(messages)
        formatter = self._library.llama_chat_format.Jinja2ChatFormatter(
            self._template, self._special(self._model.token_eos()), begin
        )
        return template_parts(messages, lambda marked: str(formatter(messages=marked).prompt))

    def _special(self, token: int) -> str:
        """Return the text of a control token; empty when the model has none of its kind."""
        if token < 0:
            return ""
        data: bytes = self._model.detokenize([token], special=True)
        return data.decode("utf-8", "replace").strip()


class _Text:
    """Makes text of the bytes of tokens, up to a text that ends the answer."""

    def __init__(self, stop: str | None) -> None:
        self.is_over = False
        self._stop = stop
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pending = ""

    def feed(self, data: bytes) -> str:
        """Return the text that is certain now; the rest may be the beginning of the end."""
        self._pending += self._decoder.decode(data)
        if self._stop is None:
            return self._take(len(self._pending))
        if self._stop in self._pending:
            self.is_over = True
            return self._take(self._pending.index(self._stop))
        return self._take(len(self._pending) - len(self._stop) + 1)

    def end(self) -> str:
        """Return the rest."""
        self._pending += self._decoder.decode(b"", final=True)
        return "" if self.is_over else self._pending

    def _take(self, length: int) -> str:
        length = max(0, length)
        taken, self._pending = self._pending[:length], self._pending[length:]
        return taken
