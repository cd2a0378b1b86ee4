"""What operators and their machines look at: health, metrics, status."""
import os
import re

from lib.scenario import scenario


@scenario("health says well, in Quay's words")
def _(t):
    for path in ("/health", "/health/instance", "/health/endtoend", "/health/warning", "/status"):
        answer = t.status(t.web.request("GET", path), 200)
        body = answer.json()
        t.eq(body["status_code"], 200, "status_code")
        services = body["data"]["services"]
        t.true(services and all(value is True for value in services.values()), answer)
        t.matches(answer.get("Content-Type"), "^application/json")
    services = t.web.request("GET", "/health/instance").json()["data"]["services"]
    t.true("database" in services and "disk_space" in services, services)
    services = t.web.request("GET", "/health/endtoend").json()["data"]["services"]
    t.true({"database", "redis", "storage"} <= set(services), services)
    t.eq(t.status(t.web.request("HEAD", "/health/instance"), 200).body, b"", "the body of HEAD")


@scenario("metrics are Prometheus text and count what happens")
def _(t):
    def read():
        answer = t.status(t.web.request("GET", "/metrics"), 200)
        t.matches(answer.get("Content-Type"), r"^text/plain; *version=0\.0\.4")
        values = {}
        for line in answer.body.decode().splitlines():
            if line.startswith("#"):
                t.matches(line, r"^# (HELP|TYPE) [a-zA-Z_:][a-zA-Z0-9_:]* ")
                continue
            found = re.fullmatch(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (-?[0-9.e+]+|NaN|\+Inf)", line)
            t.true(found, f"not Prometheus text: {line}")
            t.true(found.group(1) + (found.group(2) or "") not in values, f"twice: {line}")
            values[found.group(1) + (found.group(2) or "")] = float(found.group(3))
        return values

    before = read()
    repo = t.repo()
    repo.push_image("v1")
    repo.get_manifest("v1")
    after = read()
    for name in ("gantry_image_pushes_total", "gantry_image_pulls_total", "gantry_blob_pushed_bytes_total"):
        t.true(after[name] > before.get(name, 0), f"{name}: {before.get(name)} -> {after.get(name)}")
    routes = [name for name in after if "oci_manifest_put" in name]
    t.true(routes, "no metrics of routes")
    t.true(any("_bucket" in name for name in after), "no histograms")


@scenario("gantry status and doctor find everything well")
def _(t):
    said = t.stack.gantry("status")
    for part in ("mariadb", "redis", "nginx", "registry", "upload", "api", "worker"):
        t.true(part in said.lower(), f"{part} is missing in: {said}")
    t.stack.gantry("doctor")
    t.stack.gantry("config", "check")


@scenario("the operator's lists")
def _(t):
    repo = t.repo()
    repo.push_image("v1")
    for words, part in ((("user", "list"), t.owner.name), (("org", "list"), t.org), (("repo", "list"), repo.name), (("team", "list", t.org), "owners")):
        t.true(part in t.stack.gantry(*words), f"{part} is missing in gantry {' '.join(words)}")


@scenario("no process of the stack is root, has a capability, or can gain one")
def _(t):
    if os.stat(t.stack.dir).st_uid == 0:
        t.skip("the stack runs as root, because no other account can read the build")
    processes = t.stack.processes()
    t.true(len(processes) > 8, f"too few processes: {processes}")
    for pid, words in processes.items():
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
        t.true(status["Uid"].split()[1] != "0", f"{words[0]} is root")
        t.eq(int(status["CapEff"], 16), 0, f"capabilities of {words[0]}")
        if "supervise" not in words:
            t.eq(status["NoNewPrivs"], "1", f"NoNewPrivs of {words[0]}")
