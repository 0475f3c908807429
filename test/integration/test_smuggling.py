"""Requests that two readers may read differently: each is sent to the broker, to nginx, and to the broker behind nginx.
The broker has to refuse it and close, or to read it exactly as nginx does; and nothing that nginx did not mean to pass
on may reach the broker behind it. The http floor's own tests know every rule for itself."""

import base64
import json
import re
import socket
import time
import urllib.parse

import pytest

from harness import Broker, closing, scripted_service
from nginx_server import Nginx, Recorder

HOST = b"Host: x\r\n"
AUTH = b"Authorization: Basic " + base64.b64encode(b"scripted:x") + b"\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
BODY = b"team=red&name=abcdefgh"  # how much of it is read is seen in the name
HIDDEN = b"GET /resources/hidden HTTP/1.1\r\n" + HOST + AUTH + b"\r\n"
LAST = b"GET /resources/plans?last HTTP/1.1\r\n" + HOST + AUTH + b"Connection: close\r\n\r\n"


def get(target=b"/resources/plans", method=b"GET", version=b"HTTP/1.1", more=b"", host=HOST):
    return method + b" " + target + b" " + version + b"\r\n" + host + AUTH + more + b"\r\n"


def post(headers, body, method=b"POST", host=HOST):
    return method + b" /resources HTTP/1.1\r\n" + host + AUTH + FORM + headers + b"\r\n" + body


def counted(length=b"%d" % len(BODY), name=b"Content-Length: ", end=b"\r\n", body=BODY):
    return post(name + length + end, body)


def chunked(body, coding=CHUNKED):
    return post(coding, body)


def chunks(*sizes, data=BODY, end=b"0\r\n\r\n"):
    """The body in chunks whose size lines are as they are given."""
    piece = len(data) // len(sizes)
    return b"".join(size + data[i * piece:(i + 1) * piece if i + 1 < len(sizes) else len(data)] + b"\r\n"
                    for i, size in enumerate(sizes)) + end


SIZE = b"%x" % len(BODY)
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
WHOLE = chunks(SIZE + b"\r\n")

