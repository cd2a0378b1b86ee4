"""clients.py - podman, buildah and skopeo with storage, credentials and trust of their own: nothing of this machine's is touched."""
import os
import shutil
import subprocess

RUN_OPTIONS = ["--network", "host", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]

PROGRAM = r"""
#include <stdio.h>
int main(void) { puts("hello from a container"); return 0; }
"""


class Clients:
    """home: a directory for everything they write. trust: whether they know the stack's CA."""

    def __init__(self, stack, home, trust=True):
        self.stack, self.home = stack, home
        self.registry = f"{stack.host}:{stack.port}"
        self.auth = os.path.join(home, "auth.json")
        self.certificates = os.path.join(home, "certs")
        for name in ("root", "runroot", "certs", "tmp", "home"):
            os.makedirs(os.path.join(home, name), exist_ok=True)
        if trust:  # once where --cert-dir looks, once where quickstart would put it, below the home directory
            own = os.path.join(home, "home", ".config", "containers", "certs.d", self.registry)
            os.makedirs(own)
            for directory in (self.certificates, own):
                shutil.copy(stack.ca, os.path.join(directory, "ca.crt"))
        with open(self.auth, "w", encoding="ascii") as f:
            f.write("{}")
        self.policy = os.path.join(home, "policy.json")
        with open(self.policy, "w", encoding="ascii") as f:
            f.write('{"default": [{"type": "insecureAcceptAnything"}]}')
        registries = os.path.join(home, "registries.conf")
        with open(registries, "w", encoding="ascii") as f:
            f.write('unqualified-search-registries = []\nshort-name-mode = "disabled"\n')
        self.environment = {**os.environ, "HOME": os.path.join(home, "home"), "TMPDIR": os.path.join(home, "tmp"), "REGISTRY_AUTH_FILE": self.auth,
                            "CONTAINERS_REGISTRIES_CONF": registries, "BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "vfs", "LC_ALL": "C"}
        self.environment.pop("XDG_RUNTIME_DIR", None)

    def _run(self, words, stdin=None):
        return subprocess.run(words, input=stdin, text=True, capture_output=True, env=self.environment, cwd=self.home, timeout=300, check=False)

    def _storage(self):
        return ["--storage-driver", "vfs", "--root", os.path.join(self.home, "root"), "--runroot", os.path.join(self.home, "runroot")]

    def podman(self, *words, stdin=None):
        return self._run(["podman", *self._storage(), "--runtime", "runc", "--cgroup-manager", "cgroupfs", *words], stdin)

    def buildah(self, *words, stdin=None):
        return self._run(["buildah", *self._storage(), *words], stdin)

    def skopeo(self, *words):
        return self._run(["skopeo", "--policy", self.policy, *words])

    def tls(self):
        return ["--cert-dir", self.certificates]

    def login(self, account, password=None):
        return self.podman("login", *self.tls(), "--username", account.name, "--password-stdin", self.registry, stdin=(password or account.password) + "\n")

    def ref(self, name, tag="latest"):
        return f"{self.registry}/{name}:{tag}"

    def static_program(self, text="hello from a container"):
        """A statically linked program that says text; its path."""
        source, program = os.path.join(self.home, "hello.c"), os.path.join(self.home, "hello")
        with open(source, "w", encoding="ascii") as f:
            f.write(PROGRAM.replace("hello from a container", text))
        subprocess.run(["gcc", "-static", "-Os", "-o", program, source], check=True)
        return program

    def build(self, name, text="hello from a container", arch=None):
        """An image FROM scratch with the static program, in the private storage under name."""
        self.static_program(text)
        with open(os.path.join(self.home, "Containerfile"), "w", encoding="ascii") as f:
            f.write('FROM scratch\nCOPY hello /hello\nLABEL story="test"\nCMD ["/hello"]\n')
        more = ["--arch", arch] if arch else []
        return self.buildah("bud", "--quiet", "--timestamp", "1", *more, "-t", name, "-f", "Containerfile", self.home)


def good(t, done, what):
    t.true(done.returncode == 0, f"{what}: exit {done.returncode}\n{done.stdout[-1500:]}{done.stderr[-3000:]}")
    return done.stdout.strip()


def bad(t, done, what, pattern):
    t.true(done.returncode != 0, f"{what} succeeded: {done.stdout}")
    t.matches(done.stderr + done.stdout, pattern, what)
