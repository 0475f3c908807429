"""A small Open Service Broker 2.17 for tests, which can be synchronous, asynchronous, slow, wrong or dead.

Its service is a store of keys and values behind /kv/INSTANCE/KEY, so that the credentials of a binding really log in. It
is strict about what the specification demands of platforms. In a test it is driven by its attributes, from outside by
/control: GET tells its state, POST takes {"attribute": value}.

    python3 osb_broker.py PORT    # 0: any; it prints its process and its port
"""

import base64
import contextlib
import http.server
import json
import os
import secrets
import socket
import ssl
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from harness import free_port

PREFIX = "/v2/service_instances/"
ATTRIBUTES = ("asynchronous", "polls", "retry_after", "fail_operations", "credentials_once", "services", "rules")


def catalog():
    def plan(name, **more):
        return {"id": f"id of {name}", "name": name, "description": f"the plan {name}", **more}

    schema = {"service_instance": {"create": {"parameters": {"properties": {"size": {"type": "integer"}}}}}}
    plans = [plan("small", schemas=schema), plan("large", maximum_polling_duration=7200),
             plan("fixed", plan_updateable=False), plan("unbindable", bindable=False)]
    return [{"id": "id of kv", "name": "kv", "description": "keys and values", "bindable": True,
             "plan_updateable": True, "instances_retrievable": True, "bindings_retrievable": True, "plans": plans},
            {"id": "id of other", "name": "other", "description": "another", "bindable": False, "plans": []}]


class Refusal(Exception):
    """An answer other than what was asked for."""

    def __init__(self, status, error=None, description=""):
        super().__init__(description)
        self.status = status
        self.body = {"error": error, "description": description} if error else {"description": description}


