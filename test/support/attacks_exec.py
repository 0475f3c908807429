"""What a hostile program of the driver exec may try against the broker, and what tenants may try through the sample programs.

The broker runs as an ordinary user. `same-user`: its programs run as that user, too; shut to them are the broker's memory,
descriptors and environment. `own-user`: they have a `user` of their own, and the broker's files, limits and signals are shut as
well; the broker has the three capabilities that this takes, and nothing else of root's.

A hostile program is asked for by a bind: the parameter `code` is Python, whose `won` becomes the answer.
"""

import contextlib
import json
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import textwrap
import urllib.parse

from backends import SAMPLES, ExecFiles, ExecSettings, configuration, service
from harness import BROKER, Broker, Tsuru, wait_until
from postgres_pair import is_alive

ADMINS = ("same-user", "own-user") if os.geteuid() == 0 else ("same-user",)
BROKER_UID = 64001  # nobody else's
PROGRAM_USER = "nobody"
API_PASSWORD = "probe-api-password-4711"
KEY = secrets.token_hex(32)
PLANTED = {"PROBE_API_PASSWORD": API_PASSWORD, "SECRET_KEY": KEY, "UNRELATED": "unrelated-secret-4711"}

PROBE = '''#!/usr/bin/python3 -I
"""Does whatever the bind's parameters say."""
import ctypes, errno, glob, json, os, re, signal, socket, subprocess, sys, time
request = json.load(sys.stdin)
broker = os.getppid()
libc = ctypes.CDLL(None, use_errno=True)
SECRETS = [secret.encode() for secret in %r]
def leaks(content):
    found = [secret for secret in SECRETS if secret in content]
    return f"it holds {found[0].decode()}" if found else None
def read(path, size=1 << 20):
    try:
        with open(path, "rb") as file:
            return file.read(size)
    except OSError:
        return None
def shut(path):
    """What is there and may not be read at all: what is not there is no attempt."""
    try:
        with open(path, "rb") as file:
            return f"{path} can be read: {file.read(60)!r}"
    except PermissionError:
        return None
def refused(call, *arguments):
    """A system call that has to fail with EPERM or EACCES."""
    ctypes.set_errno(0)
    result = call(*arguments)
    code = ctypes.get_errno()
    return None if result == -1 and code in (errno.EPERM, errno.EACCES) else f"it gave {result}, errno {code}"
def writes(path, content):
    try:
        with open(path, "wb") as file:
            file.write(content)
    except OSError:
        return None
    return f"{path} could be written"
code = request.get("bind", {}).get("parameters", {}).get("code") if sys.argv[-1] == "bind" else None
won = None
if code:
    exec(code)
    print(json.dumps({"variables": {"WON": json.dumps(won)}}))
'''


