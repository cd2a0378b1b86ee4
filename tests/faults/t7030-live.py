"""Under load: restarts, reloads, and the death of what can be replaced cost no client an answer."""
import http.client
import os
import signal
import subprocess
import threading

from lib.registry import MANIFEST, digest_of, random_blob
from lib.scenario import scenario

OWN_STACK = True


def named(t, name, word=""):
    return {pid for pid, words in t.stack.processes().items()
            if os.path.basename(words[0].split()[0].rstrip(":")) == name and word in " ".join(words)}


def restart(t):
    done = subprocess.run([t.build.program("gantry"), "restart", "--dir", t.stack.dir], capture_output=True, text=True, check=False,
                          env=t.build.environment(), timeout=300)
    t.eq(done.returncode, 0, f"gantry restart: {done.stdout}{done.stderr}")


class Client(threading.Thread):
    """Pulls a manifest and pushes a blob in two pieces, again and again, each request on a connection of its own."""

    def __init__(self, repo):
        super().__init__(daemon=True)
        self.repo, self.stop = repo, threading.Event()
        self.failed, self.blobs, self.rounds = [], {}, 0

    def expect(self, answer, status):
        if answer.status != status:
            self.failed.append(str(answer))
        return answer.status == status

    def run(self):
        while not self.stop.is_set():
            try:
                self.one()
            except (OSError, http.client.HTTPException, AssertionError) as e:
                self.failed.append(repr(e))
            self.rounds += 1

    def one(self):
        self.expect(self.repo.get_manifest("v1"), 200)
        data = random_blob(20_000)
        answer = self.repo.patch(self.repo.start(), data[:9000], 0)
        if self.expect(answer, 202) and self.expect(self.repo.close(self.repo.where(answer), digest_of(data), data[9000:], 9000), 201):
            self.blobs[digest_of(data)] = data


def under_load(t, disturb):
    repo = t.repo()
    repo.push_image("v1")
    clients = [Client(repo) for _ in range(4)]
    for client in clients:
        client.start()

    def go_on():
        before = [c.rounds for c in clients]
        t.stack.wait(lambda: all(c.rounds > n + 2 for c, n in zip(clients, before)), "clients go on")

    try:
        go_on()
        disturb(go_on)
        go_on()
    finally:
        for client in clients:
            client.stop.set()
            client.join()
    failed = [line for c in clients for line in c.failed]
    t.true(not failed, f"{len(failed)} requests failed, the first: " + "\n".join(failed[:3]))
    for client in clients:
        for digest, data in client.blobs.items():
            t.true(t.status(repo.get(f"blobs/{digest}"), 200).body == data, f"{digest}: other bytes")


@scenario("`gantry restart` and SIGHUP under load: not one request fails")
def _(t):
    def disturb(go_on):
        supervisor = named(t, "gantry").pop()
        for _ in range(3):
            restart(t)
            go_on()
            os.kill(supervisor, signal.SIGHUP)
            go_on()

    under_load(t, disturb)


@scenario("kill -9 of a pool's master under load: what connects meanwhile waits and is served")
def _(t):
    t.expect_log("died|gone|master")

    def disturb(go_on):
        supervisor = named(t, "gantry").pop()
        for pool in ("registry", "api"):
            with open(f"/proc/{supervisor}/task/{supervisor}/children", encoding="ascii") as f:
                children = {int(word) for word in f.read().split()}
            masters = named(t, "gantry-fcgi", f"--pool {pool}") & children
            t.eq(len(masters), 1, f"masters of {pool}")
            os.kill(masters.pop(), signal.SIGKILL)
            go_on()

    under_load(t, disturb)


@scenario("a restart that changes nothing for nginx leaves it, and its clients' connections, alone")
def _(t):
    repo = t.repo()
    data, _ = repo.push_image("v1")
    headers = {"Authorization": "Bearer " + t.registry.token(repo.scope), "Accept": MANIFEST}
    connection = http.client.HTTPSConnection(t.stack.host, t.stack.port, timeout=60, context=t.web.context)
    workers = named(t, "nginx")

    def pull():
        connection.request("GET", f"/v2/{repo.name}/manifests/v1", headers=headers)
        answer = connection.getresponse()
        t.true(answer.read() == data and answer.status == 200, "the manifest over the connection that stayed")

    pull()
    connection.auto_open = 0
    for _ in range(2):
        restart(t)
        pull()
    t.eq(named(t, "nginx"), workers, "processes of nginx")
    connection.close()

    path = os.path.join(t.stack.dir, "config", "config.yaml")
    with open(path, encoding="utf-8") as f:
        before = f.read()
    with open(path, "w", encoding="utf-8") as f:
        f.write(before + "\nMAXIMUM_LAYER_SIZE: 1M\n")
    restart(t)
    t.true(named(t, "nginx") != workers, "nginx has not read its new configuration")
    answer = repo.close(repo.start(), digest_of(b"x" * 2_000_000), b"x" * 2_000_000)
    t.eq(answer.status, 413, "a blob behind the new limit")
    with open(path, "w", encoding="utf-8") as f:
        f.write(before)
    restart(t)
    t.true(repo.push_blob(b"x" * 2_000_000), "the old limit again")
