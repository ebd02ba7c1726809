"""Operations: routes declared once, as data that serves requests and is documented.

Each module of routes ends with a table `OPERATIONS`. What a route does belongs to its handler, a
module-level function that gets a RequestContext and the ids of its path. Business rules belong to
`services`.
"""

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse

from rustygpt_server.api import request_parsing
from rustygpt_server.api.authentication import Authenticator, check_admin, has_authorization
from rustygpt_server.api.parameters import Parameter
from rustygpt_server.api.rate_limiting import RequestLimiter, Route
from rustygpt_server.api.request_parsing import SAFE_METHODS
from rustygpt_server.clock import TimeLimits
from rustygpt_server.services.callers import Caller, SessionCaller
from rustygpt_server.services.container import Services
from rustygpt_server.telemetry import log
from rustygpt_shared import codec
from rustygpt_shared.models.tokens import Scope

Access = Literal["public", "session", "admin"]
B = TypeVar("B")
Handler = Callable[..., Coroutine[Any, Any, Any]]
NO_STORE = {"Cache-Control": "no-store"}
STREAM = "text/event-stream"
"""The response type of an operation that sends events until its stream ends; it has no HEAD."""

_log = log(__name__)


@dataclass(frozen=True)
class RequestContext(Generic[B]):
    """An admitted request; `body` is None where the operation takes none."""

    request: Request
    services: Services
    auth: Authenticator
    limits: TimeLimits
    body: B
    _caller: Caller | None

    @property
    def caller(self) -> Caller:
        """The authenticated caller; raises LookupError on public operations."""
        if self._caller is None:
            raise LookupError("a public operation has no caller")
        return self._caller

    @property
    def session_caller(self) -> SessionCaller:
        """The caller of an operation without a scope; raises LookupError on others."""
        if isinstance(self._caller, SessionCaller):
            return self._caller
        raise LookupError("the caller of this operation has no session")


@dataclass(frozen=True)
class Response:
    """A response that differs from a struct with the operation's usual status."""

    value: Any = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A route: what it takes, what it returns, who may call it, and the function that serves it."""

    method: str
    path: str
    """In Sanic's form: `/api/messages/<message_id:uuid>`."""
    handler: Handler
    """Its docstring's first line is the summary in the documents."""
    body: Any = None
    """The struct of the request's JSON."""
    is_body_optional: bool = False
    """Whether a request without a body is one with `{}`."""
    streamed_body: tuple[str, ...] = ()
    """The content types of a body that the handler reads as it arrives."""
    form: Any = None
    """The struct of the fields of a form, for an operation that takes a form instead of JSON."""
    response: Any = None
    """The struct of the response's JSON, or a content type, or several."""
    streamed_response: Any = None
    """The struct of the data in each event, when the request may ask for a stream instead."""
    status: int = 200
    parameters: tuple[Parameter, ...] = ()
    """The query parameters and headers that it takes, besides those of all operations."""
    errors: tuple[int, ...] = ()
    """The statuses of its errors, besides those that follow from its other fields."""
    access: Access = "session"
    scope: Scope | Literal["derived"] | None = "derived"
    """The scope that a personal token needs; see `required_scope`. None: no token is accepted."""
    fresh_session: bool = False
    """Look the session up in the database, not in the process's cache."""
    is_cross_site: bool = False
    """Whether pages of other sites may send it: it has a protection of its own."""
    ends_with_client: bool = False
    """Stop the operation when its client disconnects, although it changes something."""
    operation_id: str = ""
    """Its id in the documents; by default the handler's name."""

    @property
    def id(self) -> str:
        """Its id in the documents."""
        return self.operation_id or str(self.handler.__name__)

    @property
    def template(self) -> str:
        """The path as the documents write it, with `{name}` for each parameter."""
        return template(self.path)

    @property
    def required_scope(self) -> Scope | None:
        """The scope that a personal token needs; by default from access and method."""
        if self.scope != "derived":
            return self.scope
        if self.access == "session":
            return "read" if self.method == "GET" else "write"
        return "admin" if self.access == "admin" else None

    @property
    def summary(self) -> str:
        """The first line of the handler's docstring."""
        return (self.handler.__doc__ or "").partition("\n")[0]

    @property
    def description(self) -> str:
        """The handler's docstring after its first line."""
        return (inspect.getdoc(self.handler) or "").partition("\n")[2].strip()

    @property
    def methods(self) -> list[str]:
        """The methods that are served: GET includes HEAD (RFC 9110, 9.3.2), except for streams."""
        has_head = self.method == "GET" and self.response != STREAM
        return ["GET", "HEAD"] if has_head else [self.method]