class Ground:
    """The broker with a service of a hostile program and the two samples; a victim's instance in each sample."""

    def __init__(self, admin):
        self.own_user = admin == "own-user"
        self.count = 0
        self.directory = tempfile.mkdtemp(prefix="broker-attacks-")
        os.chmod(self.directory, 0o755)
        self.canary = os.path.join(self.directory, "canary")
        self.samples = {"files": ExecFiles(), "settings": ExecSettings()}
        for sample in self.samples.values():
            sample.start()
        self.program = self.install("probe", PROBE % list(PLANTED.values()))
        self.broker = Broker(self.services(), environment=PLANTED)
        self.prepare_broker()
        self.broker.start()
        self.pid = self.broker.process.pid
        self.probe = Tsuru(self.broker, "probe", API_PASSWORD)
        assert self.probe.create("mydb").status == 201
        self.tsuru = {name: Tsuru(self.broker, name, "api-password") for name in self.samples}
        self.victims = {name: self.make_victim(name) for name in self.samples}

    def make_victim(self, name):
        assert self.tsuru[name].create("victim", "small").status == 201
        env = self.tsuru[name].bind("victim", "shop").json
        self.samples[name].write(env, "colour", "red")
        return env

    def install(self, name, content):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        os.chmod(path, 0o755)
        return path

    def services(self):
        """The programs where every user can read them, and with the user that they are to have."""
        probe = service("probe", "exec", {"command": self.program, "memory": "512MiB", "output_bytes": "64KiB"})
        probe.update(password="${PROBE_API_PASSWORD}", attempt_timeout="5s", retry_for="1s", bind_wait="60s")
        offered = [probe]
        for name, sample in self.samples.items():
            one = json.loads(json.dumps(sample.service(name)).replace(os.path.realpath(SAMPLES), self.directory))
            one["plans"][0]["actions"] = ["clear"]
            offered.append(one)
        for name in os.listdir(SAMPLES):
            shutil.copy(os.path.join(SAMPLES, name), self.directory)
        for one in offered if self.own_user else []:
            one["servers"][0]["user"] = PROGRAM_USER
        return configuration(*offered)

    def prepare_broker(self):
        if os.geteuid() != 0:
            return
        program = os.path.join(self.directory, "tsuru-broker")
        shutil.copy(BROKER, program)
        own(self.broker.directory, BROKER_UID)
        for sample in self.samples.values():
            own(sample.parent, pwd.getpwnam(PROGRAM_USER).pw_uid if self.own_user else BROKER_UID)
        wanted = "+setuid,+setgid,+kill" if self.own_user else "-all"
        self.broker.prefix = ["setpriv", f"--reuid={BROKER_UID}", f"--regid={BROKER_UID}", "--clear-groups",
                              f"--inh-caps={'-all,' if self.own_user else ''}{wanted}", f"--ambient-caps={'-all,' if self.own_user else ''}{wanted}",
                              "--"]

    def run(self, code):
        """Has the hostile program do it; what it says it won."""
        self.count += 1
        answer = self.probe.bind("mydb", f"a{self.count}", parameters={"code": textwrap.dedent(code)})
        assert answer.status == 201, answer
        return json.loads(answer.json["WON"])

    def alive(self):
        """None, or what happened to the broker and to the victims."""
        if self.broker.process.poll() is not None:
            return f"the broker ended with {self.broker.process.returncode}"
        if self.probe.plans().status != 200:
            return "the broker does not answer"
        if os.path.exists(self.canary):
            os.unlink(self.canary)
            return "a command of the tenant's ran"
        for name, env in self.victims.items():
            if self.samples[name].read(env, "colour") != "red":
                return f"the victim's content in {name} is gone"
        return None

    def strays(self):
        """What lies in the samples' places and is not named as the broker names."""
        found = [one for sample in self.samples.values() for names in sample.objects() for one in names
                 if not all(letter.islower() or letter.isdigit() or letter == "_" for letter in one)]
        root = self.samples["files"].root
        found += sorted(set(os.listdir(root)) - {"instances", "retired", "store"}) + sorted(set(os.listdir(os.path.dirname(root))) - {"root"})
        return f"there is {found}" if found else None

    def close(self):
        with contextlib.ExitStack() as stack:
            stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
            for sample in self.samples.values():
                stack.callback(sample.close)
            stack.callback(self.broker.close)


def own(directory, uid):
    """All in there, and the way in."""
    for folder, folders, names in os.walk(directory):
        for path in [folder, *(os.path.join(folder, name) for name in [*folders, *names])]:
            os.lchown(path, uid, uid)
    os.chmod(directory, 0o700)


# ---- a hostile program against the broker's process ----

def program(code):
    """An attempt by a program of either user; afterwards all still has to be well."""
    return lambda ground: ground.run(code) or ground.alive()


def other_user(code):
    """What only a user of its own shuts out; with the broker's own the program is asked whether it is that user, no more."""
    return lambda ground: (ground.run(code) if ground.own_user else ground.run(f"won = None if os.getuid() == {os.geteuid() and os.getuid() or BROKER_UID} else 'another user'")) or ground.alive()


PRIVATE_FILES = ("environ", "mem", "maps", "smaps", "smaps_rollup", "numa_maps", "pagemap", "auxv", "io", "stack", "syscall", "personality",)
PROC = [(f"reads /proc/PID/{name} of the broker", program(f"won = shut(f'/proc/{{broker}}/{name}')")) for name in PRIVATE_FILES if os.path.exists(f"/proc/self/{name}")]
PROC += [(f"follows /proc/PID/{name} of the broker", program(f"""
    try:
        won = os.readlink(f"/proc/{{broker}}/{name}")
    except OSError:
        won = None
    """)) for name in ("cwd", "root", "exe")]
