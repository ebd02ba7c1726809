"""The admission of request bodies, before they are read: how large, from whom, how many at once.

What is in a body is decided in `request_parsing`. Operations with a `streamed_body` read theirs as
it arrives; they admit it themselves, after the caller was authenticated.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

from sanic import exceptions
from sanic.request import Request

from rustygpt_server.api.authentication import Authenticator
from rustygpt_server.errors import Unavailable
from rustygpt_shared.settings import Server


class BodyAdmission:
    """Decides which bodies one application reads."""

    def __init__(self, settings: Server, auth: Authenticator) -> None:
        self._limit = settings.body_limit_bytes
        self._anonymous_limit = min(settings.anonymous_body_limit_bytes, self._limit)
        self._import_limit = settings.import_limit_bytes
        self._memory = settings.body_memory_bytes
        self._auth = auth
        self._arriving = 0

    async def check(self, request: Request) -> int:
        """Return the number of bytes that a request's body may have.

        More than the limit for anonymous callers is read only from a caller who is signed in, which
        is known before the body. Raises PayloadTooLarge, NotSignedIn or CsrfFailed.
        """
        length = request.headers.get("content-length")
        declared = int(length) if length else self._limit
        stream: Any = request.stream
        stream.request_max_size = self._anonymous_limit
        if declared <= self._anonymous_limit and length:
            return declared
        if request.route is not None and getattr(request.route.ctx, "is_public", False):
            if length:
                raise exceptions.PayloadTooLarge("The request is too large.")
            return self._anonymous_limit
        await self._auth.authenticate(request)
        stream.request_max_size = self._limit
        return min(declared, self._limit)

    async def stream(self, request: Request) -> AsyncIterator[bytes]:
        """Yield the body of an operation that reads it as it arrives, which may be a large file.

        Raises PayloadTooLarge, also in the middle of a body whose length was not declared.
        """
        length = request.headers.get("content-length")
        stream: Any = request.stream
        stream.request_max_size = self._import_limit
        if length and int(length) > self._import_limit:
            raise exceptions.PayloadTooLarge("The file is too large.")
        while data := await stream.read():
            yield data

    def discard(self, request: Request) -> None:
        """Let Sanic read what is left of a refused file, and forget it, after the response.

        Most clients send all of a file before they read a response. One whose connection is closed
        before that does not get to see why its file was refused.
        """
        limit = 4 * self._import_limit
        stream: Any = request.stream
        stream.request_max_size = limit
        stream.protocol.request_max_size = limit

    @contextmanager
    def reserve(self, size: int) -> Iterator[None]:
        """Count a body that is arriving; raise Unavailable when too many bytes are."""
        if self._arriving + size > self._memory:
            raise Unavailable("The server receives too much at this moment; try again in a moment.")
        self._arriving += size
        try:
            yield
        finally:
            self._arriving -= size


class AdmittedRequest(Request):
    """A request whose body is read only when the application's `ctx.bodies` admits it."""

    async def receive_body(self) -> None:
        """Read the body; raises the errors of `BodyAdmission`."""
        admission: BodyAdmission = self.app.ctx.bodies
        with admission.reserve(await admission.check(self)):
            await super().receive_body()  # type: ignore[no-untyped-call]
