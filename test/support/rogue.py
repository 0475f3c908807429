"""Servers that are no servers: each answers as its driver expects, and then with what makes a client compute, wait or fill its
memory. They note how far clients came with it, so that tests compare orders of events and no durations."""

import base64
import contextlib
import socket
import ssl
import struct
import subprocess
import threading


class Rogue:
    """Accepts on a free port and gives each connection to `serve` on a thread of its own."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.asked = 0       # connections that were answered with what is rogue
        self.answered = 0    # ... and of which the client went on, or away
        self.closing = False
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.meet, args=(connection,), daemon=True).start()

    def meet(self, connection):
        with connection, contextlib.suppress(OSError, ValueError, struct.error):
            self.serve(connection)

    def serve(self, connection):
        raise NotImplementedError

    def wait_for_client(self, connection):
        """What is rogue was sent: waits for the client to go on."""
        self.asked += 1
        try:
            connection.recv(65536)
        finally:
            self.answered += 1

    def close(self):
        self.listener.close()


def receive(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise ValueError("the client has gone")
        data += more
    return data


class RoguePostgres(Rogue):
    """Names as many iterations of SCRAM as it likes; "iterations" 0: says nothing at all."""

    def __init__(self, iterations):
        self.iterations = iterations
        super().__init__()

    def serve(self, connection):
        length = struct.unpack("!I", receive(connection, 4))[0]
        start = receive(connection, length - 4)
        if start[:4] == struct.pack("!I", 80877103):  # asks for TLS
            connection.sendall(b"N")
            receive(connection, struct.unpack("!I", receive(connection, 4))[0] - 4)
        if self.iterations == 0:
            self.wait_for_client(connection)
            return
        connection.sendall(b"R" + struct.pack("!II", 23, 10) + b"SCRAM-SHA-256\0\0")
        receive(connection, 1)
        first = receive(connection, struct.unpack("!I", receive(connection, 4))[0] - 4)
        nonce = first.split(b",r=")[1]
        message = b"r=" + nonce + b"x,s=" + base64.b64encode(b"0123456789abcdef") + b",i=%d" % self.iterations
        connection.sendall(b"R" + struct.pack("!II", 8 + len(message), 11) + message)
        self.wait_for_client(connection)


class RogueMysql(Rogue):
    """Greets as MySQL 8 and then says nothing, to as many as come."""

    def serve(self, connection):
        greeting = (b"\x0a8.0.36\0" + struct.pack("<I", 7) + b"abcdefgh\0" + struct.pack("<H", 0xF7FF) + b"\x2d\x02\0" +
                    struct.pack("<H", 0x81FF) + b"\x15" + b"\0" * 10 + b"abcdefghijkl\0" + b"caching_sha2_password\0")
        connection.sendall(struct.pack("<I", len(greeting))[:3] + b"\0" + greeting)
        connection.recv(65536)
        self.wait_for_client(connection)


class RogueRedis(Rogue):
    """Answers everything with the same bytes."""

    def __init__(self, answer):
        self.answer = answer
        super().__init__()

    def serve(self, connection):
        while connection.recv(65536):
            connection.sendall(self.answer)
            self.asked += 1


class RogueHttp(Rogue):
    """Answers everything with 200 and a body."""

    def __init__(self, body):
        self.body = body
        super().__init__()

    def serve(self, connection):
        while connection.recv(65536):
            self.asked += 1
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(self.body) +
                               self.body)


class RogueHeaders(Rogue):
    """Begins an answer, and then sends headers without end."""

    def __init__(self, begin, header):
        self.begin, self.header = begin, header
        super().__init__()

    def serve(self, connection):
        connection.recv(65536)
        self.asked += 1
        connection.sendall(self.begin)
        while True:
            connection.sendall(self.header * 100)


class RogueTls(Rogue):
    """Agrees on Diffie-Hellman over integers of 8,192 bits only."""

    def __init__(self, directory, certificate, key):
        parameters = str(directory / "dh.pem")
        subprocess.run(["openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:modp_8192", "-out", parameters],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.context.load_dh_params(parameters)
        self.context.set_ciphers("kDHE")
        self.context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.reasons = []
        super().__init__()

    def serve(self, connection):
        self.asked += 1
        try:
            with self.context.wrap_socket(connection, server_side=True) as stream:
                self.reasons.append("agreed")
                stream.recv(1)
        except ssl.SSLError as error:
            self.reasons.append(error.reason)
