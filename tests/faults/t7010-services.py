"""MariaDB or Redis away: the first is told as 503 with Retry-After, the second is not missed; both come back by themselves."""
import os
import signal

from lib.registry import MANIFEST, random_blob
from lib.scenario import scenario

OWN_STACK = True


def pid_of(t, name):
    pids = [pid for pid, words in t.stack.processes().items() if os.path.basename(words[0].split()[0]) == name]
    t.true(pids, f"{name} does not run: {t.stack.processes()}")
    return pids[0]


def quiet(t):
    t.expect_log(r"err=DB_DOWN|mariadb|redis|database|service|\[error\].*auth request")


@scenario("MariaDB hangs: 503 with Retry-After, and all is well when it goes on")
def _(t):
    quiet(t)
    repo = t.repo()
    data, digest = repo.push_image("v1")
    token = "Bearer " + t.registry.token(repo.scope)
    pid = pid_of(t, "mariadbd")
    os.kill(pid, signal.SIGSTOP)
    try:
        for method, path, body in (("GET", "tags/list", None), ("PUT", "manifests/v2", data), ("POST", "blobs/uploads/", b"")):
            answer = t.web.request(method, f"/v2/{repo.name}/{path}", {"Authorization": token, "Content-Type": MANIFEST}, body, timeout=120)
            t.error(answer, 503, "UNAVAILABLE")
            t.true(int(answer.get("Retry-After")) >= 1, answer)
    finally:
        os.kill(pid, signal.SIGCONT)
    t.stack.wait(lambda: t.web.request("GET", "/health/instance").status == 200, "health")
    t.true(t.status(repo.get_manifest("v1"), 200).body == data, "other bytes")
    repo.push_image("v2")


@scenario("MariaDB is killed: 503 until it is back, then everything goes on")
def _(t):
    quiet(t)
    repo = t.repo()
    data, digest = repo.push_image("v1")
    token = "Bearer " + t.registry.token(repo.scope)
    supervisor = [pid for pid, words in t.stack.processes().items() if os.path.basename(words[0]) == "gantry"]
    for pid in supervisor:  # it would start it again at once
        os.kill(pid, signal.SIGSTOP)
    os.kill(pid_of(t, "mariadbd"), signal.SIGKILL)
    try:
        for _ in range(3):
            answer = t.web.request("GET", f"/v2/{repo.name}/tags/list", {"Authorization": token}, timeout=120)
            t.error(answer, 503, "UNAVAILABLE")
            t.true(int(answer.get("Retry-After")) >= 1, answer)
        answer = t.web.request("POST", f"/v2/{repo.name}/blobs/uploads/", {"Authorization": token}, b"", timeout=120)
        t.error(answer, 503, "UNAVAILABLE")
        t.true(int(answer.get("Retry-After")) >= 1, answer)
        answer = t.web.request("GET", "/v2/auth", {"Authorization": t.owner.basic()}, timeout=120)
        t.error(answer, 503, "UNAVAILABLE")
        health = t.web.request("GET", "/health/instance", timeout=120)
        t.eq(health.status, 503, "health")
        t.eq(health.json()["data"]["services"]["database"], False, "the database in health")
    finally:
        for pid in supervisor:
            os.kill(pid, signal.SIGCONT)
    t.stack.wait(lambda: t.web.request("GET", "/health/instance").status == 200, "health")
    t.true(t.status(repo.get_manifest("v1"), 200).body == data, "other bytes")
    repo.push_image("v2")


@scenario("Redis hangs or is killed: pushes, pulls and sign-ins go on")
def _(t):
    quiet(t)
    repo = t.repo()
    data, digest = repo.push_image("v1")
    pid = pid_of(t, "redis-server")
    os.kill(pid, signal.SIGSTOP)
    try:
        for _ in range(3):
            t.true(t.status(repo.get_manifest("v1"), 200).body == data, "other bytes")
            t.status(t.registry.auth([]), 200)
        repo.push_image("v2")
    finally:
        os.kill(pid, signal.SIGCONT)
    supervisor = [p for p, words in t.stack.processes().items() if os.path.basename(words[0]) == "gantry"]
    for p in supervisor:
        os.kill(p, signal.SIGSTOP)
    os.kill(pid, signal.SIGKILL)
    try:
        for _ in range(3):
            t.true(t.status(repo.get_manifest("v1"), 200).body == data, "other bytes")
            t.status(t.registry.auth([]), 200)
        repo.push_image("v3")
    finally:
        for p in supervisor:
            os.kill(p, signal.SIGCONT)
    t.stack.wait(lambda: t.web.request("GET", "/health/endtoend").status == 200, "health with Redis back")


@scenario("the storage's file system refuses to write: an honest error, nothing acknowledged, and it mends")
def _(t):
    t.expect_log("err=STORAGE|Permission denied")
    if os.geteuid() == 0 and t.stack.owner.st_uid == 0:
        t.skip("the stack runs as root, whom no permission stops")
    repo = t.repo()
    repo.push_blob(b"first")
    uploads = os.path.join(t.stack.dir, "blobs", "uploads")
    mode = os.stat(uploads).st_mode
    os.chmod(uploads, 0o500)
    try:
        data = random_blob()
        answer = repo.request("POST", "blobs/uploads/")
        if answer.status == 202:
            from lib.registry import digest_of
            answer = repo.close(repo.where(answer), digest_of(data), data)
        t.true(answer.status in (503, 507), answer)
        t.not_html(answer)
    finally:
        os.chmod(uploads, mode & 0o7777)
    repo.push_image("v1")


@scenario("a pool that cannot be reached: nginx says so in the registry's JSON, and asks to come again")
def _(t):
    t.expect_log(r"\[(crit|error)\].*(connect\(\)|upstream|auth request)")
    repo = t.repo()
    data, _ = repo.push_image("v1")
    location = repo.start()
    token = "Bearer " + t.registry.token(repo.scope)
    for pool, requests in (("registry", (("GET", f"/v2/{repo.name}/manifests/v1"), ("GET", "/v2/"), ("PATCH", location))),
                           ("upload", (("PATCH", location), ("POST", f"/v2/{repo.name}/blobs/uploads/"))), ("api", (("GET", "/health/instance"),))):
        path = t.stack.socket_path(pool)
        os.rename(path, path + ".away")
        try:
            for method, target in requests:
                answer = t.web.request(method, target, {"Authorization": token}, b"x" if method in ("PATCH", "POST") else None)
                t.true(answer.status in (502, 503), f"{pool} is away: {answer}")
                t.not_html(answer)
                t.true("json" in answer.get("Content-Type", ""), answer)
                t.true(int(answer.get("Retry-After", "0")) >= 1, f"no Retry-After: {answer}")
        finally:
            os.rename(path + ".away", path)
    t.true(t.status(repo.get_manifest("v1"), 200).body == data, "other bytes")
    repo.push_image("v2")
