"""Serves the stock health and reflection services, behind a guard.

The stock services parse for themselves: malformed bytes make them answer INTERNAL
with the text of an exception. The guard takes raw bytes, parses, and answers
INVALID_ARGUMENT; bounds how many streams are open at once, since they pass by the
pipeline's admission; ends them when the server drains; and lets no exception's
text out. Reflection tells the whole schema, so it is off in live.

    stock = StockServices(["bonafides.v1.ArchiveService"], reflected=True)
    server.add_generic_rpc_handlers(stock.handlers())
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from typing import Any, Final, TypeAlias, TypeVar

import grpc
import structlog
from google.protobuf.message import DecodeError, Message
from grpc_health.v1 import health, health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from bonafides.errors import BonafidesError, MalformedMessageError, ServerBusyError
from bonafides.rpc.reading import Context, Reading
from bonafides.rpc.status import reply

M = TypeVar("M", bound=Message)
_Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"

# Each watcher of health is an open call; more than a fleet of balancers needs.
_MOST_OPEN: Final = 64
_BUSY_RETRY_SECONDS: Final = 1
# A prober sends its request at once.
_READ_SECONDS: Final = 2.0
_READING: Final = Reading()
_LAST_NEWS_SECONDS: Final = 0.1
_log: Final = structlog.get_logger("bonafides.rpc")


class StockServices:
    """Health of the server and of each service, and the schema where it is told."""

    def __init__(self, services: Iterable[str], *, reflected: bool) -> None:
        self._services: Final = tuple(services)
        self._health: Final = health.aio.HealthServicer()  # type: ignore[attr-defined]  # untyped package
        self._reflection: Final = reflection.aio.ReflectionServicer(  # type: ignore[no-untyped-call]  # untyped package
            [*self._services, health.SERVICE_NAME, reflection.SERVICE_NAME]
        )
        self._reflected: Final = reflected
        self._streams: Final = _Streams()

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        """Returns the guarded handlers."""
        # Registered as if requests streamed in, as in the pipeline and for its reason.
        check: _Handler = grpc.stream_unary_rpc_method_handler(_guarded(self._check), None, _wire)
        watch: _Handler = grpc.stream_stream_rpc_method_handler(_guarded(self._watch), None, _wire)
        info: _Handler = grpc.stream_stream_rpc_method_handler(_guarded(self._info), None, _wire)
        services = {health.SERVICE_NAME: {"Check": check, "Watch": watch}}
        if self._reflected:
            services[reflection.SERVICE_NAME] = {"ServerReflectionInfo": info}
        return [
            grpc.method_handlers_generic_handler(name, methods)
            for name, methods in services.items()
        ]

    async def serving(self) -> None:
        """Tells that the server and every service is up."""
        for service in self._services:
            await self._health.set(service, health_pb2.HealthCheckResponse.SERVING)

    async def draining(self) -> None:
        """Tells, for good, that nothing is served any more, and ends the streams."""
        await self._health.enter_graceful_shutdown()
        await self._streams.end()

    async def _check(self, _requests: object, context: Context) -> Any:
        return await self._health.Check(await _asked(context), context)

    async def _watch(self, _requests: object, context: Context) -> None:
        await self._streams.run(self._health.Watch(await _asked(context), context))

    async def _info(self, wires: AsyncIterator[bytes], context: Context) -> None:
        async def requests() -> AsyncIterator[reflection_pb2.ServerReflectionRequest]:
            async for wire in wires:
                yield _parsed(reflection_pb2.ServerReflectionRequest, wire)

        async def answers() -> None:
            async for answer in self._reflection.ServerReflectionInfo(requests(), context):
                await context.write(answer)

        await self._streams.run(answers())


class _Streams:
    """The open streams, on the event loop alone. A watcher's would never end by itself."""

    def __init__(self) -> None:
        self._open: Final[set[asyncio.Task[None]]] = set()
        self._ending = False

    async def run(self, stream: Coroutine[Any, Any, None]) -> None:
        """Runs the stream to its end, or to that of the server.

        Raises:
            ServerBusyError: too many are open.
        """
        if len(self._open) >= _MOST_OPEN:
            stream.close()
            raise ServerBusyError(_BUSY_RETRY_SECONDS)
        task = asyncio.ensure_future(stream)
        self._open.add(task)
        try:
            await task
        except asyncio.CancelledError:
            if not self._ending:
                raise  # The caller left.
        finally:
            self._open.discard(task)

    async def end(self) -> None:
        """Ends every stream, after a moment in which the last news goes out."""
        self._ending = True
        if self._open:
            await asyncio.wait(self._open, timeout=_LAST_NEWS_SECONDS)
        for task in tuple(self._open):
            task.cancel()


def _guarded(handle: Callable[[Any, Context], Awaitable[Any]]) -> Callable[[Any, Context], Any]:
    """Returns the handler with its errors turned into statuses, without their texts."""

    async def guarded(requests: Any, context: Context) -> Any:
        try:
            return await handle(requests, context)
        except grpc.aio.AbortError:
            raise  # The stock service's own answer, such as NOT_FOUND.
        except Exception as error:  # noqa: BLE001 - its text must not get out
            if not isinstance(error, BonafidesError):
                _log.error("stock_service_failed", error=type(error).__name__)
            answer = reply(error, "")
        return await context.abort(answer.code, answer.message, answer.trailers)

    return guarded


async def _asked(context: Context) -> health_pb2.HealthCheckRequest:
    wire = await _READING.message(context, _READ_SECONDS)
    if wire is None:
        raise MalformedMessageError
    return _parsed(health_pb2.HealthCheckRequest, wire)


def _parsed(request: type[M], wire: bytes) -> M:
    try:
        return request.FromString(wire)
    except (DecodeError, RecursionError):
        raise MalformedMessageError from None


def _wire(answer: Message) -> bytes:
    return answer.SerializeToString()