class RouteGroup:
    """Operations of one area, and the blueprint that serves them."""

    def __init__(self, name: str, operations: Sequence[Operation]) -> None:
        self.name = name
        self.blueprint = Blueprint(name)
        self.operations = tuple(operations)
        self._in_flight: set[asyncio.Task[Any]] = set()
        for operation in operations:
            self.blueprint.add_route(
                self._endpoint(operation),
                operation.path,
                operation.methods,
                name=operation.id,
                error_format="json",  # else Sanic parses the handler's source code to find it
                stream=bool(operation.streamed_body),
                ctx_is_public=operation.access == "public",
            )

    def _endpoint(
        self, operation: Operation
    ) -> Callable[..., Coroutine[Any, Any, HTTPResponse | None]]:
        """Return the function that Sanic calls; sanic-ext injects services and authenticator."""
        route = Route(operation.method, operation.template)

        async def endpoint(
            request: Request,
            services: Services,
            auth: Authenticator,
            limits: TimeLimits,
            limiter: RequestLimiter,
            **ids: Any,
        ) -> HTTPResponse | None:
            caller = await limiter.admit(route, request, _admit(operation, request, auth))
            body = _body(operation, request)
            context = RequestContext(request, services, auth, limits, body, caller)
            coroutine = operation.handler(context, **ids)
            if request.method in SAFE_METHODS or operation.ends_with_client:
                result = await coroutine
            else:
                result = await self._run_to_completion(coroutine)
            if result is None and operation.status != 204:
                return None  # the handler has sent a streaming response
            return _http_response(result, operation.status)

        return endpoint

    async def _run_to_completion(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Finish an operation that changes something, also when the client disconnects.

        Cancelled between the database's commit and the broadcast, a message would reach no stream
        and an assistant's answer that has started would never be written.
        """
        task = asyncio.create_task(coroutine)
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_log_failure)
            raise


def _body(operation: Operation, request: Request) -> Any:
    """Return the body as the operation's struct, or None if it takes none."""
    if operation.body is None:
        return None
    if operation.is_body_optional and not request.body:
        return operation.body()
    return request_parsing.decode_body(request, operation.body)


def template(path: str) -> str:
    """Return a path with `{id}` for each `<id:uuid>`."""
    parts = path.split("/")
    return "/".join("{" + p[1:-1].partition(":")[0] + "}" if p[:1] == "<" else p for p in parts)


async def _admit(operation: Operation, request: Request, auth: Authenticator) -> Caller | None:
    """Authenticate the caller and check the operation's access; None for public operations.

    A public operation that creates a session is refused to a caller with a personal token.
    """
    if not operation.is_cross_site:
        auth.check_origin(request)
    is_safe = request.method in SAFE_METHODS
    if operation.access == "public" and (is_safe or not has_authorization(request)):
        return None
    is_admin = operation.access == "admin"
    caller = await auth.authenticate(request, fresh_session=operation.fresh_session or is_admin)
    caller.check_scope(operation.required_scope)
    if is_admin:
        check_admin(caller)
    return caller


def _log_failure(task: asyncio.Task[Any]) -> None:
    """Log a failure whose client has disconnected."""
    if not task.cancelled() and task.exception() is not None:
        _log.warning("request failed after its client disconnected", reason=str(task.exception()))


def _http_response(result: Any, status: int) -> HTTPResponse:
    if isinstance(result, HTTPResponse):
        return result
    response = result if isinstance(result, Response) else Response(result)
    status = response.status or status
    headers = {**NO_STORE, **response.headers}
    if response.value is None:
        return HTTPResponse(b"", status, headers)
    return HTTPResponse(
        codec.encode(response.value), status, headers, content_type="application/json"
    )
