"""stack.py - a private registry: the real product, started by its own command in a directory of its own.

Nothing here knows more than an operator does: `gantry init`, `up`, `stop`, the files under DIR, the log. Scenarios share
a stack unless they change it; each works in an organization of its own.
"""
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time

from lib.build import ROOT
from lib.registry import Account, Registry
from lib.web import Web

# Lines of nginx that tell of a client, not of us.
NGINX_HARMLESS = re.compile(r"client intended to send too large (chunked )?body|client prematurely closed|SSL_do_handshake\(\) failed"
                            r"|limiting requests|client sent invalid|using uninitialized")
BROKEN = re.compile(r"level=error|AddressSanitizer|LeakSanitizer|ThreadSanitizer|UndefinedBehaviorSanitizer|runtime error:"
                    r"|\[(error|crit|alert|emerg)\]|Assertion|stack smashing|buffer overflow detected|double free")


SANITIZER = re.compile(r"(Address|Leak|Thread|UndefinedBehavior)Sanitizer:|runtime error:")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def stack_user(build):
    """As whom a stack of root's runs. nobody, where it can read source and build (no account is made for tests); a clone in
    somebody's closed home directory belongs to that account; root is what remains."""
    needed = [build.program("gantry-fcgi"), os.path.join(ROOT, "sql", "0001-foundation.sql")]

    def reads(user, group):
        try:
            return subprocess.run(["test", "-r", needed[0], "-a", "-r", needed[1]], user=user, group=group, extra_groups=[],
                                  cwd="/", check=False).returncode == 0
        except (OSError, KeyError, ValueError):
            return False

    if reads("nobody", pwd.getpwnam("nobody").pw_gid):
        return "nobody"
    owner = os.stat(ROOT)
    try:
        return pwd.getpwuid(owner.st_uid).pw_name if reads(owner.st_uid, owner.st_gid) else "root"
    except KeyError:
        return "root"


