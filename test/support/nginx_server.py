"""A private nginx that passes everything on, or shares it among brokers, and an upstream that notes what reaches it."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading

from harness import ROOT, free_port, wait_until

MANUAL = os.path.join(ROOT, "docs", "replicas.md")

GENERAL = """daemon off;
worker_processes 1;
pid {directory}/pid;
error_log {directory}/error;
events {{ worker_connections {connections}; }}
http {{
  log_format seen escape=json '{{"method":"$request_method","path":"$uri","status":$status,"upstream":"$upstream_status"}}';
  access_log {directory}/access seen;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
{site}
}}
"""
# It waits for a request to its end, also when who sends it stands still: what ends one here is what is in it.
SITE = """  client_header_timeout 10m;
  client_body_timeout 10m;
  large_client_header_buffers 4 64k;
  lingering_close off;
  merge_slashes off;
  upstream behind {{
    server 127.0.0.1:{upstream};
    keepalive 1;
  }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://behind;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }}
  }}
"""


class Nginx:
    """Passes on to a port of this machine, over one connection that is kept."""

    connections = 64

    def __init__(self, upstream):
        self.directory = tempfile.mkdtemp(prefix="broker-nginx-")
        self.log_path = os.path.join(self.directory, "access")
        self.process = None
        for _ in range(10):
            self.port = free_port()
            if self.start(upstream):
                return
        raise AssertionError("nginx does not start: " + self.output())

    def start(self, upstream):
        configuration = os.path.join(self.directory, "nginx.conf")
        with open(configuration, "w", encoding="ascii") as file:
            file.write(GENERAL.format(directory=self.directory, connections=self.connections, site=self.site(upstream)))
        with open(os.path.join(self.directory, "error"), "ab") as output:
            self.process = subprocess.Popen(["/usr/sbin/nginx", "-p", self.directory, "-c", configuration],
                                            stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        pid_file = os.path.join(self.directory, "pid")
        wait_until("nginx runs", lambda: self.process.poll() is not None or os.path.exists(pid_file))
        return self.process.poll() is None

    def site(self, upstream):
        return SITE.format(port=self.port, upstream=upstream)

    def output(self):
        with open(os.path.join(self.directory, "error"), encoding="utf-8", errors="replace") as file:
            return file.read()[-2000:]

    def seen(self, begin=0):
        """What it logged from that line on."""
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return [json.loads(line) for line in log.read().splitlines()[begin:]]

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)
        shutil.rmtree(self.directory, ignore_errors=True)


class Balancer(Nginx):
    """In front of brokers with these ports, as the manual has it."""

    connections = 1024

    def site(self, upstream):
        with open(MANUAL, encoding="utf-8") as file:
            told = re.search("^```nginx\n(.*?)^```", file.read(), re.M | re.S)[1]
        options = re.search("server broker1:8080(.*);", told)[1]
        servers = "".join(f"    server 127.0.0.1:{port}{options};\n" for port in upstream)
        told = re.sub("(    server broker.*\n)+", servers, told, count=1)
        return told.replace("listen 443 ssl;", f"listen 127.0.0.1:{self.port};")


class Recorder:
    """An upstream that answers everything with 200 and remembers it: method, target and body. It knows of framing only
    what nginx sends: a Content-Length or nothing."""

    def __init__(self):
        self.requests = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):  # closed
            while True:
                threading.Thread(target=self.serve, args=(self.listener.accept()[0],), daemon=True).start()

    def serve(self, connection):
        with connection, contextlib.suppress(OSError), connection.makefile("rb") as stream:
            while line := stream.readline():
                length = 0
                while (header := stream.readline()) not in (b"\r\n", b""):
                    if header.lower().startswith(b"content-length:"):
                        length = int(header.partition(b":")[2])
                body = stream.read(length)
                method, _, rest = line.decode("latin-1").partition(" ")
                self.requests.append((method, rest.rpartition(" ")[0], body))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + (b"" if method == "HEAD" else b"ok"))

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
