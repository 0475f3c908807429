"""When a connection's last bytes came, as the kernel knows it: also a test that stood still meanwhile can tell what came first."""

import select
import socket
import struct
import time

LAST_DATA_RECEIVED = 52  # the offset of tcpi_last_data_recv, in ms, in Linux's struct tcp_info
PROMPT = 0.002           # seconds that a look may take


def arrived(connection):
    """By the monotonic clock, to some milliseconds."""
    while True:
        before = time.monotonic()
        told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
        if time.monotonic() - before < PROMPT:
            return before - struct.unpack_from("I", told, LAST_DATA_RECEIVED)[0] / 1000


def told_before(moment, connections):
    """How many of the connections, none of which was read from, had been sent something by then."""
    poll = select.poll()
    for one in connections:
        poll.register(one, select.POLLIN)
    readable = {number for number, _ in poll.poll(0)}
    return sum(arrived(one) < moment for one in connections if one.fileno() in readable)