def process_stat(pid):
    """Fields of /proc/PID/stat from the state on; None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()
    except OSError:
        return None


# All scenarios come from one address, and many of them fail to sign in on purpose; t1215 sets its own limit.
EVERYWHERE = {"GANTRY_SIGN_IN_FAILURES": 0}


class Stack:
    def __init__(self, build, directory, config=None, template=None):
        self.build, self.dir, self.port = build, directory, free_port()
        self.host = "localhost"
        self.running = False
        self._marks = {}
        user = ["--user", stack_user(build)] if os.geteuid() == 0 else []
        self.gantry("init", "--host", self.host, "--port", str(self.port), "--no-trust", *user)
        self.configure({**EVERYWHERE, **build.stack_config, **(config or {})})
        self.owner = os.stat(self.dir)
        mysql = os.path.join(self.dir, "mysql")
        if template and not os.listdir(mysql):
            subprocess.run(["cp", "-a", template + "/.", mysql], check=True)
            subprocess.run(["chown", "-R", f"{self.owner.st_uid}:{self.owner.st_gid}", mysql], check=True)
            os.chmod(mysql, 0o700)
        self.ca = os.path.join(self.dir, "ca", "ca.crt")

    # ---- the operator's side ----

    def gantry(self, *words, stdin=None, check=True, timeout=180):
        """Runs `gantry WORDS --dir DIR`; what it printed, or with check=False the finished process."""
        done = subprocess.run([self.build.program("gantry"), *words, "--dir", self.dir], input=stdin, text=True,
                              capture_output=True, timeout=timeout, env=self.build.environment(), check=False)
        if not check:
            return done
        if done.returncode:
            raise AssertionError(f"gantry {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout.strip()

    def up(self):
        done = subprocess.run(self.build.wrapper + [self.build.program("gantry"), "up", "--dir", self.dir], text=True,
                              capture_output=True, timeout=180, env=self.build.environment(), check=False)
        if done.returncode:
            raise AssertionError(f"gantry up: exit {done.returncode}\n{done.stdout}{done.stderr}\n{self.log_tails()}")
        self.running = True
        self.web = Web(self.host, self.port, self.ca)
        with open(os.path.join(self.dir, "admin-password"), encoding="ascii") as f:
            self.admin = Account("admin", f.read().strip())
        return self

    def stop(self):
        self.running = False
        self.gantry("stop")

    def restart(self):
        self.gantry("restart")

    def destroy(self):
        try:
            if self.running:
                self.stop()
        finally:
            self.kill_all()
            shutil.rmtree(self.dir, ignore_errors=True)

    @property
    def config_path(self):
        return os.path.join(self.dir, "config", "config.yaml")

    def configure(self, values):
        """Sets top-level keys of config.yaml (None removes one), keeping owner and mode."""
        with open(self.config_path, encoding="utf-8") as f:
            text = f.read()
        for key, value in values.items():
            text = re.sub(rf"(?m)^{key}:.*\n(?:[ -].*\n)*", "", text)
            if value is not None:
                text += f"{key}: {json.dumps(value)}\n"
        with open(self.config_path, "r+", encoding="utf-8") as f:
            f.write(text)
            f.truncate()

    def config_value(self, key):
        with open(self.config_path, encoding="utf-8") as f:
            found = re.search(rf"(?m)^{key}: *(.*)$", f.read())
        return found.group(1).strip().strip('"') if found else None

    # ---- people ----

    def user(self, name, password=None):
        password = password or "pw-" + os.urandom(9).hex()
        self.gantry("user", "add", name, "--password-stdin", stdin=password + "\n")
        return Account(name, password)

    def robot(self, namespace, short):
        printed = self.gantry("robot", "add", namespace, short)
        return Account(f"{namespace}+{short}", printed.split()[-1])

    def registry(self, account=None):
        return Registry(self.web, account)

    # ---- inside ----

    def socket_path(self, pool):
        return os.path.join(self.dir, "run", pool + ".sock")

    def blob_path(self, digest):
        algorithm, encoded = digest.split(":")
        return os.path.join(self.dir, "blobs", algorithm, encoded[:2], encoded)

    def sql(self, statement):
        """Rows of a statement as lists of text, by the mariadb client on the stack's own socket."""
        found = re.match(r"mysql\+pymysql://([^:]+):([^@]+)@[^/]*/(\w+)", self.config_value("DB_URI"))
        user, password, name = found.groups()
        done = subprocess.run(["mariadb", "--no-defaults", "--socket", os.path.join(self.dir, "run", "mariadb.sock"),
                               "-u", user, "-N", "-B", name, "-e", statement], text=True, capture_output=True,
                              env={**os.environ, "MYSQL_PWD": password}, timeout=60, check=False)
        if done.returncode:
            raise AssertionError(f"{statement}: {done.stderr}")
        return [line.split("\t") for line in done.stdout.splitlines()]

    def processes(self):
        """pid -> words of its command line, for every process that names DIR or descends from one that does."""
        parents, words = {}, {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            stat = process_stat(pid)
            if not stat or stat[0] == "Z":
                continue
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    words[int(pid)] = f.read().decode(errors="replace").strip("\0").split("\0")
                parents[int(pid)] = int(stat[1])
            except OSError:
                continue
        ours = {pid for pid, line in words.items()
                if pid != os.getpid() and any(self.dir == w or self.dir + "/" in w or w.endswith("=" + self.dir)
                                              for w in line) and line[0] not in ("mariadb", "python3")}
        grown = True
        while grown:
            more = {pid for pid, parent in parents.items() if parent in ours} - ours
            ours |= more
            grown = bool(more)
        return {pid: words[pid] for pid in sorted(ours)}

    def pids(self, program, *words):
        """Of one program, whose command line has all of the words."""
        return [pid for pid, line in self.processes().items()
                if os.path.basename(line[0].split()[0].rstrip(":")) == program and all(w in " ".join(line) for w in words)]

    def kill_all(self):
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def wait(self, condition, what, seconds=60):
        """Until condition() is true. Generous: it is a guard against hanging, not a measurement."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if condition():
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise AssertionError(f"{what}: not within {seconds} s")

    # ---- logs ----

    def logs(self):
        directory = os.path.join(self.dir, "log")
        if not os.path.isdir(directory):
            return []
        return sorted(os.path.join(directory, name) for name in os.listdir(directory))

    def mark_logs(self):
        self._marks = {path: os.path.getsize(path) for path in self.logs()}

    def log_lines(self):
        """Lines written since mark_logs(), as (file name, line); not the access log."""
        for path in self.logs():
            if os.path.basename(path) == "access.log":
                continue
            with open(path, encoding="utf-8", errors="replace") as f:
                size = os.path.getsize(path)
                start = self._marks.get(path, 0)
                f.seek(start if start <= size else 0)
                for line in f:
                    yield os.path.basename(path), line.rstrip("\n")

    def log_errors(self, expected=()):
        """What no scenario wants to see, but for lines that match one of the expected patterns; a sanitizer's report in full."""
        out, report = [], 0
        for name, line in self.log_lines():
            broken = BROKEN.search(line) and not NGINX_HARMLESS.search(line) and not name.startswith("mariadb")
            if broken and not any(re.search(pattern, line) for pattern in expected):
                out.append(f"{name}: {line}")
                report = 40 if SANITIZER.search(line) else report
            elif report and line.startswith(" "):
                out.append(line)
                report -= 1
        return out

    def log_tails(self, lines=40):
        """The end of every log that was written to since mark_logs()."""
        out = []
        for path in self.logs():
            start, size = self._marks.get(path, 0), os.path.getsize(path)
            if size == start or os.path.basename(path) == "access.log":
                continue
            with open(path, "rb") as f:
                f.seek(max(start if start < size else 0, size - 65536))
                tail = f.read().decode(errors="replace").splitlines()[-lines:]
            out += [f"--- {os.path.basename(path)}"] + [line[:1000] for line in tail]
        return "\n".join(out)
