"""packages.py - Debian packages that tests need: only those missing, and without starting a system-wide service."""
import atexit
import os
import shutil
import subprocess

POLICY = "/usr/sbin/policy-rc.d"
POLICY_TEXT = "#!/bin/sh\n# Made by Gantry's tests/run while it installs packages: no service is started.\nexit 101\n"

# What must be there, and the package that brings it.
BUILD = [("autoreconf", "autoconf"), ("automake", "automake"), ("make", "make"), ("gcc", "gcc"), ("pkg-config", "pkg-config"),
         ("/usr/include/stdio.h", "libc6-dev"), ("/usr/include/fcgiapp.h", "libfcgi-dev"),
         ("/usr/include/mariadb/mysql.h", "libmariadb-dev"), ("/usr/include/hiredis/hiredis.h", "libhiredis-dev"),
         ("/usr/include/openssl/evp.h", "libssl-dev"), ("/usr/include/jansson.h", "libjansson-dev"),
         ("/usr/include/yaml.h", "libyaml-dev"), ("/usr/include/crypt.h", "libcrypt-dev"),
         ("/usr/include/cmocka.h", "libcmocka-dev")]
STACK = [("nginx", "nginx-light"), ("mariadbd", "mariadb-server"), ("mariadb", "mariadb-client"),
         ("redis-server", "redis-server"), ("openssl", "openssl")]
CLIENTS = [("podman", "podman"), ("buildah", "buildah"), ("skopeo", "skopeo"), ("runc", "runc"), ("curl", "curl")]
STYLE = [("clang-format", "clang-format")]
FUZZ = [("clang", "clang"), ("/usr/lib/llvm-14/lib/clang/14.0.6/lib/linux/libclang_rt.fuzzer-x86_64.a", "libclang-rt-14-dev")]
DIST = [("xz", "xz-utils")]
SERVICES = {"nginx-light": ["nginx"], "mariadb-server": ["mariadb"], "redis-server": ["redis-server"], "podman": []}
PATH = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"


def present(what):
    return os.path.exists(what) if what.startswith("/") else shutil.which(what, path=PATH) is not None


def missing(needs):
    return [package for what, package in needs if not present(what)]


def _policy_remove():
    try:
        with open(POLICY, encoding="utf-8") as f:
            if f.read() == POLICY_TEXT:
                os.unlink(POLICY)
    except OSError:
        pass


def install(needs, note):
    """Installs what is missing; an explanation when that cannot be done, else None."""
    packages = sorted(set(missing(needs)))
    if not packages:
        return None
    command = "apt-get install " + " ".join(packages)
    if os.geteuid() != 0:
        return f"packages are missing; run as root, or: {command}"
    if shutil.which("apt-get") is None:
        return f"packages are missing and there is no apt-get; install what Debian calls {' '.join(packages)}"
    note(f"installing {' '.join(packages)}")
    _policy_remove()  # of a run that was killed
    ours = not os.path.exists(POLICY)
    try:
        if ours:
            atexit.register(_policy_remove)
            with open(os.open(POLICY, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755), "w", encoding="utf-8") as f:
                f.write(POLICY_TEXT)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        wait = ["-o", "DPkg::Lock::Timeout=300"]  # a fresh machine often updates itself at first
        for words in (["apt-get", *wait, "update", "-q"],
                      ["apt-get", *wait, "install", "-y", "-q", "--no-install-recommends", *packages]):
            done = subprocess.run(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  check=False)
            if done.returncode and "install" in words:
                return f"{command} failed:\n{done.stdout[-3000:]}"
    finally:
        if ours:
            _policy_remove()
    if shutil.which("systemctl"):  # what was not there before shall not start at the next boot either
        for package in packages:
            for service in SERVICES.get(package, []):
                subprocess.run(["systemctl", "disable", service], capture_output=True, check=False)
    still = missing(needs)
    return f"still missing after {command}: {' '.join(still)}" if still else None
