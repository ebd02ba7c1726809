"""Operations: routes that say what they take and answer, and how they are called.

An operation is declared once; the same declaration serves requests and is what documents are
made from.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse

from rustygpt_server.api import request_parsing
from rustygpt_server.api.authentication import Authenticator, check_admin
from rustygpt_server.api.request_parsing import SAFE_METHODS
from rustygpt_server.services.container import Services
from rustygpt_server.services.sessions import Caller
from rustygpt_server.telemetry import log
from rustygpt_shared import codec

Access = Literal["all", "session", "admin"]
B = TypeVar("B")
Handler = Callable[..., Coroutine[Any, Any, Any]]
Serve = Callable[..., Coroutine[Any, Any, HTTPResponse | None]]
NO_STORE = {"Cache-Control": "no-store"}
STREAM = "text/event-stream"
"""What an operation answers that sends events until it is ended; it takes no HEAD."""

_log = log(__name__)


@dataclass(frozen=True)
class RequestContext(Generic[B]):
    """A request that was let in; `body` is None where the operation takes none."""

    request: Request
    services: Services
    auth: Authenticator
    body: B
    _caller: Caller | None

    @property
    def caller(self) -> Caller:
        """The signed-in caller, on operations that are not for all."""
        if self._caller is None:
            raise LookupError("this operation lets everybody in")
        return self._caller


@dataclass(frozen=True)
class Response:
    """What goes back when it is more than a struct with the usual status."""

    value: Any = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


class Operation(NamedTuple):
    """A route as it is documented."""

    method: str
    path: str
    """With `{name}` for what varies."""
    summary: str
    body: Any
    response: Any
    status: int
    access: Access


class RouteGroup:
    """A blueprint, and the operations on it."""

    def __init__(self, name: str) -> None:
        self.blueprint = Blueprint(name)
        self.operations: list[Operation] = []
        self._in_flight: set[asyncio.Task[Any]] = set()

    def operation(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        response: Any = None,
        status: int = 200,
        access: Access = "session",
        fresh_session: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Declare a route; the handler gets a Call and the ids in the path.

        A `strict` one has the session looked at in the database, as all for administrators have.
        """

        def declare(handler: Handler) -> Handler:
            summary = (handler.__doc__ or "").partition("\n")[0]
            self.operations.append(
                Operation(method, template(path), summary, body, response, status, access)
            )
            methods = ["GET", "HEAD"] if method == "GET" and response != STREAM else [method]
            strictly = fresh_session or access == "admin"
            self.blueprint.add_route(
                self._serve(handler, body, status, access, fresh_session=strictly),
                path,
                methods,
                name=handler.__name__,
            )
            return handler

        return declare

    def _serve(
        self, handler: Handler, body: Any, status: int, access: Access, *, fresh_session: bool
    ) -> Serve:
        async def serve(
            request: Request, services: Services, door: Authenticator, **ids: Any
        ) -> HTTPResponse | None:
            signed = (
                None
                if access == "all"
                else await door.authenticate(request, fresh_session=fresh_session)
            )
            if signed and access == "admin":
                check_admin(signed)
            taken = request_parsing.decode_body(request, body) if body else None
            doing = handler(RequestContext(request, services, door, taken, signed), **ids)
            told = await (
                doing if request.method in SAFE_METHODS else self._run_to_completion(doing)
            )
            if told is None and status != 204:
                return None  # it has sent its answer piece by piece
            return _http_response(told, status)

        return serve

    async def _run_to_completion(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Do what changes something to its end, also when the caller has hung up.

        Cut between the database's commit and the telling, a message would reach nobody and an
        answer that has begun would not be written.
        """
        task = asyncio.create_task(coroutine)
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_log_failure)
            raise


def template(path: str) -> str:
    """A path as documents write it: `<id:uuid>` becomes `{id}`."""
    parts = path.split("/")
    return "/".join("{" + p[1:-1].partition(":")[0] + "}" if p[:1] == "<" else p for p in parts)


def _log_failure(task: asyncio.Task[Any]) -> None:
    """Nobody waits for the outcome any more."""
    if not task.cancelled() and task.exception() is not None:
        _log.warning("a request failed after its caller had gone", reason=str(task.exception()))


def _http_response(result: Any, status: int) -> HTTPResponse:
    if isinstance(result, HTTPResponse):
        return result
    answer = result if isinstance(result, Response) else Response(result)
    status = answer.status or status
    headers = {**NO_STORE, **answer.headers}
    if answer.value is None:
        return HTTPResponse(b"", status, headers)
    return HTTPResponse(
        codec.encode(answer.value), status, headers, content_type="application/json"
    )