REQUESTS = {
    # ---- plain ones, which are read ----
    "get": get(),
    "head": get(method=b"HEAD"),
    "options": get(method=b"OPTIONS"),
    "get-with-a-body": get(more=b"Content-Length: 5\r\n") + b"hello",
    "delete-with-a-body": post(LENGTH, BODY, method=b"DELETE"),
    "post": counted(),
    "post-without-a-body": post(b"", b""),
    "post-of-no-length": post(b"Content-Length: 0\r\n", b""),
    "chunked": chunked(WHOLE),
    "two-chunks": chunked(chunks(b"b\r\n", b"B\r\n")),
    "pipelined": get() + counted() + chunked(WHOLE) + get(method=b"HEAD"),
    "pipelined-behind-a-close": get(more=b"Connection: close\r\n") + HIDDEN,
    "close-among-others": get(more=b"Connection: keep-alive, close\r\n") + HIDDEN,
    "expect-100": post(b"Expect: 100-continue\r\n" + LENGTH, BODY),
    "expect-something-else": post(b"Expect: 200-ok\r\n" + LENGTH, BODY),
    "upgrade": get(more=b"Connection: Upgrade\r\nUpgrade: websocket\r\n"),
    "upgrade-h2c": get(more=b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"),
    # ---- one length and another ----
    "cl-te": post(b"Content-Length: 6\r\n" + CHUNKED, b"0\r\n\r\nG" + HIDDEN),
    "te-cl": post(CHUNKED + b"Content-Length: 4\r\n", b"5c\r\n" + HIDDEN + b"\r\n0\r\n\r\n"),
    "two-lengths": post(b"Content-Length: 0\r\n" + LENGTH, BODY),
    "two-lengths-reversed": post(LENGTH + b"Content-Length: 0\r\n", HIDDEN),
    "the-same-length-twice": post(LENGTH + LENGTH, BODY),
    "lengths-in-a-list": counted(b"22, 22"),
    "differing-lengths-in-a-list": counted(b"22, 0"),
    "length-with-plus": counted(b"+22"),
    "length-with-minus": counted(b"-22"),
    "length-minus-zero": counted(b"-0"),
    "length-empty": counted(b""),
    "length-of-spaces": counted(b"   "),
    "length-overflowing-63": counted(b"9223372036854775808"),
    "length-overflowing-64": counted(b"18446744073709551638"),
    "length-of-many-digits": counted(b"9" * 100),
    "length-in-hex": counted(b"0x16"),
    "length-with-fraction": counted(b"22.0"),
    "length-with-exponent": counted(b"2e1"),
    "length-with-inner-space": counted(b"2 2"),
    "length-with-a-letter": counted(b"22a"),
    "length-with-leading-zeros": counted(b"0022"),
    "length-of-octal-looks": counted(b"026"),
    "length-in-arabic-digits": counted("٢٢".encode()),
    "length-with-a-comma": counted(b"22,"),
    "length-with-a-tab-before": counted(b"\t22", name=b"Content-Length:"),
    "length-with-a-tab-behind": counted(b"22\t"),
    "length-with-spaces-around": counted(b"  22  ", name=b"Content-Length:"),
    "length-without-a-space": counted(name=b"Content-Length:"),
    "length-in-small-letters": counted(name=b"content-length: "),
    "length-name-ends-in-a-space": counted(name=b"Content-Length : "),
    "length-name-ends-in-a-tab": counted(name=b"Content-Length\t: "),
    "length-name-begins-with-a-space": counted(name=b" Content-Length: "),
    "length-name-with-underscore": counted(name=b"Content_Length: ") + HIDDEN,
    "length-name-with-nul": counted(name=b"Content-Length\0: "),
    "length-behind-nul": counted(b"22\0"),
    "length-behind-vertical-tab": counted(b"\x0b22"),
    "length-behind-form-feed": counted(b"\x0c22"),
    "length-behind-nbsp": counted(b"\xa022"),
    "length-of-http-1.0": b"POST /resources HTTP/1.0\r\n" + AUTH + FORM + LENGTH + b"\r\n" + BODY,
    "length-shorter-than-the-body": counted(b"18"),
    "length-longer-than-the-body": counted(b"60"),
    # ---- transfer encodings ----
    "te-twice": chunked(WHOLE, CHUNKED + CHUNKED),
    "te-identity": chunked(WHOLE, b"Transfer-Encoding: identity\r\n"),
    "te-identity-with-a-length": post(b"Transfer-Encoding: identity\r\n" + LENGTH, BODY),
    "te-chunked-then-identity": chunked(WHOLE, CHUNKED + b"Transfer-Encoding: identity\r\n"),
    "te-gzip-chunked": chunked(WHOLE, b"Transfer-Encoding: gzip, chunked\r\n"),
    "te-chunked-chunked": chunked(WHOLE, b"Transfer-Encoding: chunked, chunked\r\n"),
    "te-xchunked": chunked(WHOLE, b"Transfer-Encoding: xchunked\r\n"),
    "te-chunkedx": chunked(WHOLE, b"Transfer-Encoding: chunkedx\r\n"),
    "te-quoted": chunked(WHOLE, b'Transfer-Encoding: "chunked"\r\n'),
    "te-with-parameter": chunked(WHOLE, b"Transfer-Encoding: chunked;q=1\r\n"),
    "te-with-comma": chunked(WHOLE, b"Transfer-Encoding: ,chunked\r\n"),
    "te-capital": chunked(WHOLE, b"Transfer-Encoding: CHUNKED\r\n"),
    "te-name-in-small-letters": chunked(WHOLE, b"transfer-encoding: chunked\r\n"),
    "te-without-a-space": chunked(WHOLE, b"Transfer-Encoding:chunked\r\n"),
    "te-tab-before": chunked(WHOLE, b"Transfer-Encoding:\tchunked\r\n"),
    "te-tab-behind": chunked(WHOLE, b"Transfer-Encoding: chunked\t\r\n"),
    "te-space-behind": chunked(WHOLE, b"Transfer-Encoding: chunked \r\n"),
    "te-vertical-tab": chunked(WHOLE, b"Transfer-Encoding: \x0bchunked\r\n"),
    "te-nul": chunked(WHOLE, b"Transfer-Encoding: chunked\0\r\n"),
    "te-name-ends-in-a-space": chunked(WHOLE, b"Transfer-Encoding : chunked\r\n"),
    "te-name-begins-with-a-space": chunked(WHOLE, b" Transfer-Encoding: chunked\r\n"),
    "te-name-with-underscore": chunked(WHOLE, b"Transfer_Encoding: chunked\r\n"),
    "te-folded": chunked(WHOLE, b"Transfer-Encoding:\r\n chunked\r\n"),
    "te-behind-a-bare-feed": chunked(WHOLE, b"X: y\nTransfer-Encoding: chunked\r\n"),
    "te-behind-a-bare-return": chunked(WHOLE, b"X: y\rTransfer-Encoding: chunked\r\n"),
    "te-empty": chunked(WHOLE, b"Transfer-Encoding:\r\n"),
    "te-of-http-1.0": b"POST /resources HTTP/1.0\r\n" + AUTH + FORM + CHUNKED + b"\r\n" + WHOLE,
    # ---- chunks ----
    "chunk-size-with-plus": chunked(chunks(b"+" + SIZE + b"\r\n")),
    "chunk-size-with-minus": chunked(chunks(b"-" + SIZE + b"\r\n")),
    "chunk-size-in-0x": chunked(chunks(b"0x" + SIZE + b"\r\n")),
    "chunk-size-empty": chunked(chunks(b"\r\n")),
    "chunk-size-overflowing-64": chunked(chunks(b"10000000000000016\r\n")),
    "chunk-size-overflowing-63": chunked(chunks(b"8000000000000000\r\n")),
    "chunk-size-of-many-digits": chunked(chunks(b"f" * 40 + b"\r\n")),
    "chunk-size-with-leading-zeros": chunked(chunks(b"000" + SIZE + b"\r\n")),
    "chunk-size-behind-a-space": chunked(chunks(b" " + SIZE + b"\r\n")),
    "chunk-size-before-a-space": chunked(chunks(SIZE + b" \r\n")),
    "chunk-size-before-a-tab": chunked(chunks(SIZE + b"\t\r\n")),
    "chunk-size-with-underscore": chunked(chunks(b"1_6\r\n")),
    "chunk-size-no-hex": chunked(chunks(b"xyz\r\n")),
    "chunk-line-ends-in-a-feed": chunked(chunks(SIZE + b"\n")),
    "chunk-line-ends-in-a-return": chunked(chunks(SIZE + b"\r")),
    "chunk-extension": chunked(chunks(SIZE + b";a=b\r\n")),
    "chunk-extension-quoted": chunked(chunks(SIZE + b';a="b;c"\r\n')),
    "chunk-extension-with-a-feed": chunked(chunks(SIZE + b";a\nb\r\n")),
    "chunk-extension-with-a-return": chunked(chunks(SIZE + b";a\rb\r\n")),
    "chunk-extension-behind-a-space": chunked(chunks(SIZE + b" ;a=b\r\n")),
    "chunk-extension-endless": chunked(chunks(SIZE + b";" + b"a" * 70000 + b"\r\n")),
    "chunk-data-without-an-end": chunked(SIZE + b"\r\n" + BODY + b"0\r\n\r\n"),
    "chunk-data-ends-in-a-feed": chunked(SIZE + b"\r\n" + BODY + b"\n0\r\n\r\n"),
    "chunk-data-ends-in-a-return": chunked(SIZE + b"\r\n" + BODY + b"\r0\r\n\r\n"),
    "chunk-data-with-two-ends": chunked(SIZE + b"\r\n" + BODY + b"\r\n\r\n0\r\n\r\n"),
    "last-chunk-of-many-zeros": chunked(chunks(SIZE + b"\r\n", end=b"0000\r\n\r\n")),
    "last-chunk-with-extension": chunked(chunks(SIZE + b"\r\n", end=b"0;a=b\r\n\r\n")),
    "last-chunk-ends-in-feeds": chunked(chunks(SIZE + b"\r\n", end=b"0\n\n")),
    "trailer": chunked(chunks(SIZE + b"\r\n", end=b"0\r\nX: y\r\n\r\n")),
    "trailer-with-a-length": chunked(chunks(SIZE + b"\r\n", end=b"0\r\nContent-Length: 9\r\n\r\n")),
    "trailer-with-a-feed": chunked(chunks(SIZE + b"\r\n", end=b"0\r\nX: y\n\n")),
    "trailer-with-a-return": chunked(chunks(SIZE + b"\r\n", end=b"0\r\nX: y\rz\r\n\r\n")),
    "trailer-that-is-no-header": chunked(chunks(SIZE + b"\r\n", end=b"0\r\n" + HIDDEN)),
    # ---- lines and headers ----
    "bare-feeds": get().replace(b"\r\n", b"\n"),
    "bare-feed-in-a-header": get(more=b"X: a\nY: b\r\n"),
    "bare-return-in-a-header": get(more=b"X: a\rY: b\r\n"),
    "bare-return-in-the-first-line": b"GET /resources/plans HTTP/1.1\rX: y\r\n" + HOST + AUTH + b"\r\n",
    "two-returns": get(more=b"X: a\r\r\n"),
    "head-ends-in-a-bare-feed": get()[:-2] + b"\n",
    "nul-in-a-header": get(more=b"X: a\0b\r\n"),
    "nul-in-the-target": get(b"/resources/\0plans"),
    "folded-header": get(more=b"X: a\r\n b\r\n"),
    "folded-length": post(b"Content-Length:\r\n 22\r\n", BODY),
    "folded-first-header": b"GET /resources/plans HTTP/1.1\r\n X: y\r\n" + HOST + AUTH + b"\r\n",
    "space-before-the-colon": get(more=b"X : y\r\n"),
    "header-without-a-colon": get(more=b"nonsense\r\n"),
    "header-without-a-name": get(more=b": y\r\n"),
    "header-with-a-bracket": get(more=b"X[0]: y\r\n"),
    "header-name-above-127": get(more="Ü: y\r\n".encode()),
    "header-value-above-127": get(more="X: ü\r\n".encode()),
    "header-with-a-control-character": get(more=b"X: \x01\r\n"),
    "empty-header": get(more=b"X:\r\n"),
    "empty-lines-first": b"\r\n\r\n" + get(),
    "spaces-first": b"  " + get(),
    "head-too-long": get(more=b"X: " + b"a" * 70000 + b"\r\n"),
    "too-many-headers": get(more=b"X: y\r\n" * 1000),
    # ---- targets ----
    "absolute-target": get(b"http://x/resources/plans"),
    "absolute-target-of-another-host": get(b"http://y/resources/plans"),
    "authority": get(b"x:80", method=b"CONNECT"),
    "authority-for-get": get(b"x:80"),
    "asterisk": get(b"*", method=b"OPTIONS"),
    "target-without-a-slash": get(b"resources/plans"),
    "broken-escape": get(b"/resources/%zz"),
    "cut-escape": get(b"/resources/%2"),
    "encoded-nul": get(b"/resources/a%00b"),
    "encoded-slash": get(b"/resources%2fplans"),
    "encoded-backslash": get(b"/resources%5cplans"),
    "encoded-dots": get(b"/resources/%2e%2e/plans"),
    "encoded-feed": get(b"/resources/a%0ab"),
    "encoded-percent": get(b"/resources/%2570lans"),
    "encoded-letter": get(b"/resources/%70lans"),
    "encoded-question-mark": get(b"/resources/a%3fb"),
    "dot-segment": get(b"/resources/./plans"),
    "dots-segment": get(b"/resources/x/../plans"),
    "dots-beyond-the-root": get(b"/../resources/plans"),
    "dots-with-parameter": get(b"/resources/..;/plans"),
    "double-slash": get(b"//resources/plans"),
    "backslash": get(b"/resources\\plans"),
    "raw-space": get(b"/resources/a b"),
    "two-spaces": get(b" /resources/plans"),
    "tab-for-a-space": b"GET\t/resources/plans HTTP/1.1\r\n" + HOST + AUTH + b"\r\n",
    "fragment": get(b"/resources/plans#x"),
    "above-127": get("/resources/plänе".encode()),
    "above-127-no-utf8": get(b"/resources/\xff"),
    "encoded-above-127": get(b"/resources/pl%C3%A4ne"),
    "delete-character": get(b"/resources/a\x7fb"),
    "query-with-anything": get(b"/resources/plans?a=/../%zz"),
    "query-only": get(b"?x"),
    "long-target": get(b"/" + b"a" * 70000),
    # ---- first lines ----
    "http-0.9": b"GET /resources/plans\r\n\r\n",
    "http-1.0": b"GET /resources/plans HTTP/1.0\r\n" + AUTH + b"\r\n",
    "http-1.0-kept": b"GET /resources/plans HTTP/1.0\r\nConnection: keep-alive\r\n" + AUTH + b"\r\n",
    "http-1.2": get(version=b"HTTP/1.2"),
    "http-2.0": get(version=b"HTTP/2.0"),
    "http-1.10": get(version=b"HTTP/1.10"),
    "http-01.1": get(version=b"HTTP/01.1"),
    "http-in-small-letters": get(version=b"http/1.1"),
    "http-1.1-and-more": get(version=b"HTTP/1.1 x"),
    "version-behind-two-spaces": get(version=b" HTTP/1.1"),
    "version-before-a-space": get(version=b"HTTP/1.1 "),
    "http-2-preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "nonsense": b"nonsense\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    # ---- methods ----
    "method-in-small-letters": get(method=b"get"),
    "method-trace": get(method=b"TRACE"),
    "method-unknown": get(method=b"FROB"),
    "method-with-a-bracket": get(method=b"GE[T"),
    "method-empty": get(method=b""),
    "method-long": get(method=b"A" * 100),
    "head-with-a-body": get(method=b"HEAD", more=b"Content-Length: 5\r\n") + b"hello",
    # ---- hosts ----
    "no-host": get(host=b""),
    "two-hosts": get(host=HOST + b"Host: y\r\n"),
    "the-same-host-twice": get(host=HOST + HOST),
    "host-empty": get(host=b"Host:\r\n"),
    "host-with-a-space": get(host=b"Host: x y\r\n"),
    "host-with-a-slash": get(host=b"Host: x/y\r\n"),
    "host-with-a-user": get(host=b"Host: a@x\r\n"),
    "host-with-a-port": get(host=b"Host: x:80\r\n"),
    "host-with-dots": get(host=b"Host: x..y\r\n"),
    "host-name-ends-in-a-space": get(host=b"Host : x\r\n"),
}


class Both:
    """The broker, nginx with an upstream that takes notes, and nginx in front of the broker."""

    def __init__(self, directory):
        self.broker = Broker(scripted_service(directory, "x", more="    path: /\n"),
                             limits="limits: {request_timeout: 10m}\n")
        self.broker.start()
        self.recorder = Recorder()
        self.alone = Nginx(self.recorder.port)
        self.front = Nginx(self.broker.port)

    def close(self):
        for part in (self.front, self.alone, self.recorder, self.broker):
            part.close()


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    with closing(Both(tmp_path_factory.mktemp("world"))) as (world,):
        yield world


def talk(port, *parts):
    """Sends the parts and gives all that comes back until the other side closes."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for part in parts:
                connection.sendall(part)
                if len(parts) > 1:
                    time.sleep(0.001)  # so that most of them are read by themselves
            while chunk := connection.recv(65536):
                received += chunk
        except (BrokenPipeError, ConnectionResetError):
            pass
    return received


def unquoted(value):
    return json.loads(value) if value.startswith('"') else value


def read_by_broker(broker, begin):
    """What it took for a request, since that byte of its log: method, path ("": refused before it was known), and the
    instance that it speaks of."""
    seen = []
    for line in broker.log()[begin:].splitlines():
        if "event=request " not in line:
            continue
        fields = {key: unquoted(value) for key, value in re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', line)}
        seen.append((fields.get("method", ""), fields.get("path", ""), fields.get("instance", "")))
    return seen


def name_in(method, target, body):
    """The instance that a request speaks of, as the broker logs it."""
    path = urllib.parse.unquote(target.partition("?")[0])
    if (method, path) == ("POST", "/resources"):
        return urllib.parse.parse_qs(body.decode("latin-1")).get("name", [""])[0]
    return None


def agree(mine, theirs):
    return mine[:2] == theirs[:2] and (theirs[2] is None or mine[2] == theirs[2])


def read_by_nginx(world, lines, notes):
    """What it passed on, since those: method, decoded path, and the name in the body."""
    passed = [line for line in world.alone.seen(lines) if line["upstream"]]
    noted = world.recorder.requests[notes:]
    assert len(passed) == len(noted), (passed, noted)
    return [(line["method"], line["path"], name_in(*note)) for line, note in zip(passed, noted)]


def last_answer(answer):
    """The head of the last answer; none of the broker's bodies holds anything like one."""
    return re.split(rb"(?=HTTP/1\.1 \d{3} )", answer)[-1].partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize("name", REQUESTS)
def test_read_as_nginx_does_or_refused(both, name):
    request = REQUESTS[name] + LAST
    begin = len(both.broker.log())
    lines, notes = len(both.alone.seen()), len(both.recorder.requests)
    answer = talk(both.broker.port, request)
    talk(both.alone.port, request)
    mine, theirs = read_by_broker(both.broker, begin), read_by_nginx(both, lines, notes)
    if mine and not mine[-1][1]:
        mine.pop()  # refused, and closed
    assert len(mine) <= len(theirs), f"the broker read {mine}, nginx {theirs}"
    assert all(agree(*pair) for pair in zip(mine, theirs)), f"the broker read {mine}, nginx {theirs}"
    assert b"\r\nConnection: close" in last_answer(answer), answer


@pytest.mark.parametrize("name", REQUESTS)
def test_nothing_is_smuggled_past_nginx(both, name):
    begin, lines = len(both.broker.log()), len(both.front.seen())
    talk(both.front.port, REQUESTS[name] + LAST)
    answer = talk(both.front.port, LAST)  # somebody else's, over the same connection to the broker
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"]") and b'"small"' in answer, answer
    passed = [(line["method"], line["path"]) for line in both.front.seen(lines) if line["upstream"]]
    mine = [seen[:2] for seen in read_by_broker(both.broker, begin)]
    assert len(mine) == len(passed), f"nginx passed on {passed}, the broker read {mine}"
    assert all(path in ("", theirs[1]) and method in ("", theirs[0]) for (method, path), theirs in zip(mine, passed)), (
        f"nginx passed on {passed}, the broker read {mine}")


