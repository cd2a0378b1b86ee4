"""What strangers send: paths, digests, ranges, tokens and headers that no client would. Never 500, never HTML, and the stack lives."""
import random

from lib.registry import digest_of, random_blob
from lib.scenario import scenario

GOOD = digest_of(b"x")

PATHS = [
    "/", "//", "/v2//", "/v2///", "/v2/.", "/v2/..", "/v2/../..", "/v2/a/../b/tags/list", "/v2/%2e%2e/tags/list", "/v2/a/%2e/tags/list",
    "/v2/a%2Fb/tags/list", "/v2/a%2fb/tags/list", "/v2/a%00b/tags/list", "/v2/%00", "/v2/%", "/v2/%z", "/v2/%zz", "/v2/%e4/tags/list", "/v2/%ff%fe/x",
    "/v2/a/b/manifests/%00", "/v2/a/b/manifests/%0d%0aX-Evil:%201", "/v2/a/b/manifests/..", "/v2/a/b/manifests/../../..", "/v2/a/b/manifests/" + "x" * 5000,
    "/v2/" + "a/" * 2000 + "tags/list", "/v2/" + "a" * 6000 + "/tags/list", "/v2/a/b/blobs/uploads/../../x", "/v2/a/b/blobs/uploads//", "/v2/a/b/blobs/",
    "/v2/a/b/blobs/uploads/%2e%2e", "/v2/a/b/tags/list/", "/v2/a/b/tags/list?n=%", "/v2/a/b/tags/list?" + "&" * 3000, "/v2/a/b/tags/list?n=1&n=2&n=3",
    "/v2/a/b/tags/list?last=%00", "/v2/a/b/tags/list?last=" + "x" * 5000, "/v2/_catalog?last=%ff%ff&n=1", "/v2/_catalog?n=-9223372036854775808",
    "/v2/_catalog?n=18446744073709551616", "/v2/_catalog?last=../../etc", "/v2/a/b/referrers/", "/v2/a/b/referrers/x?artifactType=%00",
    f"/v2/a/b/referrers/{GOOD}?artifactType=" + "x" * 5000, "/v2/auth?scope=" + "x" * 6000, "/v2/auth?scope=repository:" + "a/" * 1000 + ":pull",
    "/v2/auth?service=%00", "/v2/auth?" + "scope=repository:a/b:pull&" * 500, "/v2/a/b/manifests/v1?tag=" + "&tag=".join(map(str, range(1000))),
    "/keys/services/%00/keys", "/keys/services/" + "x" * 5000 + "/keys", "/keys/services/quay/keys/..", "/health/..", "/health/instance/x", "/metrics/..",
    "/.well-known/../v2/", "/_precheck", "/_blobs/x", "/..%2f..%2fetc%2fpasswd", "/v2/\u00e4".encode().decode("latin-1"), "*", "/v2/a\\b/tags/list",
    "/v2/a;b/tags/list", "/v2/a?b/tags/list", "/v2/'OR'1'='1/tags/list", "/v2/a/b/manifests/'%20OR%201=1--", "/v2/$%7Bjndi:ldap://x%7D/tags/list",
]
DIGESTS = [
    "", ":", "sha256", "sha256:", ":abc", "sha256:abc", GOOD[:-1], GOOD + "0", GOOD.upper(), "SHA256" + GOOD[6:], "sha512" + GOOD[6:], "sha1:" + "0" * 40,
    "md5:" + "0" * 32, "sha256:" + "g" * 64, "sha256:" + "0" * 63 + "%00", GOOD + "%00", "%20" + GOOD, GOOD + "%20", "sha256:" + "%30" * 64 + "%0a",
    "sha256+b64u:" + "A" * 43, "a" * 300 + ":" + "0" * 64, "sha256:" + "0" * 4000, "sha256:..%2f..%2f" + "0" * 58, "sha256:" + "-" * 64, "\u00e4:0",
]
RANGES = [
    "bytes=", "bytes=-", "bytes=--1", "bytes=a-b", "bytes=0-1-2", "bytes=1-0", "bytes=99999999999999999999-", "bytes=-99999999999999999999",
    "bytes=0-99999999999999999999", "bytes=0-0," * 400, "bytes=0-,0-,0-,0-,0-,0-,0-", "bytes=" + "0-1," * 30 + "0-1", "BYTES=0-1", "bytes =0-1", "bytes=0 - 1",
    "octets=0-1", "bytes=0x0-0x1", "bytes=+0-+1", "\u00e4=0-1", "bytes=0-1;q=1", ",", "=", "bytes=18446744073709551615-18446744073709551616",
    "bytes=9223372036854775807-9223372036854775808",
]
CONTENT_RANGES = [
    "", "-", "0", "0-", "-0", "a-b", "0-a", "1-0", "0--1", "-1-0", "0-0-0", "+0-+9", "0x0-0x9", "0 -9", "0-9/10", "bytes 0-9/10", "bytes=0-9",
    "0-9,10-19", "0-18446744073709551615", "18446744073709551615-18446744073709551615", "18446744073709551616-18446744073709551617",
    "9223372036854775807-9223372036854775808", "0-9223372036854775807", "99999999999999999999999-99999999999999999999999", "\u0660-\u0669",
]
AUTHORIZATIONS = [
    "", " ", "Bearer", "Bearer ", "Bearer  x", "Bearer .", "Bearer ..", "Bearer ...", "Bearer a.b.c", "Bearer " + "a" * 8000, "Bearer " + "." * 8000,
    "Bearer e30.e30.", "Bearer e30.e30.AAAA", "Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer eyJhbGciOiJFUzI1NiJ9.e30." + "A" * 86,
    "Bearer eyJhbGciOiJFUzI1NiIsImtpZCI6IiJ9.e30." + "A" * 86, "Bearer eyJhbGciOiJIUzI1NiIsImtpZCI6Ii4uLy4uL2V0Yy9wYXNzd2QifQ.e30." + "A" * 43, "bearer x.y.z",
    "Bearer \u00e4.\u00e4.\u00e4", "Bearer =.=.=", "Bearer a.b.c d.e.f", "Basic", "Basic ", "Basic =", "Basic ====", "Basic " + "A" * 8000, "Basic Og==", "Basic OjpYOg==",
    "Basic AAAA", "Basic //8=", "Basic YTpi\tYTpi", "Basic YQ==", "Digest username=x", "Negotiate YII", "AWS4-HMAC-SHA256 Credential=x", "\u00e4 \u00e4", "Bearer,Basic",
]