PROC += [(f"lists /proc/PID/{name} of the broker", program(f"""
    try:
        won = str(os.listdir(f"/proc/{{broker}}/{name}"))
    except OSError:
        won = None
    """)) for name in ("fd", "fdinfo", "map_files")]
PROC += [(f"writes /proc/PID/{name} of the broker", program(f"won = writes(f'/proc/{{broker}}/{name}', {content!r})"))
         for name, content in (("oom_score_adj", b"1000"), ("coredump_filter", b"0xff"), ("clear_refs", b"1"), ("comm", b"x"), ("mem", b"x"),
                               ("timerslack_ns", b"1000000000"))]
PROC += [
    ("reads the environment of every thread of the broker", program("""
        paths = glob.glob(f"/proc/{broker}/task/*/environ") + glob.glob(f"/proc/{broker}/task/*/mem")
        assert len(paths) >= 2
        for path in paths:
            won = won or shut(path)
        """)),
    ("finds a secret in what it may read of the broker in /proc", program("""
        for name in ("cmdline", "status", "stat", "comm", "limits", "cgroup", "mountinfo", "sched"):
            won = won or leaks(read(f"/proc/{broker}/{name}") or b"")
        """)),
    ("attaches to the broker with ptrace", program("libc.ptrace.restype = ctypes.c_long; won = refused(libc.ptrace, 16, broker, 0, 0)")),
    ("seizes the broker with ptrace", program("libc.ptrace.restype = ctypes.c_long; won = refused(libc.ptrace, 0x4206, broker, 0, 0)")),
    ("reads the broker's memory with process_vm_readv", program("""
        class Part(ctypes.Structure):
            _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
        here = ctypes.create_string_buffer(64)
        mine, theirs = Part(ctypes.addressof(here), 64), Part(0x400000, 64)
        won = refused(libc.process_vm_readv, broker, ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0)
        """)),
    ("writes the broker's memory with process_vm_writev", program("""
        class Part(ctypes.Structure):
            _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
        here = ctypes.create_string_buffer(64)
        mine, theirs = Part(ctypes.addressof(here), 64), Part(0x400000, 64)
        won = refused(libc.process_vm_writev, broker, ctypes.byref(mine), 1, ctypes.byref(theirs), 1, 0)
        """)),
    ("takes a descriptor of the broker's with pidfd_getfd", program("""
        pidfd = libc.syscall(434, broker, 0)
        for number in range(30):
            taken = libc.syscall(438, pidfd, number, 0)
            if taken >= 0:
                won = f"it has the descriptor {number}"
        """)),
    ("compares its descriptors with the broker's with kcmp", program("won = refused(libc.syscall, 312, os.getpid(), broker, 1, 0, 0)")),
    ("asks for the broker's robust list", program("""
        head, size = ctypes.c_void_p(), ctypes.c_size_t()
        won = refused(libc.syscall, 274, broker, ctypes.byref(head), ctypes.byref(size))
        """)),
    ("has been left a descriptor", program("""
        mine = {int(name) for name in os.listdir("/proc/self/fd")}
        left = [number for number in mine if number > 2 and os.path.exists(f"/proc/self/fd/{number}") and "/proc/" not in os.readlink(f"/proc/self/fd/{number}")]
        won = f"it has {left}" if left else None
        """)),
    ("has been left a secret in its environment or arguments", program("""
        won = leaks(read("/proc/self/environ") + read("/proc/self/cmdline"))
        if set(os.environ) - {"PATH", "HOME", "LANG", "LC_CTYPE"}:
            won = f"its environment has {sorted(os.environ)}"
        """)),
    ("has been left a capability", program("""
        sets = dict(re.findall(r"Cap(Prm|Eff|Inh|Amb):\\s*(\\w+)", open("/proc/self/status").read()))
        assert len(sets) == 4
        won = str(sets) if any(int(sets[name], 16) for name in ("Prm", "Eff", "Amb")) else None
        """)),
    ("becomes root, or takes another group", program("won = refused(libc.setuid, 0) or refused(libc.setgid, 0) or refused(libc.setgroups, 1, (ctypes.c_uint * 1)(0))")),
    ("takes the capabilities back by another program", program("""
        told = subprocess.run(["grep", "-E", "^Cap(Prm|Eff|Amb)", "/proc/self/status"], capture_output=True, text=True).stdout
        won = told if set(re.sub("Cap...:|\\s", "", told)) != {"0"} else None
        """)),
    ("has a terminal to type into", program("""
        try:
            won = f"it opened {os.open('/dev/tty', os.O_RDWR)}"
        except OSError:
            won = None
        """)),
    ("finds a secret in its own memory", program("""
        # A pattern is not what it matches: the program's own text is none of it.
        pattern = re.compile(rb"PROBE_API_PASSWOR[D]=|SECRET_KE[Y]=|UNRELATE[D]=")
        with open("/proc/self/mem", "rb") as memory:
            for line in open("/proc/self/maps"):
                area = line.split()
                if "r" not in area[1] or "[v" in line:
                    continue
                begin, end = (int(part, 16) for part in area[0].split("-"))
                try:
                    memory.seek(begin)
                    content = memory.read(min(end - begin, 16 << 20))
                except OSError:
                    continue
                if pattern.search(content):
                    won = "it holds the broker's environment: " + line
        """)),
    ("enters the operators' door without a password", lambda ground: program(f"""
        for path in ("/v1/instances", "/v1/audit", "/v1/reload"):
            with socket.create_connection(("127.0.0.1", {ground.broker.admin_port}), 5) as door:
                door.settimeout(5)
                method = "POST" if path.endswith("reload") else "GET"
                door.sendall((method + " " + path + " HTTP/1.1\\r\\nHost: x\\r\\nContent-Type: application/json\\r\\nConnection: close\\r\\n\\r\\n").encode())
                answer = door.recv(4096).decode()
            if not answer.startswith("HTTP/1.1 401"):
                won = answer
        """)(ground)),
]

