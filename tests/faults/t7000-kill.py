"""kill -9 of any Gantry process at any moment of a push loop: what was acknowledged is there, and what was not can be pushed again."""
import http.client
import json
import os
import random
import signal
import threading
import time

from lib.registry import digest_of, image, random_blob
from lib.scenario import scenario

OWN_STACK = True
SENTENCE = r"died|killed|signal|exited|ended|lost|restart"  # supervisors may say so at level=error


class Pusher(threading.Thread):
    """Pushes images until it is told to stop; remembers what was acknowledged."""

    def __init__(self, t, repo):
        super().__init__(daemon=True)
        self.repo, self.stop = repo, threading.Event()
        self.blobs, self.images, self.broken = {}, {}, 0
        self.wrong = []

    def run(self):
        n = 0
        while not self.stop.is_set():
            n += 1
            try:
                self.one(n)
            except (OSError, http.client.HTTPException, AssertionError):
                self.broken += 1  # the request died with the process: a client would try again
                time.sleep(0.02)

    def one(self, n):
        data = random_blob(random.choice((10, 5000, 300_000)))
        digest = digest_of(data)
        half = len(data) // 2
        location = self.repo.where(self.repo.patch(self.repo.start(), data[:half], 0))
        answer = self.repo.close(location, digest, data[half:], half)
        if answer.status == 201:
            self.blobs[digest] = data
        manifest = image(self.repo)
        tag = f"v{n % 7}"
        answer = self.repo.put_manifest(tag, manifest)
        if answer.status == 201:
            self.images[digest_of(manifest)] = manifest
        elif answer.status < 500:
            self.wrong.append(str(answer))


def victims(t, kind):
    processes = t.stack.processes()
    out = []
    for pid, words in processes.items():
        line = " ".join(words)
        name = os.path.basename(words[0].split()[0].rstrip(":"))
        if (name == "gantry-fcgi" and f"{kind}" in line) or (kind == "worker" and name == "gantry-worker"):
            out.append(pid)
    return out


def healthy(t):
    return t.web.request("GET", "/health/instance").status == 200 and t.web.request("GET", "/v2/").status == 401


def verify(t, pusher):
    repo = pusher.repo
    t.true(not pusher.wrong, "\n".join(pusher.wrong[:3]))
    for digest, data in pusher.blobs.items():
        answer = t.status(repo.get(f"blobs/{digest}"), 200)
        t.true(answer.body == data, f"{digest}: other bytes")
    for digest, manifest in pusher.images.items():
        t.true(t.status(repo.get_manifest(digest), 200).body == manifest, f"{digest}: other bytes")
        document = json.loads(manifest)
        for part in (document["config"], *document["layers"]):
            answer = t.status(repo.get(f"blobs/{part['digest']}"), 200)
            t.eq(digest_of(answer.body), part["digest"], "a blob of an acknowledged image")
    for tag in repo.tags():
        t.status(repo.get_manifest(tag), 200)


def story(t, kind, rounds=8):
    t.expect_log(r"worker died|process died|child|signal 9|SIGKILL|killed")
    t.expect_log(r"\[(error|alert|crit)\].*(upstream|connect\(\)|recv\(\)|auth request|exited on signal)")
    t.expect_log(r"err=(UPLOAD_BUSY|DB_DOWN|STORAGE)")
    repo = t.repo()
    repo.push_blob(b"first")
    t.true(victims(t, kind), f"there is no {kind} process: {t.stack.processes()}")
    source = random.Random(kind)
    pushers = [Pusher(t, repo), Pusher(t, t.repo())]
    pushers[1].repo.push_blob(b"first")
    for pusher in pushers:
        pusher.start()
    for _ in range(rounds):
        time.sleep(source.uniform(0.05, 0.4))
        pids = victims(t, kind)
        if pids:
            try:
                os.kill(source.choice(pids), signal.SIGKILL)
            except ProcessLookupError:
                pass
    t.stack.wait(lambda: healthy(t), f"health after {kind} was killed")
    before = [len(p.images) for p in pushers]
    t.stack.wait(lambda: all(len(p.images) > n + 1 for p, n in zip(pushers, before)), "pushes go on")
    for pusher in pushers:
        pusher.stop.set()
        pusher.join()
    t.true(all(p.images for p in pushers), "nothing was acknowledged")
    for pusher in pushers:
        verify(t, pusher)
    # everything that broke in the middle can be pushed now
    data, digest = repo.push_image("after")
    t.true(repo.get_manifest("after").body == data, "other bytes")


for _kind in ("registry", "upload", "api", "worker"):
    scenario(f"kill -9 of processes of {_kind}")(lambda t, kind=_kind: story(t, kind))


@scenario("kill -9 of the supervisor: `gantry up` brings everything back, with every byte")
def _(t):
    t.expect_log(".")
    repo = t.repo()
    data, digest = repo.push_image("v1")
    supervisors = [pid for pid, words in t.stack.processes().items() if os.path.basename(words[0]) == "gantry"]
    t.true(supervisors, f"no supervisor: {t.stack.processes()}")
    for pid in supervisors:
        os.kill(pid, signal.SIGKILL)
    t.stack.up()
    t.stack.wait(lambda: healthy(t), "health after the supervisor was killed")
    t.true(t.status(repo.get_manifest("v1"), 200).body == data, "other bytes")
    repo.push_image("v2")


@scenario("kill -9 of everything at once, in the middle of pushes")
def _(t):
    t.expect_log(".")
    repo = t.repo()
    repo.push_blob(b"first")
    pusher = Pusher(t, repo)
    pusher.start()
    t.stack.wait(lambda: len(pusher.images) > 3, "some pushes")
    t.stack.kill_all()
    t.stack.wait(lambda: not t.stack.processes(), "everything is dead", 20)
    pusher.stop.set()
    pusher.join()
    t.stack.up()
    t.stack.wait(lambda: healthy(t), "health after everything was killed")
    verify(t, pusher)
    repo.push_image("after")
