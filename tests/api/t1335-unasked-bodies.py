"""Who may not push brings no body in: the answer comes before the body does, and nothing of it reaches the disk."""
from lib.scenario import scenario


def announce(t, method, path, size, *headers):
    """The head of a request whose body never comes: answered only by who does not wait for it."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {size}", *headers]
    with t.web.socket(20) as s:
        s.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return s.recv(4096).split(b"\r\n")[0].decode()


@scenario("a manifest is not taken from a stranger")
def _(t):
    path = "/v2/nobody/nothing/manifests/v1"
    t.matches(announce(t, "PUT", path, 1 << 20), "^HTTP/1.1 401 ")
    t.matches(announce(t, "PUT", path, 1 << 20, "Authorization: Bearer x"), "^HTTP/1.1 401 ")


@scenario("a blob is not taken from a stranger")
def _(t):
    t.matches(announce(t, "POST", "/v2/nobody/nothing/blobs/uploads/", 1 << 30), "^HTTP/1.1 401 ")
    t.matches(announce(t, "PATCH", "/v2/nobody/nothing/blobs/uploads/x", 1 << 30), "^HTTP/1.1 401 ")


@scenario("a request that takes no body has no room for one")
def _(t):
    for method, path in (("GET", "/v2/nobody/nothing/manifests/v1"), ("POST", "/v2/nobody/nothing/manifests/v1"),
                         ("DELETE", "/v2/nobody/nothing/manifests/v1"), ("GET", "/v2/"), ("GET", "/health"), ("GET", "/metrics"),
                         ("PUT", "/v1/nobody/nothing"), ("POST", "/nowhere")):
        t.matches(announce(t, method, path, 100_000), "^HTTP/1.1 413 ", f"{method} {path}")


@scenario("more headers than FastCGI can carry are the client's mistake")
def _(t):
    head = "GET /v2/ HTTP/1.1\r\nHost: localhost\r\n" + "".join(f"X-{n}: {'a' * 1000}\r\n" for n in range(110))
    t.status(t.web.raw(head.encode() + b"\r\n"), 400, 431)
