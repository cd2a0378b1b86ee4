"""scenario.py - what a scenario is, and how scenarios are run.

A file tests/<family>/tNNNN-topic.py tells one story in several scenarios:

    from lib.scenario import scenario

    @scenario("a blob pushed in one piece is there at once")
    def _(t):
        repo = t.repo()
        ...

A file may set CONFIG (keys of config.yaml: files with equal CONFIG share a stack), OWN_STACK = True (it kills or stops
things), SANITIZERS = False (not run again by the asan and tsan families). `t` is a Test. A scenario fails at the first thing that is
not as expected, or by an error in a log of its stack that it did not announce by t.expect_log().
"""
import importlib.util
import itertools
import os
import re
import signal
import sys
import tempfile
import traceback

from lib.build import ROOT

_collected = []


def scenario(text):
    def add(function):
        _collected.append((text, function))
        return function
    return add


class Skip(Exception):
    pass


class Failed(AssertionError):
    pass


class File:
    """One loaded file of scenarios."""

    def __init__(self, path):
        self.path = path
        self.name = os.path.basename(path)[:-3]
        self.number = self.name.split("-")[0]
        self.family = os.path.basename(os.path.dirname(path))
        _collected.clear()
        spec = importlib.util.spec_from_file_location(f"{self.family}.{self.name}".replace("-", "_"), path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self.scenarios = list(_collected)
        self.config = getattr(module, "CONFIG", {})
        self.own_stack = getattr(module, "OWN_STACK", False)
        self.no_stack = getattr(module, "NO_STACK", False)
        self.sanitizers = getattr(module, "SANITIZERS", True)


def load(directory):
    return [File(os.path.join(directory, name)) for name in sorted(os.listdir(directory))
            if re.fullmatch(r"t\d{4}-[a-z0-9-]+\.py", name)]


class Test:
    """What a scenario holds in its hands. One organization and its owner per file and stack."""

    def __init__(self, file, stack, build, temp):
        self.file, self.stack, self.build, self.temp = file, stack, build, temp
        self.expected_log = []
        self.org = file.number
        self._numbers = itertools.count(1)
        self._owner = None

    # ---- people and places ----

    @property
    def owner(self):
        """The account that owns the file's organization."""
        if self._owner is None:
            self._owner = self.stack.user(f"{self.org}-owner")
            self.stack.gantry("org", "add", self.org, "--owner", self._owner.name)
        return self._owner

    @property
    def registry(self):
        if not hasattr(self, "_registry"):
            self._registry = self.stack.registry(self.owner)
        return self._registry

    @property
    def web(self):
        return self.stack.web

    def name(self, hint="r"):
        """A repository of the file's organization that nothing has touched."""
        self.owner  # the organization must be there
        return f"{self.org}/{hint}{next(self._numbers)}"

    def repo(self, name=None, account=None):
        registry = self.stack.registry(account) if account else self.registry
        return registry.repo(name or self.name())

    def user(self, hint="u"):
        return self.stack.user(f"{self.org}-{hint}{next(self._numbers)}")

    def directory(self):
        return tempfile.mkdtemp(prefix=f"{self.file.number}-", dir=self.temp)  # the same scenario runs in several families

    # ---- what the database has ----

    def rows(self, table, repo, condition="TRUE"):
        """The number of rows of a table that belong to a repository."""
        namespace, name = repo.name.split("/", 1)
        column = "id" if table == "repository" else "repository_id"
        found = self.stack.sql(f"SELECT COUNT(*) FROM {table} WHERE {condition} AND {column} IN (SELECT r.id FROM repository r JOIN account a "
                               f"ON a.id = r.namespace_id WHERE a.name = '{namespace}' AND r.name = '{name}')")
        return int(found[0][0])

    def audited(self, repo):
        """Names of the kinds of audit rows of a repository, oldest first."""
        with open(os.path.join(ROOT, "fcgi", "audit", "log_kinds.def"), encoding="utf-8") as f:
            kinds = dict(re.findall(r"^LOG_KIND\((\d+), *(\w+)\)", f.read(), re.M))
        namespace, name = repo.name.split("/", 1)
        found = self.stack.sql("SELECT l.kind FROM log_entry l JOIN repository r ON r.id = l.repository_id JOIN account a ON a.id = r.namespace_id "
                               f"WHERE a.name = '{namespace}' AND r.name = '{name}' ORDER BY l.id")
        return [kinds[row[0]] for row in found]

    # ---- expectations ----

    def expect_log(self, pattern):
        """Error lines that match are what this scenario provokes."""
        self.expected_log.append(pattern)

    def skip(self, why):
        raise Skip(why)

    def fail(self, what):
        raise Failed(what)

    def true(self, condition, what):
        if not condition:
            raise Failed(what() if callable(what) else str(what))

    def eq(self, actual, expected, what=""):
        if actual != expected:
            raise Failed(f"{what}: expected {short(expected)}, got {short(actual)}")

    def matches(self, text, pattern, what=""):
        if text is None or not re.search(pattern, text):
            raise Failed(f"{what}: {short(text)} does not match {pattern}")

    def status(self, answer, *expected):
        """One of these; the answer again. Errors of the registry must be its JSON, never HTML."""
        if answer is None:
            raise Failed("the server closed the connection without an answer")
        if answer.status not in expected:
            raise Failed(f"expected {' or '.join(map(str, expected))}: {answer}")
        self.not_html(answer)
        return answer

    def not_html(self, answer):
        if answer.status >= 400 and (b"<html" in answer.body.lower() or "html" in answer.get("Content-Type", "")):
            raise Failed(f"HTML for an error: {answer}")

    def error(self, answer, status, code):
        """An OCI error body with this code."""
        self.status(answer, status)
        if code not in answer.codes():
            raise Failed(f"expected the code {code}: {answer}")
        if "application/json" not in answer.get("Content-Type", ""):
            raise Failed(f"an error body that is not announced as JSON: {answer}")
        return answer

    def header(self, answer, name, expected):
        self.eq(answer.get(name), expected, f"{name} of {answer.request}")
        return answer


def short(value):
    text = repr(value)
    return text if len(text) < 600 else text[:600] + "..."


class Results:
    def __init__(self, out=sys.stdout):
        self.passed = self.failed = self.skipped = self.number = 0
        self.out = out
        self.failures = []

    def _line(self, word, name, more=""):
        self.number += 1
        print(f"{word} {self.number} - {name}{more}", file=self.out, flush=True)

    def ok(self, name):
        self.passed += 1
        self._line("ok", name)

    def skip(self, name, why):
        self.skipped += 1
        self._line("ok", name, f" # SKIP {why}")

    def bad(self, name, why):
        self.failed += 1
        self.failures.append(name)
        self._line("not ok", name)
        for line in why.rstrip("\n").splitlines():
            print(f"#   {line}", file=self.out, flush=True)

    def note(self, text):
        print(f"# {text}", file=self.out, flush=True)


def _hang(_signal, _frame):
    raise Failed("still running after ten minutes: it hangs")


def run_one(test, text, function, results, label, retries_log=True):
    """One scenario. label: the family as the person asked for it (asan runs the api's)."""
    name = f"{label}/{test.file.name}: {text}"
    stack = test.stack
    test.expected_log = []
    if stack:
        stack.mark_logs()
    signal.signal(signal.SIGALRM, _hang)
    signal.alarm(600)
    why = None
    try:
        function(test)
    except Skip as skip:
        results.skip(name, str(skip))
        return
    except Failed as failed:
        frame = next((f for f in reversed(traceback.extract_tb(failed.__traceback__)) if f.filename == test.file.path), None)
        why = f"{os.path.basename(test.file.path)}:{frame.lineno if frame else '?'}: {failed}"
    except Exception:  # pylint: disable=broad-except
        why = traceback.format_exc()
    finally:
        signal.alarm(0)
    errors = stack.log_errors(test.expected_log) if stack else []
    if errors:
        why = (why + "\n" if why else "") + "errors in the log of the stack:\n" + "\n".join(errors[:80])
    if why is None:
        results.ok(name)
    else:
        results.bad(name, why + ("\n" + stack.log_tails(15) if stack else ""))
