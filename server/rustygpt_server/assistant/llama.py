"""The provider for a model file in this process.

A thread of its own loads the model at the first question and generates one answer after the other;
the event loop only passes what it has generated.
"""

import asyncio
import queue
import threading
from collections.abc import AsyncIterator
from contextlib import closing, suppress
from pathlib import Path

from rustygpt_server.assistant.llama_model import LlamaModel, load
from rustygpt_server.assistant.provider import (
    CompletionChunk,
    ListedModel,
    Prompt,
    ProviderError,
)
from rustygpt_server.telemetry import log

_log = log(__name__)


class LlamaProvider:
    """One model file."""

    def __init__(self, path: str, loading: threading.Lock, package: str = "llama_cpp") -> None:
        """`loading` is held while a model is loaded, because the library does it one at a time."""
        self._path = Path(path).expanduser()
        self._loading = loading
        self._package = package
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._model: LlamaModel | None = None

    async def stream(self, prompt: Prompt) -> AsyncIterator[CompletionChunk]:
        """Stream a completion; closing the iterator stops the model at its next token."""
        job = _Job(prompt)
        self._jobs.put(job)
        if self._thread is None:
            # A daemon: the end of the process does not wait for a model that is being loaded.
            self._thread = threading.Thread(target=self._work, name="llama", daemon=True)
            self._thread.start()
        try:
            while (item := await job.results.get()) is not None:
                if isinstance(item, ProviderError):
                    raise item
                yield item
        finally:
            job.is_stopped.set()

    async def list_models(self) -> list[ListedModel]:
        """Return the file's name without `.gguf`, and the model's context once it is loaded."""
        model = self._model
        return [ListedModel(self._path.stem, model.context_tokens if model else None)]

    async def close(self) -> None:
        """End the thread, and free the model, after the answer in progress."""
        self._jobs.put(None)

    def _work(self) -> None:
        """Do the jobs, in the thread."""
        while (job := self._jobs.get()) is not None:
            with suppress(RuntimeError):  # the event loop is closed
                self._do(job)
        if self._model is not None:
            self._model.close()

    def _do(self, job: "_Job") -> None:
        try:
            if job.is_stopped.is_set():
                return
            self._model = self._model or load(self._path, self._package, self._loading)
            with closing(self._model.generate(job.prompt)) as chunks:
                for chunk in chunks:
                    if job.is_stopped.is_set():
                        return
                    job.put(chunk)
        except ProviderError as error:
            job.put(error)
        except Exception:  # noqa: BLE001 - the boundary to the library
            _log.error("a model in this process failed", exc_info=True)
            job.put(ProviderError("The model failed; ask again.", "model_failed"))
        finally:
            job.put(None)


class _Job:
    """A prompt, and what was generated for it: chunks, then an error or None."""

    def __init__(self, prompt: Prompt) -> None:
        self.prompt = prompt
        self.is_stopped = threading.Event()
        self.results: asyncio.Queue[CompletionChunk | ProviderError | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()

    def put(self, item: CompletionChunk | ProviderError | None) -> None:
        """Pass a result to the event loop."""
        self._loop.call_soon_threadsafe(self.results.put_nowait, item)
