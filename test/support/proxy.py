"""A TCP proxy that stands between the broker and a real server and fails as networks do, while it runs.

    proxy = Proxy(server_port)                 # the broker is told proxy.port
    proxy.fault = Fault("lost", after=2)       # on each connection, from its third answer on
    proxy.fault = None                         # what comes from here on is well; what hangs keeps hanging

An answer is what the server sends after something was asked. `after` counts those that each connection lets through once the
fault is there; CONNECT: none, and the fault does not wait for a first one. With `at` it waits for a request with these words.
"""

import asyncio
import collections
import contextlib
import dataclasses
import random
import socket
import struct
import threading

CONNECT = -1
DELAY = 0.05  # seconds

# What befalls an answer, and the connection with it.
KINDS = {
    "delay": "every chunk comes late, in both directions",
    "dribble": "every byte comes by itself, in both directions",
    "reset": "RST in place of the answer; of every open connection at once under CONNECT",
    "cut": "half of the answer, then RST",
    "close": "half of the answer, then FIN",
    "half-open": "nothing is forwarded any more, in either direction, and nobody hangs up",
    "garbage": "random bytes in place of the answer",
    "lost": "the server acted, its answer is dropped with the connection",
    "lost-hang": "the server acted, its answer never comes",
}
SURVIVABLE = ("delay", "dribble")  # slow, and nothing else
# Beside KINDS, for tests of their own.
GONE = "gone"    # at a request: the client's end does not reach the server either
STALL = "stall"  # the answer without its last bytes, and nothing after it


@dataclasses.dataclass(frozen=True, eq=False)
class Fault:
    """One of KINDS, and how many answers, or which request, come before it."""

    kind: str
    after: int = CONNECT
    at: bytes = b""

    def __post_init__(self):
        assert self.kind in (*KINDS, GONE, STALL)


class Over(Exception):
    """The connection has ended."""


def reset(writer):
    """RST: what is under way in either direction is gone."""
    with contextlib.suppress(OSError, AttributeError):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Connection:
    """One of the broker's, and its counterpart to the server."""

    def __init__(self, proxy, reader, writer):
        self.proxy = proxy
        self.client = (reader, writer)
        self.server = None
        self.fault = None   # the last one seen
        self.answers = 0    # that have passed since
        self.reached = False  # the request that the fault waits for
        self.asked = False
        self.stuck = False
        self.gone = False  # neither side hears of the other again

    def acting(self, request=b""):
        """The fault, once its moment has come."""
        fault = self.proxy.fault
        if fault is not self.fault:
            self.fault, self.answers, self.reached = fault, 0, False
        if fault is None:
            return None
        self.reached = self.reached or fault.at in request
        return fault if self.reached and self.answers > fault.after else None

    async def run(self):
        try:
            fault = self.acting()
            if fault is not None and fault.after == CONNECT and fault.kind not in SURVIVABLE:
                self.proxy.hits += 1
                await self.befall(fault, b"")
            self.server = await asyncio.open_connection("127.0.0.1", self.proxy.target)
            for _, writer in (self.client, self.server):
                writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            tasks = [asyncio.ensure_future(self.pump(*pair)) for pair in ((self.client, self.server), (self.server, self.client))]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        except (OSError, Over):
            pass
        finally:
            if self.gone:
                with contextlib.suppress(OSError):
                    await self.server[0].read()  # the server's own end
            for _, writer in filter(None, (self.client, self.server)):
                writer.close()

    async def pump(self, source, target):
        """Forwards one direction until its end."""
        while data := await source[0].read(65536):
            if self.stuck:
                continue
            if source is self.client:
                self.asked = True
            elif self.asked:
                self.asked = False
                self.answers += 1
            fault = self.acting(data if source is self.client else b"")
            if fault is None:
                await self.send(target, data)
            elif fault.kind in SURVIVABLE or source is self.server:
                self.proxy.hits += 1
                await self.befall(fault, data, target)
            elif fault.kind in ("half-open", GONE) and fault.after == CONNECT:
                self.proxy.hits += 1
                self.gone = fault.kind == GONE
                self.stick()
            else:
                await self.send(target, data)

    async def send(self, target, data):
        if target is self.server:
            self.proxy.forwarded.append(data)
        target[1].write(data)
        await target[1].drain()

    def stick(self):
        """What the broker still sends is read, so that its end is seen; what the server sends is not."""
        self.stuck = True

    async def befall(self, fault, data, target=None):
        target = target or self.client
        if fault.kind == "delay":
            await asyncio.sleep(DELAY)
            await self.send(target, data)
        elif fault.kind == "dribble":
            for i in range(len(data)):
                await self.send(target, data[i:i + 1])
                await asyncio.sleep(0)
        elif fault.kind == "garbage":
            await self.send(target, self.proxy.chance.randbytes(max(len(data), 64)))
        elif fault.kind in ("half-open", "lost-hang", STALL):
            if fault.kind == STALL:
                await self.send(self.client, data[:-3])
            self.stick()
            if self.server is None:
                await self.drain()
        else:
            await self.end(fault.kind, data)

    async def drain(self):
        """A connection that leads nowhere, until the broker gives it up."""
        while await self.client[0].read(65536):
            pass
        raise Over

    async def end(self, kind, data):
        if kind in ("cut", "close"):
            await self.send(self.client, data[:(len(data) + 1) // 2])
        if kind != "close":
            reset(self.client[1])
        raise Over

    def kill(self):
        for _, writer in filter(None, (self.client, self.server)):
            reset(writer)


class Proxy:
    """Forwards to the port target of 127.0.0.1."""

    def __init__(self, target, seed=1, address="127.0.0.1", port=0):
        """address, port: its own; 0: a free one."""
        self.target = target
        self.hits = 0  # how often a fault befell something
        self.forwarded = collections.deque(maxlen=100)  # the last that the server was sent
        self.chance = random.Random(seed)
        self.connections = set()
        self.now = None
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.server = self.call(asyncio.start_server(self.on_connection, address, port))
        self.port = self.server.sockets[0].getsockname()[1]

    def call(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    async def on_connection(self, reader, writer):
        connection = Connection(self, reader, writer)
        self.connections.add(connection)
        try:
            await connection.run()
        finally:
            self.connections.discard(connection)

    @property
    def fault(self):
        return self.now

    @fault.setter
    def fault(self, fault):
        self.now = fault
        if fault is not None and fault.kind == "reset" and fault.after == CONNECT:
            self.reset_all()

    def reset_all(self):
        async def kill():
            for connection in list(self.connections):
                connection.kill()

        self.call(kill())

    def open(self):
        """How many connections the broker has through it."""
        return len(self.connections)

    def close(self):
        async def end():
            self.server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

        self.call(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
