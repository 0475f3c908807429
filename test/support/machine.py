"""The machine under the broker, failing on command: the disk and the wall clock, by machine.c, which is built here and preloaded.

    machine = Machine(directory)
    broker = Broker(services)
    machine.attach(broker)
    machine.sync_error = errno.EIO
"""

import mmap
import os
import struct
import subprocess

FIELDS = ("sync_error", "write_error", "meta_error", "open_error", "clock_ms", "failed")  # struct control


def field(name):
    at = FIELDS.index(name) * 8

    def get(self):
        return struct.unpack_from("q", self.control, at)[0]

    def put(self, value):
        struct.pack_into("q", self.control, at, value)

    return property(get, put)


class Machine:
    """What fails is set by the attributes, at any time."""

    def __init__(self, directory):
        self.library = os.path.join(directory, "machine.so")
        self.path = os.path.join(directory, "control")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", self.library,
                        os.path.join(os.path.dirname(__file__), "machine.c")], check=True)
        with open(self.path, "w+b") as file:
            file.truncate(len(FIELDS) * 8)
            self.control = mmap.mmap(file.fileno(), len(FIELDS) * 8)

    sync_error, write_error, meta_error, open_error, clock_ms, failed = (field(name) for name in FIELDS)

    def attach(self, broker):
        """Every start from here on is on this machine."""
        broker.environment.update(MACHINE=self.path, MACHINE_DATA=broker.data, LD_PRELOAD=self.library)
        # The sanitizer wants to be first; behind ours it still sees every call.
        broker.environment["ASAN_OPTIONS"] += ":verify_asan_link_order=0"

    def heal(self):
        self.sync_error = self.write_error = self.meta_error = self.open_error = 0
