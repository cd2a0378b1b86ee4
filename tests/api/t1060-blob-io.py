"""What a push costs the disk, by the kernel's own counters: one write and one read of its bytes. And nobody without the right
gets a byte onto it."""
import os
import re
import socket

from lib.registry import digest_of, random_blob
from lib.scenario import scenario

SIZE = 48 << 20
SLACK = 6 << 20  # requests, logs and the database's traffic


def io(pids):
    """Bytes that these processes gave to read(2) and write(2) and their kin, cached or not."""
    total = {"rchar": 0, "wchar": 0}
    for pid in pids:
        with open(f"/proc/{pid}/io", encoding="ascii") as f:
            for line in f:
                name, value = line.split(":")
                if name in total:
                    total[name] += int(value)
    return total


def cost(t, action):
    """What the upload pool read and wrote, and what nginx wrote, while action() ran."""
    pool, web = t.stack.pids("gantry-fcgi", "upload"), t.stack.pids("nginx")
    t.true(pool and web, "no processes found")
    try:
        pool_before, web_before = io(pool), io(web)
    except PermissionError:
        t.skip("the counters of other users' processes are root's to read")
    action()
    pool_after, web_after = io(pool), io(web)
    return pool_after["rchar"] - pool_before["rchar"], pool_after["wchar"] - pool_before["wchar"], web_after["wchar"] - web_before["wchar"]


def check(t, what, bytes_counted, expected):
    t.true(expected <= bytes_counted < expected + SLACK, f"{what}: {bytes_counted} bytes instead of about {expected}")


@scenario("a blob in one body is written once, by nginx, and read once, by the handler")
def _(t):
    repo, data = t.repo(), random_blob(SIZE)
    digest = digest_of(data)
    repo.push_blob(b"so that the token and the repository are there")
    for how in ("put", "patch", "post"):
        def push(how=how):
            if how == "put":
                answer = repo.close(repo.start(), digest, data)
            elif how == "patch":
                answer = repo.close(repo.where(t.status(repo.patch(repo.start(), data), 202)), digest)
            else:
                answer = repo.request("POST", f"blobs/uploads/?digest={digest}", {"Content-Type": "application/octet-stream"}, data)
            t.status(answer, 201)
        read, written, nginx = cost(t, push)
        check(t, f"{how}: read by the pool", read, SIZE)
        check(t, f"{how}: written by the pool", written, 0)
        check(t, f"{how}: written by nginx", nginx, SIZE)


@scenario("a second chunk costs one more write of its own bytes, and nothing is read again at the end")
def _(t):
    repo, data = t.repo(), random_blob(SIZE)
    half = SIZE // 2

    def push():
        location = repo.where(t.status(repo.patch(repo.start(), data[:half], 0), 202))
        location = repo.where(t.status(repo.patch(location, data[half:], half), 202))
        t.status(repo.close(location, digest_of(data)), 201)
    read, written, _ = cost(t, push)
    check(t, "read by the pool", read, SIZE)
    check(t, "written by the pool", written, half)


@scenario("another algorithm at the end is one more read")
def _(t):
    repo, data = t.repo(), random_blob(SIZE)

    def push():
        location = repo.where(t.status(repo.patch(repo.start(), data), 202))
        t.status(repo.close(location, digest_of(data, "sha512")), 201)
    read, written, _ = cost(t, push)
    check(t, "read by the pool", read, 2 * SIZE)
    check(t, "written by the pool", written, 0)


def refused(t, method, path, headers, account):
    """The final status of a request that announces a large body and sends none of it. nginx may say 100 just before."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {t.web.host}:{t.web.port}", f"Content-Length: {SIZE}", "Expect: 100-continue"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if account:
        lines.append(f"Authorization: {account.basic()}")
    text = ""
    with t.web.socket() as s:
        s.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        while True:
            found = [int(status) for status in re.findall(r"^HTTP/1\.1 (\d+)", text, re.M) if status != "100"]
            if found:
                return found[0]
            try:
                more = s.recv(65536)
            except socket.timeout:
                t.fail(f"{method} {path} {headers}: no answer before the body")
            t.true(more, f"{method} {path} {headers}: closed without an answer")
            text += more.decode(errors="replace")


@scenario("who is refused is refused before the body")
def _(t):
    repo = t.repo()
    location = repo.where(t.status(repo.patch(repo.start(), b"0123456789", 0), 202))
    digest = digest_of(b"")
    stranger = t.user("stranger")
    unknown = location.rsplit("/", 1)[0] + "/00000000-0000-4000-8000-000000000000"
    for method, path, headers, account, expected in (
            ("PATCH", location, {}, None, 401),
            ("PATCH", location, {}, stranger, 403),
            ("PATCH", unknown, {}, t.owner, 404),
            ("PUT", unknown + f"?digest={digest}", {}, t.owner, 404),
            ("PUT", location, {}, t.owner, 400),
            ("PUT", location + "?digest=sha256:zz", {}, t.owner, 400),
            ("PATCH", location, {"Content-Range": f"5-{SIZE + 4}"}, t.owner, 416),
            ("PATCH", location, {"Content-Range": "nonsense"}, t.owner, 400),
            ("PATCH", location, {"Content-Range": "10-12"}, t.owner, 400),
            ("POST", f"/v2/{repo.name}/blobs/uploads/?digest=sha256:zz", {}, t.owner, 400),
            ("POST", f"/v2/{repo.name}/blobs/uploads/?digest={digest}", {}, stranger, 403)):
        t.eq(refused(t, method, path, headers, account), expected, f"{method} {path} {headers}")
    bodies = os.path.join(t.stack.dir, "blobs", "bodies")
    t.stack.wait(lambda: not os.listdir(bodies), "a body file stays behind")