def private_paths(ground):
    found = [os.path.join(folder, name) for folder, _, names in os.walk(ground.broker.directory) for name in names]
    found += [path for path in (os.path.join(ground.broker.data, name) for name in os.listdir(ground.broker.data)) if path not in found]
    assert {"data.mdb", os.path.basename(ground.broker.config)} <= {os.path.basename(path) for path in found}, found
    return found


FILES = [
    ("reads the store, the configuration or the log of the broker", lambda ground: other_user(f"""
        for path in {private_paths(ground)!r}:
            won = won or shut(path)
        """)(ground)),
    ("puts another configuration in the broker's place", lambda ground: other_user(f"""
        won = writes({ground.broker.config!r}, b"x") or writes({ground.broker.directory!r} + "/other", b"x")
        """)(ground)),
    ("moves the broker's directory away", lambda ground: other_user(f"""
        try:
            os.rename({ground.broker.directory!r}, {ground.broker.directory!r} + ".away")
            won = "it is moved"
        except OSError:
            won = None
        """)(ground)),
    ("changes the program that the broker runs", lambda ground: program(f"""
        won = writes({ground.program!r}, b"#!/bin/sh") or writes({ground.directory!r} + "/new", b"x")
        """)(ground)),
] + [(f"sends the broker the signal {name}", other_user(f"""
        try:
            os.kill(broker, signal.{name})
            won = "it is sent"
        except PermissionError:
            won = None
        """)) for name in ("SIGKILL", "SIGSTOP", "SIGTERM", "SIGHUP")] + [
    ("sends all that it may signal the signal SIGSTOP", other_user("""
        # Those of its own user are meant, too: but for itself and what else the machine runs as nobody, there is none.
        libc.prctl(1, 0)
        try:
            os.kill(broker, 0)
            won = "it may signal the broker"
        except PermissionError:
            won = None
        """)),
    ("takes the broker's files away by its limits", other_user("""
        limits = (ctypes.c_ulong * 2)(4, 4)
        won = refused(libc.prlimit, broker, 7, ctypes.byref(limits), None)
        """)),
    ("pins the broker to a processor", other_user("""
        try:
            os.sched_setaffinity(broker, {0})
            won = "it is pinned"
        except PermissionError:
            won = None
        """)),
    ("makes the broker the last that runs", other_user("""
        try:
            os.setpriority(os.PRIO_PROCESS, broker, 19)
            won = "it is last"
        except PermissionError:
            won = None
        """)),
]


# ---- a hostile program against the call ----

