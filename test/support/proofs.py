"""What listens where the active broker is said to be: somebody who knows the master key, or nobody of the brokers."""

import contextlib
import hashlib
import http.client
import http.server
import threading

from replicas import KEY

TARGET = "/tsuru-broker-proof"


def sign(purpose, parts):
    """As a broker does, with the first of its keys."""
    own = hashlib.blake2b(purpose.encode(), key=bytes.fromhex(KEY), digest_size=32).digest()
    signed = b"".join(len(part).to_bytes(8, "little") + part.encode() for part in parts)
    return hashlib.blake2b(signed, key=own, digest_size=16).hexdigest()


@contextlib.contextmanager
def listening(port, handler):
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as listener:
        thread = threading.Thread(target=listener.serve_forever)
        thread.start()
        try:
            yield
        finally:
            listener.shutdown()
            thread.join()


class Quiet(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


@contextlib.contextmanager
def stranger(port):
    """Says yes to all; gives the path and the headers of what was sent."""
    got = []

    class Stranger(Quiet):
        def do_GET(self):  # pylint: disable=invalid-name
            got.append((self.path, self.headers))
            self.send_response(204)
            self.end_headers()

        do_POST = do_GET

    with listening(port, Stranger):
        yield got


@contextlib.contextmanager
def impostor(port, name, to, listeners="services"):
    """Shows that it is the broker of that name, and leads what comes then to the port `to`; gives what it was asked for that."""
    got = []

    class Impostor(Quiet):
        def do_GET(self):  # pylint: disable=invalid-name
            if self.path == TARGET:
                question = self.headers["X-Tsuru-Broker-Forwarded"].split(" ")[1]
                got.append(question)
                self.send_response(204)
                self.send_header("X-Tsuru-Broker-Proof",
                                 sign(f"tsuru-broker: who listens for {listeners}", (name, f"http://127.0.0.1:{port}", question)))
                self.end_headers()
                return
            other = http.client.HTTPConnection("127.0.0.1", to, timeout=60)
            with contextlib.closing(other):
                other.request("GET", self.path, headers=dict(self.headers))
                answer = other.getresponse()
                body = answer.read()
            self.send_response(answer.status)
            for header, value in answer.getheaders():
                if header not in ("Connection", "Date", "Server"):
                    self.send_header(header, value)
            self.end_headers()
            self.wfile.write(body)

    with listening(port, Impostor):
        yield got
