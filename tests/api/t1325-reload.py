"""Changes while the registry runs: a reload, a restart, a new certificate, and nobody notices but by what changed."""
import os
import signal
import ssl
import subprocess
import threading

from lib.scenario import scenario

OWN_STACK = True


class Traffic(threading.Thread):
    """Pulls one manifest again and again; remembers every answer that was not it."""

    def __init__(self, t, repo, data):
        super().__init__(daemon=True)
        self.repo, self.data, self.stop, self.count, self.wrong = repo, data, threading.Event(), 0, []
        self.t = t

    def run(self):
        while not self.stop.is_set():
            try:
                answer = self.repo.get_manifest("v1")
                if answer.status != 200 or answer.body != self.data:
                    self.wrong.append(str(answer))
                self.count += 1
            except Exception as e:  # pylint: disable=broad-except
                self.wrong.append(repr(e))

    def __enter__(self):
        self.start()
        self.t.stack.wait(lambda: self.count > 3, "the first pulls")
        return self

    def __exit__(self, kind, *_):
        before = self.count
        if kind is None:
            self.t.stack.wait(lambda: self.count > before + 3, "the last pulls")
        self.stop.set()
        self.join()
        if kind is None:
            self.t.true(not self.wrong, f"{len(self.wrong)} of {self.count} pulls went wrong: " + "\n".join(self.wrong[:3]))


def supervisor(t):
    pids = [pid for pid, words in t.stack.processes().items() if os.path.basename(words[0]) == "gantry"]
    t.eq(len(pids), 1, f"supervisors: {pids}")
    return pids[0]


def catalog_status(t):
    return t.web.request("GET", "/v2/_catalog").status


def serial(t):
    """Of the certificate that is served."""
    with t.web.socket() as s:
        return s.getpeercert()["serialNumber"]


@scenario("SIGHUP takes new settings without losing a request")
def _(t):
    repo = t.repo()
    data, _ = repo.push_image("v1")
    t.eq(catalog_status(t), 401, "the catalog of a stranger")
    with Traffic(t, repo, data):
        t.stack.configure({"FEATURE_PUBLIC_CATALOG": True})
        os.kill(supervisor(t), signal.SIGHUP)
        t.stack.wait(lambda: all(catalog_status(t) == 200 for _ in range(5)), "the open catalog")
        t.stack.configure({"FEATURE_PUBLIC_CATALOG": None})
        os.kill(supervisor(t), signal.SIGHUP)
        t.stack.wait(lambda: all(catalog_status(t) == 401 for _ in range(5)), "the closed catalog")


@scenario("SIGHUP with a wrong configuration changes nothing and says why")
def _(t):
    repo = t.repo()
    data, _ = repo.push_image("v1")
    t.expect_log("DEFAULT_TAG_EXPIRATION|config")
    t.stack.configure({"FEATURE_PUBLIC_CATALOG": True, "DEFAULT_TAG_EXPIRATION": "soon"})
    with Traffic(t, repo, data):
        os.kill(supervisor(t), signal.SIGHUP)
        t.stack.wait(lambda: any("DEFAULT_TAG_EXPIRATION" in line for _, line in t.stack.log_lines()), "the reason in a log", 20)
        t.eq(catalog_status(t), 401, "the catalog of a stranger")
    t.stack.configure({"FEATURE_PUBLIC_CATALOG": None, "DEFAULT_TAG_EXPIRATION": "2w"})
    t.stack.gantry("restart")


@scenario("gantry restart does not lose a request either")
def _(t):
    repo = t.repo()
    data, _ = repo.push_image("v1")
    with Traffic(t, repo, data):
        for _ in range(2):
            t.stack.gantry("restart")


@scenario("a new certificate is served after SIGHUP")
def _(t):
    before = serial(t)
    directory = t.directory()
    name = os.path.join(directory, "new")
    config = os.path.join(t.stack.dir, "config")
    ca = os.path.join(t.stack.dir, "ca")
    with open(name + ".ext", "w", encoding="ascii") as f:
        f.write("subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n")
    for words in (["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name + ".key", "-out", name + ".csr", "-subj", "/CN=localhost"],
                  ["x509", "-req", "-in", name + ".csr", "-CA", f"{ca}/ca.crt", "-CAkey", f"{ca}/ca-key.pem", "-set_serial", "0x7001", "-days", "100", "-extfile", name + ".ext",
                   "-out", name + ".crt"]):
        done = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False)
        t.eq(done.returncode, 0, done.stderr)
    for source, target in ((name + ".crt", "ssl.cert"), (name + ".key", "ssl.key")):
        with open(source, "rb") as f, open(os.path.join(config, target), "r+b") as out:  # keeps owner and mode
            out.write(f.read())
            out.truncate()
    os.kill(supervisor(t), signal.SIGHUP)

    def changed():
        try:
            return serial(t) != before
        except ssl.SSLError:
            return False
    t.stack.wait(changed, "the new certificate")
    t.eq(int(serial(t), 16), 0x7001, "the serial number")
    t.status(t.web.request("GET", "/health/instance"), 200)


@scenario("an operator's certificate that does not belong to its key is named, and the old one goes on")
def _(t):
    path = os.path.join(t.stack.dir, "config", "ssl.cert")
    other = os.path.join(t.directory(), "other")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", other + ".key", "-out", other + ".crt",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "100"], capture_output=True, check=True)
    before = serial(t)
    with open(path, "rb") as f:
        good = f.read()

    def put(data):
        with open(path, "r+b") as out:  # keeps owner and mode
            out.write(data)
            out.truncate()
    t.expect_log("ssl|certificate|nginx|key")
    with open(other + ".crt", "rb") as f:
        put(f.read())
    try:
        for words in ("doctor", "restart"):
            done = t.stack.gantry(words, check=False)
            t.true(done.returncode != 0, f"{words} finds nothing: {done.stdout}{done.stderr}")
            t.matches(done.stdout + done.stderr, r"ssl\.(key|cert)", words)
            t.eq(serial(t), before, "the served certificate")
            t.status(t.web.request("GET", "/health/instance"), 200)
    finally:
        put(good)
    t.stack.gantry("restart")
    t.stack.gantry("doctor")
