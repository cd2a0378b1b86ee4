"""Straight at the sockets of the pools, past nginx: records and parameters that no server would send."""
import os
import random
import struct

from lib import fastcgi
from lib.scenario import scenario

POOLS = ("registry", "upload", "api")


def alive(t):
    """Every pool still answers, and through nginx too."""
    for pool in POOLS:
        answer = fastcgi.ask(t.stack.socket_path(pool), fastcgi.usual("GET", "/v2/"))
        t.true(answer is not None and answer.status < 500, f"pool {pool}: {answer}")
    t.status(t.web.request("GET", "/health/instance"), 200)


def check(t, got, what):
    answer = fastcgi.answer(got)
    if answer is not None:
        t.true(answer.status < 500, f"{what}: {answer}")
    t.true(b"<html" not in got.lower(), f"{what}: HTML")
    return answer


@scenario("the usual request is answered, so that the others fail for their own reason")
def _(t):
    answer = fastcgi.ask(t.stack.socket_path("registry"), fastcgi.usual("GET", "/v2/"))
    t.eq(answer.status, 401, "status")
    t.true(answer.get("WWW-Authenticate"), answer)
    t.eq(fastcgi.ask(t.stack.socket_path("api"), fastcgi.usual("GET", "/health/instance")).status, 200, "status")


@scenario("parameters that break off anywhere are refused as broken, never taken for less than they were")
def _(t):
    values = fastcgi.usual("GET", "/v2/", HTTP_AUTHORIZATION="Basic eDp5")
    stream = fastcgi.params(values)
    whole = fastcgi.message(stream)
    for pool in POOLS:
        for cut in range(0, len(whole), 7):
            check(t, fastcgi.send(t.stack.socket_path(pool), whole[:cut]), f"{pool}, cut at {cut}")
        for cut in range(1, len(stream), 3):
            data = fastcgi.begin() + fastcgi.record(fastcgi.PARAMS, stream[:cut]) + fastcgi.record(fastcgi.PARAMS) + fastcgi.record(fastcgi.STDIN)
            answer = check(t, fastcgi.send(t.stack.socket_path(pool), data), f"{pool}, PARAMS cut at {cut}")
            if answer is not None:
                t.eq(answer.status, 400, f"{pool}, PARAMS cut at {cut}")
    alive(t)


@scenario("lengths that lie")
def _(t):
    # Lengths of gigabytes end a process inside of libfcgi (its guard since CVE-2025-23016): they must be refused before it sees them.
    for stream in (b"\x05", b"\xff\xff\xff\xff", b"\xff\xff\xff\xff\x00" + b"x" * 100, b"\x80\x00\x00\x00\x80\x00\x00\x00", b"\x7f\x7f" + b"x" * 10,
                   b"\x04\x81\xff\xff\xffHOST", b"\x00\x00" * 1000, b"\x84\x00\x00\x00\x00HOST", struct.pack(">II", 0xFFFFFFFF, 0xFFFFFFFF) + b"x" * 50,
                   struct.pack(">II", 0x80000010, 0xFFFFFFF0) + b"x" * 64):
        for pool in POOLS:
            check(t, fastcgi.send(t.stack.socket_path(pool), fastcgi.message(stream)), stream[:20])
    alive(t)


@scenario("records out of order, of other kinds, roles, versions and requests")
def _(t):
    values = fastcgi.params(fastcgi.usual())
    record = fastcgi.record
    for data in (b"", b"\0" * 8, b"\xff" * 64, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", fastcgi.begin(), fastcgi.begin() * 2, fastcgi.begin(role=2), fastcgi.begin(role=3),
                 fastcgi.begin(role=0xFFFF), fastcgi.begin(flags=0xFF) + fastcgi.message(values)[16:], record(99), record(0), record(fastcgi.ABORT), record(fastcgi.STDIN, b"x"),
                 record(fastcgi.PARAMS, values), fastcgi.begin() + record(fastcgi.STDIN) + record(fastcgi.PARAMS), fastcgi.begin() + record(fastcgi.ABORT),
                 fastcgi.begin() + record(fastcgi.PARAMS, values, request=2) + record(fastcgi.PARAMS, request=2), record(fastcgi.BEGIN, b"\0\1\0\0\0\0\0\0", version=2),
                 record(fastcgi.BEGIN, b""), record(fastcgi.BEGIN, b"\0"), record(9, fastcgi.pair("FCGI_MAX_CONNS", ""), request=0), record(9, b"\xff" * 50, request=0),
                 fastcgi.begin() + record(fastcgi.PARAMS, values, padding=255) + record(fastcgi.PARAMS) + record(fastcgi.STDIN)):
        for pool in POOLS:
            check(t, fastcgi.send(t.stack.socket_path(pool), data), data[:20])
    alive(t)


