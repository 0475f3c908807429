"""tsuru's own API for the tests that compare with it: `GET /1.0/services/instances`, as a real tsurud answers it.

The bytes are those that Go's encoding/json makes of tsuru's ServiceModel and ServiceInstance (service/service.go and
service/service_instance.go of 1.31): members in their order, nil lists as null, <, > and & escaped, a newline at the end,
and from 2 KiB on in chunks. What is answered in its place, by `instead`, is what a tsurud would not send."""

import contextlib
import http.server
import json
import ssl
import threading

PATH = "/1.0/services/instances"


def encode(value):
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026") + "\n"


class TsuruList:
    """The server. services: {service: {instance: {"apps": [...], "jobs": [...]}}}; without "jobs" a tsuru before jobs."""

    def __init__(self, services=None, tls=None, token="s3cret-t0ken"):
        self.services = services if services is not None else {}
        self.token = token
        self.instead = None  # called with the handler, in place of the answer
        self.requests = []   # headers
        handler = type("Handler", (Handler,), {"tsuru": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def instance(self, service, name, bound):
        told = {"name": name, "id": 0, "service_name": service, "plan_name": "small", "apps": bound.get("apps") or None}
        if "jobs" in bound:
            told["jobs"] = bound["jobs"] or None
        return {**told, "teams": ["red"], "team_owner": "red", "description": "a <b> & c", "tags": None}

    def model(self):
        return [{"service": service, "instances": list(instances), "plans": ["small" for _ in instances] or None,
                 "service_instances": [self.instance(service, name, bound) for name, bound in instances.items()] or None}
                for service, instances in sorted(self.services.items())]

    def body(self):
        return encode(self.model())


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    tsuru = None

    def log_message(self, *_):
        pass

    def answer(self, status, body, content_type="application/json", **headers):
        body = body.encode()
        self.send_response(status)
        if content_type:
            self.send_header("Content-Type", content_type)
        for name, value in headers.items():
            self.send_header(name, value)
        if len(body) <= 2048:
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for at in range(0, len(body), 4096):
            part = body[at:at + 4096]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")

    def do_GET(self):  # pylint: disable=invalid-name
        tsuru = self.tsuru
        tsuru.requests.append((self.path, dict(self.headers)))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            if tsuru.instead is not None:
                tsuru.instead(self)
            elif self.headers["Authorization"] != f"Bearer {tsuru.token}":
                self.answer(401, "Invalid token\n", "text/plain; charset=utf-8")
            elif self.path != PATH:
                self.answer(404, "404 page not found\n", "text/plain; charset=utf-8")
            elif not tsuru.services:
                self.send_response(204)
                self.end_headers()
            else:
                self.answer(200, tsuru.body())