class OsbBroker:
    """The server; its state stays while it is stopped."""

    def __init__(self, port=0, username="upstream", password="upstream-secret", token=None, tls=None):
        """tls: the files of a certificate and its key."""
        self.lock = threading.RLock()
        self.username, self.password, self.token = username, password, token
        self.asynchronous = False
        self.polls = 2            # answers "in progress" before an operation ends
        self.retry_after = None   # seconds, as a header
        self.fail_operations = 0  # asynchronous operations that are to fail
        self.credentials_once = False
        self.services = catalog()
        # {"method", "path" (a part of it), "times", and what happens: "status", "body" (a text), "headers", "delay" (seconds),
        # "drop" (no answer), "act" (the request has its effect all the same)}
        self.rules = []
        self.instances = {}   # id -> {"body", "ready", "values"}
        self.bindings = {}    # id -> {"instance", "body", "ready", "credentials", "told"}
        self.operations = {}  # id of an instance or binding -> {"name", "kind", "left", "finish"}
        self.requests = []    # (method, path, headers, body)
        self.complaints = []  # what a platform must not do
        self.connections = set()
        self.port = port or free_port()  # it comes back there: no connection may have it meanwhile
        self.tls = None
        if tls is not None:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*tls)
        self.server = None
        self.start()

    def start(self):
        handler = type("Handler", (Handler,), {"broker": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # whoever asked has gone, or does not trust the certificate
        if self.tls is not None:
            self.server.socket = self.tls.wrap_socket(self.server.socket, server_side=True,
                                                      do_handshake_on_connect=False)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self):
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    close = stop

    def url(self):
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    def rule(self, method, path, times=1, **does):
        with self.lock:
            self.rules.append({"method": method, "path": path, "times": times, **does})

    def count(self, method, path=""):
        with self.lock:
            return sum(1 for request in self.requests if request[0] == method and path in request[1])

    def take_rule(self, method, path):
        for rule in self.rules:
            if rule["times"] > 0 and rule["method"] == method and rule["path"] in path:
                rule["times"] -= 1
                return rule
        return None

    # ---- what is asked ----

    def answer(self, method, path, query, body):
        """The status and body of an answer."""
        if path == "/v2/catalog":
            return 200, {"services": self.services}
        if not path.startswith(PREFIX):
            raise Refusal(404)
        parts = path[len(PREFIX):].split("/")
        if parts[-1] == "last_operation":
            return self.last_operation(parts[2] if len(parts) == 4 else parts[0], query)
        if method != "GET" and query.get("accepts_incomplete") != "true":
            raise Refusal(422, "AsyncRequired", "it works in the background")
        self.check_ids(body if method in ("PUT", "PATCH") else query, "plan_id" if method != "PATCH" else None)
        if len(parts) == 1:
            return getattr(self, f"instance_{method.lower()}")(parts[0], body)
        return getattr(self, f"binding_{method.lower()}")(parts[0], parts[2], body)

    def check_ids(self, given, *required):
        service = next((one for one in self.services if one["id"] == given.get("service_id")), None)
        if service is None:
            raise Refusal(400, "BadRequest", "no such service_id")
        for name in filter(None, required):
            if given.get(name) not in [plan["id"] for plan in service["plans"]]:
                raise Refusal(400, "BadRequest", f"no such {name}")

    def perform(self, key, kind, done, finish):
        """Does it now, or begins an operation that does it."""
        if not self.asynchronous:
            finish()
            return done
        self.operations[key] = {"name": f"{kind} {secrets.token_hex(4)}/?", "kind": kind, "left": self.polls,
                                "finish": finish}
        return 202, {"operation": self.operations[key]["name"]}

    def under_way(self, key, kind):
        """The answer to a repeated request; nothing when no operation is in the way."""
        operation = self.operations.get(key)
        if operation is None:
            return None
        if operation["kind"] == kind:
            return 202, {"operation": operation["name"]}
        operation["left"] -= 1  # it goes on whether anybody asks about it or not
        if operation["left"] >= 0:
            raise Refusal(422, "ConcurrencyError", "another operation is in progress")
        del self.operations[key]
        operation["finish"]()
        return None

    def last_operation(self, key, query):
        operation = self.operations.get(key)
        if operation is None:
            raise Refusal(410 if key not in self.instances and key not in self.bindings else 404)
        if query.get("operation") != operation["name"]:
            raise Refusal(400, "BadRequest", "no such operation")
        operation["left"] -= 1
        if operation["left"] >= 0:
            return 200, {"state": "in progress", "description": f"{operation['left']} to go"}
        del self.operations[key]
        if self.fail_operations > 0:
            self.fail_operations -= 1
            return 200, {"state": "failed", "description": "it was told to fail"}
        operation["finish"]()
        return 200, {"state": "succeeded"}

    # ---- instances ----

    def instance_put(self, key, body):
        if not body.get("organization_guid") or body.get("context", {}).get("platform") != "tsuru":
            raise Refusal(400, "BadRequest", "organization_guid and context are missing")
        known = self.instances.get(key)
        if known is not None and known["body"] != body:
            raise Refusal(409, "Conflict", "it exists with other attributes")
        if known is not None:
            return self.under_way(key, "make") or (200, {"dashboard_url": f"http://dash/{key}"})
        self.instances[key] = instance = {"body": body, "ready": False, "values": {}}
        return self.perform(key, "make", (201, {"dashboard_url": f"http://dash/{key}"}),
                            lambda: instance.update(ready=True))

    def instance_patch(self, key, body):
        instance = self.living(key)

        def finish():
            for name in ("plan_id", "parameters"):
                if name in body:
                    instance["body"][name] = body[name]

        return self.under_way(key, "change") or self.perform(key, "change", (200, {}), finish)

    def instance_delete(self, key, _body):
        if key not in self.instances:
            raise Refusal(410)
        again = self.under_way(key, "remove")
        if again:
            return again
        if any(binding["instance"] == key for binding in self.bindings.values()):
            self.complaints.append("an instance was removed before its bindings")
        return self.perform(key, "remove", (200, {}), lambda: self.instances.pop(key))

    def instance_get(self, key, _body):
        instance = self.instances.get(key)
        if instance is None or not instance["ready"]:
            raise Refusal(404)
        return 200, {"plan_id": instance["body"]["plan_id"], "dashboard_url": f"http://dash/{key}"}

    def living(self, key):
        instance = self.instances.get(key)
        if instance is None or not instance["ready"]:
            raise Refusal(400, "BadRequest", "there is no such instance")
        return instance

    # ---- bindings ----

    def binding_put(self, instance, key, body):
        self.living(instance)
        known = self.bindings.get(key)
        if known is not None and known["body"] != body:
            raise Refusal(409, "Conflict", "it exists with other attributes")
        if known is not None:
            return self.under_way(key, "bind") or (200, self.tell(known))
        user, password = f"u-{secrets.token_hex(4)}", secrets.token_hex(8)
        self.bindings[key] = binding = {
            "instance": instance, "body": body, "ready": False, "told": False,
            "credentials": {"username": user, "password": password, "port": self.port, "tls": False,
                            "uri": f"http://{user}:{password}@127.0.0.1:{self.port}/kv/{instance}",
                            "hosts": [{"name": "127.0.0.1"}]}}
        status, answer = self.perform(key, "bind", (201, {}), lambda: binding.update(ready=True))
        return status, self.tell(binding) if status == 201 else answer

    def binding_get(self, _instance, key, _body):
        binding = self.bindings.get(key)
        if binding is None or not binding["ready"]:
            raise Refusal(404)
        return 200, self.tell(binding)

    def binding_delete(self, _instance, key, _body):
        if key not in self.bindings:
            raise Refusal(410)
        return self.under_way(key, "unbind") or self.perform(key, "unbind", (200, {}), lambda: self.bindings.pop(key))

    def tell(self, binding):
        if self.credentials_once and binding["told"]:
            return {}
        binding["told"] = True
        return {"credentials": binding["credentials"]}

    # ---- the service itself ----

    def value(self, method, path, login, body):
        instance, _, name = path.partition("/")
        for binding in self.bindings.values():
            credentials = binding["credentials"]
            if binding["ready"] and binding["instance"] == instance and instance in self.instances and \
                    login == f"{credentials['username']}:{credentials['password']}":
                values = self.instances[instance]["values"]
                if method == "PUT":
                    values[name] = body
                return 200, {"value": values.get(name)}
        raise Refusal(401)

    @staticmethod
    def talk(method, url, login, body=None):
        """What an app does: the status and the answer of a request with its login, USER:PASSWORD."""
        request = urllib.request.Request(url, json.dumps(body).encode() if body is not None else None, method=method)
        request.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def state(self):
        return {"instances": {key: {"plan_id": one["body"]["plan_id"], "ready": one["ready"]}
                              for key, one in self.instances.items()},
                "bindings": {key: {"instance": one["instance"], "ready": one["ready"]}
                             for key, one in self.bindings.items()},
                "requests": len(self.requests), "complaints": self.complaints}


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    broker = None

    def setup(self):
        super().setup()
        self.broker.connections.add(self.connection)

    def finish(self):
        self.broker.connections.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass

    def login(self):
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        return scheme, base64.b64decode(value).decode() if scheme == "Basic" else value

    def check_platform(self):
        broker = self.broker
        expected = ("Bearer", broker.token) if broker.token else ("Basic", f"{broker.username}:{broker.password}")
        if self.login() != expected:
            raise Refusal(401, "Unauthorized", "wrong credentials")
        if self.headers.get("X-Broker-API-Version") != "2.17":
            raise Refusal(412, "PreconditionFailed", "X-Broker-API-Version must be 2.17")
        if not self.headers.get("X-Broker-API-Request-Identity"):
            raise Refusal(400, "BadRequest", "X-Broker-API-Request-Identity is missing")

    def control(self, body):
        for name, value in (body or {}).items():
            if name in ATTRIBUTES:
                setattr(self.broker, name, value)
        return 200, self.broker.state()

    def decide(self, path, query, body):
        """The status and body of the answer, and the rule that changes it."""
        broker = self.broker
        if path == "/control":
            return (*self.control(body), None)
        if path.startswith("/kv/"):
            return (*broker.value(self.command, path[4:], self.login()[1], body), None)
        broker.requests.append((self.command, self.path, dict(self.headers), body))
        rule = broker.take_rule(self.command, path)
        if rule is not None and not rule.get("act"):
            return rule.get("status"), rule.get("body", ""), rule
        self.check_platform()
        return (*broker.answer(self.command, path, query, body), rule)

    def handle_request(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        text = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        rule = None
        with self.broker.lock:
            try:
                status, answer, rule = self.decide(url.path, query, json.loads(text) if text else None)
            except Refusal as refusal:
                status, answer = refusal.status, refusal.body
        if rule is not None:
            time.sleep(rule.get("delay", 0))
            if rule.get("drop"):
                self.drop()
                return
            status, answer = rule.get("status") or status, rule.get("body", answer)
        self.reply(status or 200, answer, (rule or {}).get("headers", {}))

    def drop(self):
        """Ends in the middle of an answer, so that nobody takes it for an idle connection's end and asks again."""
        with contextlib.suppress(OSError):
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        self.close_connection = True

    def reply(self, status, answer, headers):
        text = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            for name, value in headers.items():
                self.send_header(name, value)
            if self.broker.retry_after is not None and status in (200, 202):
                self.send_header("Retry-After", str(self.broker.retry_after))
            self.end_headers()
            self.wfile.write(text)
        except OSError:  # whoever asked has gone
            self.close_connection = True

    do_GET = do_PUT = do_PATCH = do_DELETE = do_POST = handle_request


if __name__ == "__main__":
    print(os.getpid(), OsbBroker(int(sys.argv[1])).port, flush=True)
    threading.Event().wait()