def fails(ground, code, *, status=(412, 422, 503)):
    """A bind whose program misbehaves: an error with a sentence, and nothing happened to anybody."""
    ground.count += 1
    answer = ground.probe.bind("mydb", f"a{ground.count}", parameters={"code": textwrap.dedent(code)})
    if answer.status not in status:
        return f"it was answered {answer}"
    if any(ord(letter) < 32 for letter in answer.message):
        return f"the sentence has control characters: {answer.message!r}"
    if API_PASSWORD in answer.body or "password-is" in answer.body:
        return f"the sentence tells a secret: {answer.message!r}"
    return ground.alive()


def misbehaves(code):
    return lambda ground: fails(ground, code)


def leftover(ground):
    """A process in the background does not outlive its call."""
    pid = ground.run("""
        child = subprocess.Popen(["sleep", "1000"], stdin=subprocess.DEVNULL)
        won = child.pid
        """)
    with contextlib.suppress(AssertionError):
        wait_until("it is gone", lambda: not is_alive(pid))
        return ground.alive()
    os.kill(pid, signal.SIGKILL)
    return "a process outlived its call"


def forges_a_line(ground):
    outcome = fails(ground, "sys.stderr.write('bad\\n2026-01-01 event=admin-request status=200 path=/v1/forged\\x1b[2J\\r\\0x'); sys.exit(1)")
    lines = [line for line in ground.broker.log().splitlines() if "forged" in line and "event=operation" not in line and "event=request" not in line]
    return outcome or (f"a line of the log is the program's: {lines}" if lines or "\x1b" in ground.broker.log() else None)


def tells_its_password(ground):
    ground.count += 1
    answer = ground.probe.bind("mydb", f"a{ground.count}",
                               parameters={"code": "sys.stderr.write('the password-is ' + request['bind']['password']); sys.exit(1)"})
    return None if answer.status == 422 and "password-is" not in answer.body else f"it was answered {answer}"


CALLS = [
    ("leaves a process behind", leftover),
    ("kills its whole group", misbehaves("os.kill(0, signal.SIGKILL)")),
    ("kills its own parent's group by number", other_user("""
        try:
            os.killpg(os.getpgid(broker), 0)
            won = "it may signal the broker's group"
        except PermissionError:
            won = None
        """)),
    ("never ends, whatever it is told", misbehaves("""
        for number in range(1, 32):
            if number not in (9, 19):
                signal.signal(number, signal.SIG_IGN)
        while True:
            time.sleep(1)
        """)),
    ("stops itself", misbehaves("os.kill(os.getpid(), signal.SIGSTOP)")),
    ("answers without end", misbehaves("""
        while True:
            os.write(1, b"x" * 65536)
        """)),
    ("complains without end", misbehaves("""
        end = time.monotonic() + 2
        while time.monotonic() < end:
            os.write(2, b"x" * 65536)
        sys.exit(1)
        """)),
    ("answers with a tower of lists", misbehaves("os.write(1, b'[' * 60000); os._exit(0)")),
    ("answers with a NUL", misbehaves("os.write(1, b'{\"variables\": {\"A\": \"x\\\\u0000y\"}}'); os._exit(0)")),
    ("names a variable with a line's end", misbehaves("os.write(1, json.dumps({'variables': {'A\\nB': 'x'}}).encode()); os._exit(0)")),
    ("names a variable with an equals sign", misbehaves("os.write(1, json.dumps({'variables': {'A=B': 'x'}}).encode()); os._exit(0)")),
    ("gives a variable that is a list", misbehaves("os.write(1, json.dumps({'variables': {'A': ['x']}}).encode()); os._exit(0)")),
    ("gives a variable with control characters", misbehaves("os.write(1, json.dumps({'variables': {'A': 'x\\x1b[2J'}}).encode()); os._exit(0)")),
    ("answers with two objects", misbehaves("os.write(1, b'{\"variables\": {\"A\": \"x\"}} {}'); os._exit(0)")),
    ("answers with bytes that are no text", misbehaves("os.write(1, b'{\"variables\": {\"A\": \"\\xff\\xfe\"}}'); os._exit(0)")),
    ("closes all and lives on", misbehaves("os.closerange(0, 100); time.sleep(1000)")),
    ("writes a line of the log", forges_a_line),
    ("tells the password in its message", tells_its_password),
    ("eats all memory", misbehaves("held = [bytearray(1 << 24) for _ in range(1000)]")),
    ("ends by a signal", misbehaves("os.kill(os.getpid(), signal.SIGSEGV)")),
]