def statuses(answer):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer) if status != b"100"]


@pytest.mark.parametrize("name", ["pipelined", "post", "two-chunks", "trailer", "cl-te", "two-lengths", "http-1.0",
                                  "chunk-data-with-two-ends", "encoded-dots", "bare-feeds"])
def test_split_at_every_byte(both, name):
    # Behind an answer that closes, more bytes would reset the connection and take the answer with them.
    request = REQUESTS[name] + (LAST if name not in ("http-1.0", "encoded-dots") else b"")
    whole = talk(both.broker.port, request)
    assert statuses(whole)
    for i in range(1, len(request)):
        assert statuses(talk(both.broker.port, request[:i], request[i:])) == statuses(whole), i
    single = talk(both.broker.port, *(request[i:i + 1] for i in range(len(request))))
    assert statuses(single) == statuses(whole)


def test_head_has_the_length_and_no_body(both):
    plain, head = talk(both.broker.port, get(more=b"Connection: close\r\n")), talk(
        both.broker.port, get(method=b"HEAD", more=b"Connection: close\r\n"))
    said = [re.search(rb"Content-Length: (\d+)", answer)[1] for answer in (plain, head)]
    assert said[0] == said[1] and head.endswith(b"\r\n\r\n") and len(plain.partition(b"\r\n\r\n")[2]) == int(said[0])


def test_a_kept_connection_is_read_to_the_byte(both):
    """The answers of many requests of every plain kind on one connection, in order."""
    kinds = {"get": 200, "post": 201, "chunked": 201, "get-with-a-body": 415, "options": 204, "two-chunks": 201}
    names = list(kinds) * 20
    answers = statuses(talk(both.broker.port, b"".join(REQUESTS[name] for name in names) + LAST))
    assert answers == [kinds[name] for name in names] + [200]