@scenario("parameters that are missing, doubled, huge or strange")
def _(t):
    usual = fastcgi.usual()
    for pool in POOLS:
        path = t.stack.socket_path(pool)
        for missing in usual:
            got = fastcgi.send(path, fastcgi.message({k: v for k, v in usual.items() if k != missing}))
            check(t, got, f"{pool} without {missing}")
        for name in usual:
            check(t, fastcgi.send(path, fastcgi.message(fastcgi.params([*usual.items(), (name, "other")]))), f"{pool} with {name} twice")
        for name, value in (("REQUEST_URI", ""), ("REQUEST_URI", "v2"), ("REQUEST_URI", "http://x/v2/"), ("REQUEST_URI", b"/v2/\0x"), ("REQUEST_URI", b"\xff\xfe"), ("REQUEST_METHOD", ""),
                            ("REQUEST_METHOD", b"GET\0"), ("REMOTE_ADDR", ""), ("REMOTE_ADDR", "unix:"), ("REMOTE_ADDR", "x" * 5000), ("REMOTE_ADDR", b"\0"), ("CONTENT_LENGTH", "-1"),
                            ("CONTENT_LENGTH", "9" * 30), ("CONTENT_LENGTH", "1e3"), ("REQUEST_ID", ""), ("REQUEST_ID", "x" * 5000), ("REQUEST_ID", b"a\nlevel=fatal\n"), ("HTTPS", "maybe"),
                            ("GANTRY_PRECHECK", "1"), ("GANTRY_PRECHECK", "x"), ("HTTP_AUTHORIZATION", b"Basic \0"), ("HTTP_X" * 3000, "y"), ("", ""), ("", "x"), (b"\0", b"\0"), ("A=B", "C")):
            check(t, fastcgi.send(path, fastcgi.message({**usual, name: value} if isinstance(name, str) else {**usual, name.decode("latin-1"): value})), (pool, name))
        many = fastcgi.params([*((f"HTTP_X_{i}", "y" * 50) for i in range(5000)), *usual.items()])
        check(t, fastcgi.send(path, fastcgi.message(many)), "5000 headers")
    alive(t)


@scenario("a body file that is not nginx's is never read")
def _(t):
    repo = t.repo()
    location = repo.start()
    token = t.registry.token(repo.scope)
    secret = os.path.join(t.directory(), "secret")
    with open(secret, "w", encoding="ascii") as f:
        f.write("secret")
    os.chmod(secret, 0o644)
    from lib.registry import digest_of
    t.expect_log("body")
    for path in (secret, t.stack.config_path, "/etc/passwd", "/dev/zero", "/proc/self/environ", f"{t.stack.dir}/blobs/bodies/../../config/config.yaml", "relative", "", "/nonexistent",
                 t.stack.dir, b"/etc/pass\0wd"):
        values = {**fastcgi.usual("PUT", f"{location}?digest={digest_of(b'secret')}", CONTENT_LENGTH="6", CONTENT_TYPE="application/octet-stream",
                                  HTTP_AUTHORIZATION="Bearer " + token), "REQUEST_BODY_FILE": path}
        answer = fastcgi.ask(t.stack.socket_path("upload"), values)
        t.true(answer is None or answer.status != 201, f"{path} was taken for a body: {answer}")
    t.status(repo.head(f"blobs/{digest_of(b'secret')}"), 404)
    alive(t)


@scenario("noise at every socket")
def _(t):
    source = random.Random(3)
    whole = fastcgi.message(fastcgi.usual("GET", "/v2/a/b/tags/list"), b"x" * 100)
    for i in range(300):
        data = bytearray(whole)
        for _ in range(source.randrange(1, 6)):
            data[source.randrange(len(data))] = source.randrange(256)
        check(t, fastcgi.send(t.stack.socket_path(POOLS[i % 3]), bytes(data)), "noise")
    alive(t)


@scenario("clients that hang do not take the pool with them")
def _(t):
    import socket
    held = []
    for pool in POOLS:
        for data in (b"", b"\1\1\0\1\0\x08", fastcgi.begin(), fastcgi.message(fastcgi.usual())[:60]):
            s = socket.socket(socket.AF_UNIX)
            s.connect(t.stack.socket_path(pool))
            s.sendall(data)
            held.append(s)
    alive(t)
    for s in held:
        s.close()
    alive(t)
