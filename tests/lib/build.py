"""build.py - builds of the product, one per configuration, out of tree."""
import fcntl
import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

_SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:strict_string_checks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "halt_on_error=0:second_deadlock_stack=1:report_signal_unsafe=1"
                    f":suppressions={ROOT}/tests/lib/tsan.supp",
    "LSAN_OPTIONS": f"suppressions={ROOT}/tests/lib/lsan.supp:print_suppressions=0",
}


class Build:
    """name: the directory under the build root. wrapper: words before `gantry up`."""

    def __init__(self, root, name, options=(), stack_config=None, wrapper=()):
        self.dir = os.path.join(root, name)
        self.name, self.options = name, list(options)
        self.stack_config = stack_config or {}
        self.wrapper = list(wrapper)
        self.done = False

    def environment(self):
        return {**os.environ, **_SANITIZER_OPTIONS, "LC_ALL": "C"}

    def program(self, name):
        return os.path.join(self.dir, name)

    def _run(self, words, cwd):
        log = os.path.join(self.dir, "tests-run.log")
        with open(log, "a", encoding="utf-8") as out:
            out.write(f"$ {' '.join(words)}\n")
            out.flush()
            code = subprocess.run(words, cwd=cwd, stdout=out, stderr=subprocess.STDOUT, check=False,
                                  stdin=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C"}).returncode
        if code:
            with open(log, encoding="utf-8", errors="replace") as f:
                tail = "\n".join(f.read().splitlines()[-40:])
            raise AssertionError(f"{' '.join(words)} failed in {cwd} ({log}):\n{tail}")

    def make(self, note, *targets):
        """Configures when needed and builds. An AssertionError has the end of the log."""
        os.makedirs(self.dir, exist_ok=True)
        # read by the account that the stacks run as
        os.chmod(self.dir, 0o755)
        if not self.done:
            note(f"building {self.name} in {self.dir}")
            with open(os.path.join(self.dir, "tests-run.log"), "w", encoding="utf-8"):
                pass
            with open(os.path.join(ROOT, "configure.ac"), encoding="utf-8") as source:
                fcntl.flock(source, fcntl.LOCK_EX)
                if not os.path.exists(os.path.join(ROOT, "configure")):
                    self._run(["autoreconf", "-fi"], ROOT)
            if not os.path.exists(os.path.join(self.dir, "config.status")):
                self._run([os.path.join(ROOT, "configure"), "-q", "--enable-werror", *self.options], self.dir)
            self._run(["make", f"-j{os.cpu_count() or 2}"], self.dir)
            self.done = True
        if targets:
            self._run(["make", f"-j{os.cpu_count() or 2}", *targets], self.dir)
        return self
