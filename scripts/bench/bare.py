"""The least that a gRPC server of this kind can cost: raw bytes in, the same bytes out.

grpc.aio on uvloop, one process, methods registered as the service registers its
own; nothing is parsed, nobody is asked who they are, nothing is looked up.

    Get     one message in, one constant message out, registered as a stream in
    Echo    messages in, one acknowledgment for each: a bare bidirectional stream

    python -m scripts.bench.bare 300 127.0.0.1:40000     # answers 300 bytes
"""

from __future__ import annotations

import sys
from typing import Any, Final

import grpc
import uvloop

SERVICE: Final = "bench.Bare"
GET: Final = f"/{SERVICE}/Get"
ECHO: Final = f"/{SERVICE}/Echo"
_ACKNOWLEDGMENT: Final = b"\x08\x01"


async def serve(address: str, size: int) -> None:
    """Serves until the process is ended."""
    server = bare_server(size)
    server.add_insecure_port(address)
    await server.start()
    await server.wait_for_termination()


def bare_server(size: int) -> grpc.aio.Server:
    """Returns a server that does not listen yet, whose `Get` answers so many bytes."""
    answer = bytes(size)

    async def get(_messages: object, context: grpc.aio.ServicerContext[Any, Any]) -> bytes:
        await context.read()
        return answer

    async def echo(_messages: object, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        while await context.read() is not grpc.aio.EOF:
            await context.write(_ACKNOWLEDGMENT)

    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers(
        [
            grpc.method_handlers_generic_handler(
                SERVICE,
                {
                    "Get": grpc.stream_unary_rpc_method_handler(get),
                    "Echo": grpc.stream_stream_rpc_method_handler(echo),
                },
            )
        ]
    )
    return server


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[2], int(sys.argv[1])))
