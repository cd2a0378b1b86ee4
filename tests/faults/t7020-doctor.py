"""What keeps a registry from working is named by `gantry doctor` with path, owner, mode and what mends it; `up` and `restart` refuse
with the same words, and what runs goes on."""
import os
import re
import socket
import subprocess

from lib.scenario import scenario

OWN_STACK = True
SANITIZERS = False


def path_of(t, *parts):
    return os.path.join(t.stack.dir, *parts)


def needs_root(t):
    if os.geteuid() != 0 or t.stack.owner.st_uid == 0:
        t.skip("needs root, and a stack that does not run as root")


def serves(t):
    t.status(t.web.request("GET", "/health/instance"), 200)


class Kept:
    """Files as they were, owner and mode included, whatever is done to them meanwhile."""

    def __init__(self, *paths):
        self.paths = paths

    def __enter__(self):
        self.before = []
        for path in self.paths:
            with open(path, "rb") as f:
                self.before.append((path, f.read(), os.stat(path)))

    def __exit__(self, *_):
        for path, data, st in self.before:
            if os.path.exists(path):
                os.unlink(path)
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as f:
                f.write(data)
            os.chown(path, st.st_uid, st.st_gid)
            os.chmod(path, st.st_mode & 0o7777)


def named(t, said, *patterns):
    for pattern in patterns:
        t.true(re.search(pattern, said), f"not said: {pattern}\n{said}")


def refused(t, *patterns):
    """The stack is down: `up` refuses, doctor says the same. It is up: `restart` refuses, and it goes on."""
    words = [("doctor",)]
    words += [("restart",)] if t.stack.running else [("up",), ("restart",)]
    for word in words:
        done = t.stack.gantry(*word, check=False)
        t.eq(done.returncode, 1, f"exit status of {word[0]}: {done.stdout}{done.stderr}")
        named(t, done.stdout, r"(?m)^fatal ", *patterns)
    t.eq(t.stack.gantry("status", check=False).returncode, 0 if t.stack.running else 3, "status")
    if t.stack.running:
        serves(t)


def self_signed(t, cert, key, *more):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cert,
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", *more], check=True, capture_output=True)
    os.chown(cert, t.stack.owner.st_uid, t.stack.owner.st_gid)
    os.chown(key, t.stack.owner.st_uid, t.stack.owner.st_gid)


def tls_findings(t):
    cert, key = path_of(t, "config", "ssl.cert"), path_of(t, "config", "ssl.key")
    with Kept(cert, key):
        with open(key, "w", encoding="ascii") as f:
            f.write("no key\n")
        refused(t, rf"{key} holds no private key", r"owner \S+, mode 0600", "mend it: ")
        with open(key, encoding="ascii") as f:
            t.eq(f.read(), "no key\n", "nothing has replaced the key")
    with Kept(cert, key):
        subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key], check=True,
                       capture_output=True)
        refused(t, rf"{key} \(owner \S+, mode 0600\) and the certificate {cert} \(owner \S+, mode 0644\) do not belong together",
                r"mend it: gantry init")
    with Kept(cert, key):
        self_signed(t, cert, key)
        request = subprocess.run(["openssl", "req", "-new", "-key", key, "-subj", "/CN=localhost"], check=True, capture_output=True)
        subprocess.run(["openssl", "x509", "-req", "-signkey", key, "-days", "-1", "-out", cert], input=request.stdout, check=True,
                       capture_output=True)
        refused(t, rf"the certificate {cert} \(owner \S+, mode \d+\) has expired \(20", rf"mend it: .*{cert}.*gantry restart")
    with Kept(cert, key):
        os.unlink(cert)
        refused(t, rf"{cert} does not exist", "mend it: .*gantry init")
    if os.geteuid() == 0 and t.stack.owner.st_uid != 0:
        with Kept(cert, key):
            os.chown(key, 0, 0)
            os.chmod(key, 0o600)
            refused(t, rf"{key} cannot be read by the user \S+: Permission denied \({key}: owner root:root, mode 0600\)",
                    rf"mend it: chown \S+ {key} && chmod u\+rwX {key}")
            t.eq(os.stat(key).st_uid, 0, "nothing has replaced the key")


@scenario("what is wrong with the certificate is named while the stack runs; a restart leaves it alone")
def _(t):
    t.expect_log("certificate")
    tls_findings(t)
    t.stack.restart()
    serves(t)


@scenario("a renewed certificate is taken over by a restart and by SIGHUP")
def _(t):
    def served():
        with socket.create_connection((t.stack.host, t.stack.port)) as raw:
            import ssl
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with context.wrap_socket(raw, server_hostname=t.stack.host) as s:
                return ssl.DER_cert_to_PEM_cert(s.getpeercert(True))

    cert, key = path_of(t, "config", "ssl.cert"), path_of(t, "config", "ssl.key")

    def lies():
        with open(cert, encoding="ascii") as f:
            return f.read()

    with Kept(cert, key):
        self_signed(t, cert, key, "-days", "90")
        t.true(served() != lies(), "the old one is served until it is told")
        t.stack.restart()
        t.eq(served(), lies(), "after restart")
        self_signed(t, cert, key, "-days", "90")
        for pid in t.stack.pids("gantry", "supervise"):
            os.kill(pid, 1)
        t.stack.wait(lambda: served() == lies(), "the certificate after SIGHUP")
    t.stack.restart()
    serves(t)


