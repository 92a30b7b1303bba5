"""A client of Socket.IO v2 as a process of its own: orders and what happens, a JSON line each.

Runs in the environment of `requirements-v2.txt`; `v2.py` is its other end.
"""

import asyncio
import base64
import json
import sys

import engineio
import socketio

# Its own limit, 16, is below what a server may put into one payload.
engineio.payload.Payload.max_decode_packets = 10_000


def pack(value):
    """`value` with its bytes as JSON can hold them."""
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, (list, tuple)):
        return [pack(item) for item in value]
    if isinstance(value, dict):
        return {key: pack(item) for key, item in value.items()}
    return value


def unpack(value):
    """What `pack` was given; arrays are lists."""
    if isinstance(value, list):
        return [unpack(item) for item in value]
    if isinstance(value, dict):
        if set(value) == {"$bytes"}:
            return base64.b64decode(value["$bytes"])
        return {key: unpack(item) for key, item in value.items()}
    return value


def report(**line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def listen(io, event, namespace):
    replies = {
        "question": lambda value: bytes(reversed(value)) if isinstance(value, bytes) else value * 2,
        "room-question": lambda room: "v2 in " + room,
    }

    def handle(*arguments):
        report(event=event, namespace=namespace, arguments=pack(arguments))
        return replies[event](*arguments) if event in replies else None

    io.on(event, handle, namespace=namespace)


class EngineClient(engineio.AsyncClient):
    async def _receive_packet(self, packet):
        await super()._receive_packet(packet)
        if packet.packet_type == engineio.packet.PONG:
            report(event="pong", namespace="/", arguments=[])


class SocketClient(socketio.AsyncClient):
    #: Whether what waits is sent before the connection is closed; the library's would drop it.
    is_patient = False

    def _engineio_client_class(self):
        return EngineClient

    async def _send_packet(self, packet):
        await super()._send_packet(packet)
        if self.is_patient:
            await self.eio.queue.join()


async def perform(io, order):
    kind = order["do"]
    if kind == "connect":
        for namespace in order["listen"]:
            for event in order["events"]:
                listen(io, event, namespace)
        await io.connect(
            order["url"], transports=order["transports"], namespaces=order["namespaces"]
        )
        return io.eio.sid
    if kind == "emit":
        arguments = tuple(unpack(order["arguments"]))
        return await io.emit(order["event"], arguments, order["namespace"])
    if kind == "call":
        arguments = tuple(unpack(order["arguments"]))
        return pack(await io.call(order["event"], arguments, order["namespace"], order["seconds"]))
    if kind == "transport":
        return io.transport()
    if kind == "disconnect":
        io.is_patient = True
        return await io.disconnect()
    raise ValueError(kind)


async def main():
    # The client with threads gives each packet one of its own: none keeps its order there.
    io = SocketClient(reconnection=False)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        try:
            report(result=await perform(io, json.loads(line)))
        except Exception as error:  # The test decides what it means.
            report(error=f"{type(error).__name__}: {error}")


asyncio.run(main())
