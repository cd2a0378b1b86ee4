"""conformance.py - the conformance suite of the OCI, the real one, pinned; over TLS, with the token flow, as a client from outside."""
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

MODULE = "github.com/opencontainers/distribution-spec/conformance"
VERSION = "v0.0.0-20260831232431-97274622c111"

# What may be skipped, by the names that the suite gives to its cases: nothing.
EXPECTED_SKIPS = {"1.1": set(), "dev": set()}


def go_is_new_enough():
    go = shutil.which("go", path=os.environ.get("PATH", "") + ":/usr/local/go/bin")
    if not go:
        return None
    said = subprocess.run([go, "version"], capture_output=True, text=True, check=False, cwd="/").stdout
    found = re.search(r"go(\d+)\.(\d+)", said)
    return go if found and (int(found.group(1)), int(found.group(2))) >= (1, 24) else None


def suite(t):
    """The program, installed once per run; $GANTRY_TEST_CONFORMANCE names one that is there already."""
    given = os.environ.get("GANTRY_TEST_CONFORMANCE")
    if given:
        return given
    program = os.path.join(t.temp, "go", "conformance")
    if os.path.exists(program):
        return program
    go = go_is_new_enough()
    if not go:
        t.skip("Go 1.24 or newer is not installed; our own tests of each row are in the api family")
    done = subprocess.run([go, "install", f"{MODULE}@{VERSION}"], capture_output=True, text=True, check=False, cwd=t.temp,
                          env={**os.environ, "GOBIN": os.path.dirname(program), "GOFLAGS": "-mod=mod -modcacherw"})
    if done.returncode:
        if re.search(r"dial tcp|lookup |no such host|connection refused|i/o timeout", done.stderr):
            t.skip("the suite cannot be fetched: no module proxy is reachable")
        t.fail(f"go install failed: {done.stderr}")
    return program


def run(t, version, more=None):
    program = suite(t)
    results = t.directory()
    owner, two = t.owner, t.name("two")
    done = subprocess.run([program], capture_output=True, text=True, check=False, cwd=results, timeout=500, env={
        **{k: v for k, v in os.environ.items() if not k.startswith("OCI_")}, "OCI_VERSION": version, "OCI_REGISTRY": f"{t.stack.host}:{t.stack.port}", "OCI_TLS": "enabled",
        "SSL_CERT_FILE": t.stack.ca, "OCI_REPO1": t.name("one"), "OCI_REPO2": two, "OCI_USERNAME": owner.name,
        "OCI_PASSWORD": owner.password, "OCI_RESULTS_DIR": results, **(more or {})})
    report = os.path.join(results, "junit.xml")
    t.true(os.path.exists(report), f"the suite left no results: exit {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    failed, skipped, count = [], set(), 0
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        count += 1
        name = case.get("name")
        if case.find("failure") is not None or case.find("error") is not None:
            element = case.find("failure") if case.find("failure") is not None else case.find("error")
            failed.append(f"{name}: {(element.get('message') or '')[:300]} {(element.text or '')[:600]}")
        elif case.find("skipped") is not None:
            skipped.add(name)
    t.true(count > 500, f"only {count} cases were run")
    t.true(not failed, f"{len(failed)} of {count} failed:\n" + "\n".join(failed[:20]))
    t.eq(skipped, EXPECTED_SKIPS[version], "skipped cases")
    t.eq(done.returncode, 0, f"exit status\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