@scenario("a port that somebody else has keeps a restart from changing anything")
def _(t):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        t.stack.configure({"GANTRY_LISTEN_PORT": port})
        try:
            refused(t, rf"port {port} is in use by \S+ \(pid {os.getpid()}\)", "mend it: ")
        finally:
            t.stack.configure({"GANTRY_LISTEN_PORT": t.stack.port})
    t.stack.gantry("doctor")


@scenario("connections that are used up are named")
def _(t):
    t.expect_log("err=DB_DOWN|connections")
    before = t.stack.sql("SELECT @@max_connections")[0][0]
    mysql = re.match(r"mysql\+pymysql://([^:]+):([^@]+)@", t.stack.config_value("DB_URI")).groups()
    idle = []
    try:
        for _ in range(int(before) + 2):
            idle.append(subprocess.Popen(["mariadb", "--no-defaults", "--socket", path_of(t, "run", "mariadb.sock"), "-u", mysql[0]],
                                         env={**os.environ, "MYSQL_PWD": mysql[1]}, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL))
        t.stack.wait(lambda: "onnections" in t.stack.gantry("doctor", check=False).stdout, "the finding")
        named(t, t.stack.gantry("doctor", check=False).stdout, r"(runs out of connections|Too many connections)",
              r"mend it: printf .*max_connections = \d+.*mariadb\.d")
    finally:
        for process in idle:
            process.communicate()
    t.stack.wait(lambda: t.web.request("GET", "/health/instance").status == 200, "health")


@scenario("a schema that is newer than the programs is named, and one that is older")
def _(t):
    t.stack.sql("INSERT INTO schema_migration SELECT 9999, '9999-later.sql', checksum, statements_done, failed, started_ms, finished_ms "
                "FROM schema_migration WHERE version = 1")
    try:
        done = t.stack.gantry("doctor", check=False)
        t.eq(done.returncode, 1, "exit status")
        named(t, done.stdout, r"fatal +database: .*9999-later\.sql.*newer", "mend it: install")
    finally:
        t.stack.sql("DELETE FROM schema_migration WHERE version = 9999")
    t.stack.sql("RENAME TABLE schema_migration TO away")
    try:
        done = t.stack.gantry("doctor", check=False)
        t.eq(done.returncode, 1, "exit status")
        named(t, done.stdout, r"error +database: the schema of the database is version 0", "mend it: gantry migrate")
    finally:
        t.stack.sql("RENAME TABLE away TO schema_migration")


@scenario("before a start: certificate, port and storage")
def _(t):
    t.stack.stop()
    try:
        tls_findings(t)
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("127.0.0.1", t.stack.port))
            s.listen()
            refused(t, rf"port {t.stack.port} is in use by \S+ \(pid {os.getpid()}\)", "mend it: ")
        if os.geteuid() == 0 and t.stack.owner.st_uid != 0:
            blobs = path_of(t, "blobs")
            os.chown(blobs, 0, 0)
            try:
                refused(t, rf"{blobs} cannot be written by the user \S+: Permission denied \({blobs}: owner root:root, mode 0750\)",
                        rf"mend it: chown \S+ {blobs}")
            finally:
                os.chown(blobs, t.stack.owner.st_uid, t.stack.owner.st_gid)
        with Kept(t.stack.config_path):
            t.stack.configure({"GANTRY_EMBEDDED": ["nginx"], "DB_URI": "mysql+pymysql://u:a-secret@127.0.0.1:1/gantry"})
            refused(t, r"the database at 127\.0\.0\.1:1 does not let u into gantry: .*connect", rf"mend it: check DB_URI in {t.stack.config_path}")
            done = t.stack.gantry("doctor", check=False)
            t.true("a-secret" not in done.stdout + done.stderr, "a password is shown")
    finally:
        t.stack.up()
    t.stack.gantry("doctor")
    serves(t)


@scenario("body files on a file system of their own, and a full one, are named")
def _(t):
    needs_root(t)
    bodies, blobs = path_of(t, "blobs", "bodies"), path_of(t, "blobs")
    owner = f"uid={t.stack.owner.st_uid},gid={t.stack.owner.st_gid},mode=0750"
    t.stack.stop()
    try:
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size=2m,{owner}", "tmpfs", bodies], capture_output=True, check=False).returncode:
            t.skip("nothing can be mounted here")
        try:
            refused(t, rf"{bodies} \(owner \S+, mode 0750\) cannot be linked into {blobs} \(.*different file systems", "mend it: ")
        finally:
            subprocess.run(["umount", bodies], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size=2m,{owner}", "tmpfs", blobs], check=True)
        try:
            done = t.stack.gantry("doctor", check=False)
            t.eq(done.returncode, 1, "exit status")
            named(t, done.stdout, rf"error +disk: only \d MiB are free for {blobs} \(owner \S+, mode 0750\)", "mend it: ")
        finally:
            subprocess.run(["umount", blobs], check=True)
    finally:
        t.stack.up()