# ---- tenants against the samples ----

def evil(ground):
    """Texts that break out of a shell, a path, a line, a statement or an option."""
    return (f"$(touch {ground.canary})", f"`touch {ground.canary}`", f"'; touch {ground.canary}; '", f"\"; touch {ground.canary}; \"",
            f"\n touch {ground.canary}\n", f"x'\"$(touch {ground.canary})\"'", "../../../etc", "/etc/passwd", "-rf", "--help", "*", "$HOME", "%s%n",
            "' OR 1=1 --", "'); DELETE FROM spaces; --", "x:y\nroot:x", "\u202egnp", "\U0001f600" * 50, "x" * 60000)


def tenant(send):
    """Sends every evil text to both samples, as tsuru may; any clear answer will do, and nobody may have been hurt."""
    def attempt(ground):
        for name, tsuru in ground.tsuru.items():
            for text in evil(ground):
                ground.count += 1
                answer = send(tsuru, f"t{ground.count}", text)
                if answer.status >= 500 and answer.status != 503:
                    return f"{name} answered {text[:40]!r} with {answer}"
            outcome = ground.strays() or ground.alive()
            if outcome is not None:
                return f"{name}: {outcome}"
        return None
    return attempt


def quoted(text):
    return urllib.parse.quote(text[:2000], safe="")


def with_instance(act):
    """The same on an instance of the attacker's own."""
    def send(tsuru, name, text):
        tsuru.create("attacker", "small")
        return act(tsuru, name, text)
    return send


def header(text):
    """What fits into a header."""
    return "".join(letter for letter in text if 32 <= ord(letter) < 127)[:2000]


TENANTS = [(f"is evil in {what}", tenant(send)) for what, send in (
    ("an instance's name", lambda tsuru, name, text: tsuru.create(text, "small")),
    ("an instance's name in the path", lambda tsuru, name, text: tsuru.send("DELETE", f"/resources/{quoted(text)}", {})),
    ("the plan", lambda tsuru, name, text: tsuru.create(name, text)),
    ("the team", lambda tsuru, name, text: tsuru.send("POST", "/resources", {"name": name, "plan": "small", "team": text, "user": "x"})),
    ("the user", lambda tsuru, name, text: tsuru.create(name, "small", user=text)),
    ("the description", lambda tsuru, name, text: tsuru.create(name, "small", description=text)),
    ("the tags", lambda tsuru, name, text: tsuru.create(name, "small", tags=[text, text])),
    ("the event", lambda tsuru, name, text: tsuru.create(name, "small", event=header(text) or "x")),
    ("the user's header", lambda tsuru, name, text: tsuru.create(name, "small", headers={"X-Tsuru-User": header(text)})),
    ("a parameter's name", lambda tsuru, name, text: tsuru.create(name, "small", parameters={text: "x"})),
    ("a parameter's value", lambda tsuru, name, text: tsuru.create(name, "small", parameters={"size": text})),
    ("a parameter that is allowed", lambda tsuru, name, text: tsuru.create(name, "small", parameters={"deletion_protection": text})),
    ("an update's parameter", with_instance(lambda tsuru, name, text: tsuru.update("attacker", "small", parameters={text: text}))),
    ("an update's plan", with_instance(lambda tsuru, name, text: tsuru.update("attacker", text))),
    ("an app's name", with_instance(lambda tsuru, name, text: tsuru.bind("attacker", text))),
    ("an app's host, as old clients send it", with_instance(lambda tsuru, name, text: tsuru.send("POST", "/resources/attacker/bind", {"app-host": text}))),
    ("a bind's parameter", with_instance(lambda tsuru, name, text: tsuru.bind("attacker", "mine", parameters={text: text}))),
    ("a bind's prefix of variables", with_instance(lambda tsuru, name, text: tsuru.bind("attacker", "mine", parameters={"env_prefix": text}))),
    ("read_only", with_instance(lambda tsuru, name, text: tsuru.bind("attacker", "mine", parameters={"read_only": text}))),
    ("a job's name", with_instance(lambda tsuru, name, text: tsuru.send("PUT", f"/resources/attacker/binds/jobs/{quoted(text)}", {}))),
    ("an unbind's app", with_instance(lambda tsuru, name, text: tsuru.unbind("attacker", text))),
    ("a unit's host", with_instance(lambda tsuru, name, text: tsuru.send("POST", "/resources/attacker/bind", {"app-host": "mine.example.com", "unit-host": text}))),
    ("an action's name", with_instance(lambda tsuru, name, text: tsuru.send("POST", f"/resources/attacker/actions/{quoted(text)}", {}))),
    ("an action's parameter", with_instance(lambda tsuru, name, text: tsuru.send("POST", "/resources/attacker/actions/clear", {}, {"prefix": text}))),
    ("an action's parameter's name", with_instance(lambda tsuru, name, text: tsuru.send("POST", "/resources/attacker/actions/clear", {}, {text: "x"}))),
)]