def alive(t):
    t.status(t.web.request("GET", "/health/instance"), 200)


def check(t, answer, what):
    """None (closed without an answer) is no crime for a request that is not HTTP."""
    if answer is None:
        return
    t.true(answer.status < 500 or answer.status in (501, 505), f"{what!r}: {answer}")
    t.true(answer.status < 400 or b"<html" not in answer.body.lower(), f"{what!r}: HTML: {answer}")


def request(t, method, target, headers=(), body=b""):
    """Bytes as they are, whatever they are."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {t.web.host}:{t.web.port}", "Connection: close", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return t.web.raw("\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body)


@scenario("paths")
def _(t):
    for path in PATHS:
        for method in ("GET", "PUT", "POST", "DELETE"):
            for headers in ((), (("Authorization", t.owner.basic()),)):
                check(t, request(t, method, path, headers), (method, path))
    alive(t)


@scenario("methods")
def _(t):
    for method in ("OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "G" * 100, "PRI", "PURGE", "LINK"):
        for path in ("/v2/", "/v2/a/b/tags/list", "/health/instance", "/v2/a/b/blobs/uploads/", "/v2/a/b/manifests/x"):
            check(t, request(t, method, path), (method, path))
    alive(t)


@scenario("digests, in every place where one can stand")
def _(t):
    repo = t.repo()
    repo.push_image("v1")
    headers = (("Authorization", "Bearer " + t.registry.token(repo.scope)),)
    location = repo.start()
    for digest in DIGESTS:
        base = f"/v2/{repo.name}"
        for method, path in (("GET", f"{base}/blobs/{digest}"), ("DELETE", f"{base}/blobs/{digest}"), ("GET", f"{base}/manifests/{digest}"),
                             ("PUT", f"{base}/manifests/{digest}"), ("GET", f"{base}/referrers/{digest}"), ("POST", f"{base}/blobs/uploads/?digest={digest}"),
                             ("POST", f"{base}/blobs/uploads/?mount={digest}"), ("POST", f"{base}/blobs/uploads/?mount={digest}&from={repo.name}"),
                             ("PUT", f"{location}?digest={digest}"), ("POST", f"{base}/blobs/uploads/?digest-algorithm={digest}")):
            answer = request(t, method, path, headers, b"x" if method in ("PUT", "POST") else b"")
            check(t, answer, (method, path))
    alive(t)


@scenario("ranges of a blob")
def _(t):
    repo = t.repo()
    data = random_blob(2000)
    digest = repo.push_blob(data)
    token = "Bearer " + t.registry.token(repo.scope)
    for text in RANGES:
        answer = request(t, "GET", f"/v2/{repo.name}/blobs/{digest}", (("Authorization", token), ("Range", text)))
        check(t, answer, text)
        if answer is not None:
            t.true(answer.status in (200, 206, 400, 416), f"{text}: {answer}")
            t.true(len(answer.body) < 100_000, f"{text}: {len(answer.body)} bytes of a blob of 2000")
    alive(t)


@scenario("ranges of a chunk; the session survives all of them")
def _(t):
    repo = t.repo()
    location = repo.start()
    token = "Bearer " + t.registry.token(repo.scope)
    for text in CONTENT_RANGES:
        for method in ("PATCH", "PUT"):
            target = location + (f"?digest={digest_of(b'0123456789')}" if method == "PUT" else "")
            answer = request(t, method, target, (("Authorization", token), ("Content-Range", text)), b"0123456789")
            check(t, answer, (method, text))
            if text and answer is not None:
                t.true(answer.status in (400, 416), f"{method} {text!r}: {answer}")
            elif answer is not None and answer.status in (201, 202):
                location = repo.start()  # an empty header is no header: the bytes were taken
    t.status(repo.get(location), 204)
    alive(t)


@scenario("what claims to be a sign-in")
def _(t):
    for text in AUTHORIZATIONS:
        for path in ("/v2/", "/v2/a/b/tags/list", "/v2/auth?service=x&scope=repository:a/b:pull"):
            answer = request(t, "GET", path, (("Authorization", text),))
            check(t, answer, (path, text))
            if answer is not None and path == "/v2/":
                t.true(answer.status in (400, 401, 429), f"{text!r}: {answer}")
    answer = request(t, "GET", "/v2/", (("Authorization", "Bearer a"), ("Authorization", t.owner.basic())))
    t.status(answer, 400)
    alive(t)


@scenario("headers twice, headers long, headers strange")
def _(t):
    for headers in ((("Content-Type", "a"), ("Content-Type", "b")), (("Range", "bytes=0-1"), ("Range", "bytes=2-3")), (("Accept", "a" * 7000),),
                    (("Accept", ",".join(["*/*;q=0.1"] * 500)),), (("If-None-Match", '"' * 3000),), (("Accept", ";;;q=,,,="),), (("User-Agent", "\u00e4\x01" * 500),),
                    (("X-Forwarded-For", "1.2.3.4, " * 500),), (("Content-Length", "-1"),), (("Content-Length", "99999999999999999999"),),
                    (("Transfer-Encoding", "gzip"),), (("Transfer-Encoding", "chunked"), ("Content-Length", "5")), (("Request-Body-File", "/etc/passwd"),),
                    (("Gantry-Precheck", "1"),), (("Proxy", "http://evil"),), tuple((f"X-{i}", "y" * 100) for i in range(200))):
        for method, path in (("GET", "/v2/"), ("PUT", "/v2/a/b/manifests/x"), ("PATCH", "/v2/a/b/blobs/uploads/00000000-0000-4000-8000-000000000000")):
            check(t, request(t, method, path, headers), (method, headers[:2]))
    alive(t)


@scenario("a header cannot pose as a parameter of nginx")
def _(t):
    repo = t.repo()
    location = repo.start()
    answer = repo.request("PUT", f"{location}?digest={GOOD}", {"Request-Body-File": t.stack.config_path, "Content-Length": "0"})
    t.status(answer, 400)
    answer = t.web.request("GET", "/v2/", {"Https": "off", "Remote-Addr": "127.0.0.1", "Gantry-Params-End": "1", "X-Accel-Redirect": "/_blobs/x"})
    t.status(answer, 401)


@scenario("noise")
def _(t):
    source = random.Random(4)
    for _ in range(300):
        noise = bytes(source.randrange(256) for _ in range(source.randrange(1, 400)))
        check(t, t.web.raw(noise + b"\r\n\r\n"), noise)
        check(t, t.web.raw(b"GET /v2/" + noise.replace(b"\n", b"").replace(b"\r", b"") + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), noise)
    alive(t)


@scenario("chunked bodies that break off or lie")
def _(t):
    repo = t.repo()
    repo.push_blob(b"first")
    token = t.registry.token(repo.scope)
    for body in (b"5\r\nhel", b"zz\r\n", b"-1\r\n\r\n", b"ffffffffffffffff\r\nx", b"5\r\nhello", b"0\r\nX: y\r\n", b"5\nhello\n0\n\n", b"1;" + b"x" * 9000 + b"\r\na\r\n0\r\n\r\n"):
        location = repo.start()
        head = (f"PATCH {location} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n"
                "Content-Type: application/octet-stream\r\nConnection: close\r\n\r\n").encode()
        with t.web.socket(10) as s:
            s.sendall(head + body)
            s.close()
        t.status(repo.get(location), 204)
    alive(t)


@scenario("a body shorter than announced is no chunk")
def _(t):
    repo = t.repo()
    location = repo.start()
    token = t.registry.token(repo.scope)
    with t.web.socket(10) as s:
        s.sendall((f"PATCH {location} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Length: 1000\r\n\r\n").encode() + b"x" * 500)
    status = t.status(repo.get(location), 204)
    t.matches(status.get("Range"), r"^0-(0|-1)$")
    alive(t)
