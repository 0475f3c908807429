"""Clients that have no password: some only sit there, some send a request and never end it, some guess, some ask without
any. Each comes again as soon as it was sent away or answered. As a program, they stay until the end of its input and then tell what they saw."""

import argparse
import base64
import collections
import contextlib
import json
import resource
import select
import socket
import sys
import threading
import time

IDLE, SLOW, GUESS, BARE = "idle", "slow", "guess", "bare"
KINDS = (IDLE, SLOW, GUESS, BARE)


class Stranger:
    """One connection of one kind from 127.0.0.host (or to a socket file)."""

    def __init__(self, crowd, kind, host):
        self.crowd, self.kind, self.host = crowd, kind, host
        self.socket = None
        self.number = 0

    def come(self):
        self.socket = socket.socket(socket.AF_UNIX if isinstance(self.crowd.target, str) else socket.AF_INET)
        if not isinstance(self.crowd.target, str):
            self.socket.bind((f"127.0.0.{self.host}", 0))
        self.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            self.socket.connect(self.crowd.target if isinstance(self.crowd.target, str) else ("127.0.0.1", self.crowd.target))
        self.crowd.watch(self, select.EPOLLOUT)

    def speak(self):
        """It is connected."""
        if self.kind == SLOW:
            self.socket.send(f"GET {self.crowd.path} HTTP/1.1\r\nHost: x\r\nX-Slow: ".encode())
        elif self.kind == GUESS:
            self.number += 1
            guess = base64.b64encode(f"{self.crowd.user}:{self.host}-{self.number}".encode()).decode()
            self.socket.send(f"GET {self.crowd.path} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {guess}\r\n{self.crowd.headers}\r\n".encode())
        elif self.kind == BARE:
            self.socket.send(f"GET {self.crowd.path} HTTP/1.1\r\nHost: x\r\n{self.crowd.headers}\r\n".encode())
        self.crowd.watch(self, select.EPOLLIN)

    def go_on(self):
        """A slow one's next byte."""
        with contextlib.suppress(OSError):
            self.socket.send(b"x")

    def hear(self):
        """What it is told; False: it was sent away."""
        text = self.socket.recv(4096)
        if self.kind in (GUESS, BARE) and text:
            self.crowd.told[text[9:12].decode()] += 1
        if text and b"Connection: close" not in text:
            self.speak()
            return True
        return False


class Strangers:
    """count of them, of the kinds and hosts in turn, to one listener: a port or the path of a socket file."""

    def __init__(self, target, count, kinds=KINDS, hosts=(2,), path="/", user="admin", headers="", again=True):  # pylint: disable=too-many-arguments
        self.target, self.path, self.user, self.headers, self.again = target, path, user, headers, again
        self.told = collections.Counter()  # statuses, and "closed"
        self.epoll = select.epoll()
        self.watched = {}
        self.all = [Stranger(self, kinds[i % len(kinds)], hosts[i // len(kinds) % len(hosts)]) for i in range(count)]
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def watch(self, one, events):
        number = one.socket.fileno()
        if number in self.watched:
            self.epoll.modify(number, events)
        else:
            self.epoll.register(number, events)
            self.watched[number] = one

    def leave(self, one):
        self.epoll.unregister(one.socket.fileno())
        del self.watched[one.socket.fileno()]
        one.socket.close()

    def turn(self, one, events):
        try:
            if events & select.EPOLLOUT:
                one.speak()
                return
            if one.hear():
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self.told["closed"] += 1
        self.leave(one)
        self.bring(one)

    def run(self):
        beat = time.monotonic()
        for number, one in enumerate(self.all):
            with contextlib.suppress(OSError):
                one.come()
            if number % 50 == 0:
                self.look(0)
        while not self.over.is_set():
            self.look(0.1)
            if time.monotonic() - beat > 1:
                beat = time.monotonic()
                for one in self.all:
                    self.move(one)

    def move(self, one):
        """Each second: a slow one's next byte, and who could not come tries again."""
        if one.socket.fileno() not in self.watched:
            self.bring(one)
        elif one.kind == SLOW:
            one.go_on()

    def bring(self, one):
        if self.again:
            with contextlib.suppress(OSError):
                one.come()

    def look(self, seconds):
        for number, events in self.epoll.poll(seconds):
            if number in self.watched:
                self.turn(self.watched[number], events)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        for one in list(self.watched.values()):
            self.leave(one)
        self.epoll.close()


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--port", type=int, required=True)
    words.add_argument("--count", type=int, required=True)
    words.add_argument("--path", default="/")
    words.add_argument("--user", default="admin")
    words.add_argument("--hosts", default="2", help="last bytes of 127.0.0.x, with commas")
    words.add_argument("--kinds", default=",".join(KINDS))
    options = words.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with Strangers(options.port, options.count, options.kinds.split(","), [int(host) for host in options.hosts.split(",")],
                   options.path, options.user) as strangers:
        sys.stdin.read()
    print(json.dumps(strangers.told))


if __name__ == "__main__":
    main()