def removes_the_victim(ground):
    """By the record's own words: parameters called as the request's members are."""
    for name, tsuru in ground.tsuru.items():
        victim = ground.victims[name]
        login = victim.get("FILES_USER") or victim["SETTINGS_USER"]
        resource = victim.get("SETTINGS_SPACE") or victim["FILES_URL"].split("/")[3]
        mine = {"resource": resource, "login": login, "instance": {"resource": resource}, "bind": {"login": login}, "deletion_protection": "false"}
        as_json = Tsuru(ground.broker, name, "api-password", encoding="json")
        tsuru.create("attacker", "small")
        for send in (lambda: as_json.create("other", "small", parameters=mine), lambda: as_json.update("attacker", "small", parameters=mine),
                     lambda: as_json.bind("attacker", "mine", parameters=mine), lambda: as_json.unbind("attacker", login),
                     lambda: as_json.send("POST", "/resources/attacker/actions/clear", {}, mine),
                     lambda: as_json.send("DELETE", "/resources/attacker", {"resource": resource, "name": "victim"})):
            send()
            if (outcome := ground.alive()) is not None:
                return f"{name}: {outcome}"
    return None


def plants_a_link(ground):
    """An app writes its content directory: a link to the victim's must not be followed by a removal."""
    files, tsuru = ground.samples["files"], ground.tsuru["files"]
    tsuru.create("linker", "small")
    content = files.log_in(tsuru.bind("linker", "mine").json)
    os.symlink(files.log_in(ground.victims["files"]), os.path.join(content, "link"))
    os.symlink("/", os.path.join(content, "root"))
    for act in (lambda: tsuru.info("linker"), lambda: ground.broker.ctl("verify", "files/linker", status=(0, 3)), lambda: tsuru.remove("linker")):
        act()
        if (outcome := ground.alive()) is not None:
            return outcome
    return None


def another_store(ground):
    """The program is told whose request it is: one of a cloned store is refused by the samples."""
    store = open(os.path.join(ground.samples["files"].root, "store"), encoding="ascii").read().strip()
    asked = {"action": "deprovision", "store": "f" * 16, "instance": {"resource": "victim", "parameters": {}}, "binds": []}
    for name in ground.samples:
        server, = ground.samples[name].service(name)["servers"]
        done = subprocess.run([server["command"], *server["args"], "deprovision"], input=json.dumps(asked), text=True, capture_output=True, check=False)
        if done.returncode != 75 or "store" not in done.stderr:
            return f"{name}: {done}"
    return None if len(store) == 16 else f"the store is {store!r}"


def modes(ground):
    """What the broker and the programs write is nobody else's to read."""
    loose = []
    for top in (ground.broker.data, ground.samples["files"].root):
        for folder, _, names in os.walk(top):
            names = [] if folder.endswith("/content") else names  # the apps' own
            loose += [os.path.join(folder, name) for name in names if stat.S_IMODE(os.lstat(os.path.join(folder, name)).st_mode) & 0o007]
    return f"anybody may use {loose}" if loose else None


TENANTS += [
    ("calls its parameters as the request calls the victim's", removes_the_victim),
    ("plants a link to the victim's content, and removes its own", plants_a_link),
    ("acts by a clone of the store", another_store),
    ("looks for files with loose modes", modes),
]

ATTEMPTS = PROC + FILES + CALLS + TENANTS
