"""The door: who we are, how a client learns where to sign in, and what happens to requests that lead nowhere."""
import re
import subprocess

from lib.scenario import scenario


@scenario("/v2/ challenges a stranger and says where tokens are")
def _(t):
    answer = t.error(t.web.request("GET", "/v2/"), 401, "UNAUTHORIZED")
    t.header(answer, "Docker-Distribution-Api-Version", "registry/2.0")
    found = re.fullmatch(r'Bearer realm="([^"]*)",service="([^"]*)"', answer.get("WWW-Authenticate", ""))
    t.true(found, answer)
    t.eq(found.group(1), t.web.url("/v2/auth"), "realm")
    t.eq(found.group(2), f"{t.web.host}:{t.web.port}", "service")


@scenario("/v2/ answers a token, and a password, and nobody else")
def _(t):
    for path in ("/v2/", "/v2"):
        t.status(t.registry.request("GET", path), 200)
        t.status(t.web.request("GET", path, {"Authorization": t.owner.basic()}), 200)
        t.error(t.web.request("GET", path, {"Authorization": "Bearer nonsense"}), 401, "UNAUTHORIZED")
        t.error(t.web.request("GET", path, {"Authorization": "Negotiate abc"}), 401, "UNAUTHORIZED")
    answer = t.status(t.registry.request("HEAD", "/v2/"), 200)
    t.eq(answer.body, b"", "the body of HEAD")


@scenario("an anonymous token opens /v2/")
def _(t):
    token = t.stack.registry().auth(["repository:nowhere/nothing:pull"])
    t.status(token, 200)
    t.status(t.web.request("GET", "/v2/", {"Authorization": "Bearer " + token.json()["token"]}), 200)


@scenario("every answer carries a request id, errors name theirs")
def _(t):
    ids = {t.web.request("GET", "/v2/").get("X-Request-Id") for _ in range(3)}
    t.eq(len(ids - {None}), 3, "distinct X-Request-Id")


@scenario("addresses that do not exist are JSON, and methods that do not exist name those that do")
def _(t):
    for path in ("/v2/x", "/v2/a/b/nothing", "/v2/a/blobs", "/v2/a/tags", "/v2//", "/v2/a/b/manifests/", "/v3/", "/api/v1/nothing",
                 "/%2e%2e/etc/passwd", "/v2/%2e%2e/%2e%2e/manifests/x"):
        answer = t.registry.request("GET", path)
        t.status(answer, 400, 401, 404)
        t.true("json" in answer.get("Content-Type", ""), answer)
    answer = t.registry.request("PATCH", "/v2/_catalog")
    t.status(answer, 405)
    t.eq(sorted(answer.get("Allow", "").split(", ")), ["GET", "HEAD"], "Allow")
    repo = t.repo()
    answer = t.error(repo.request("POST", "tags/list"), 405, "UNSUPPORTED")
    answer = t.error(repo.request("PUT", "blobs/sha256:" + "0" * 64, body=b"x"), 405, "UNSUPPORTED")


@scenario("/v1/ is told to be out of service")
def _(t):
    for method, path in (("GET", "/v1/"), ("GET", "/v1/_ping"), ("GET", "/v1/repositories/a/b/images"), ("PUT", "/v1/repositories/a/b/"),
                         ("GET", "/v1/search?q=x")):
        answer = t.web.request(method, path)
        t.true(answer.status in (404, 405, 410), answer)
        t.not_html(answer)
        t.matches(answer.body.decode().lower(), r"not supported|v2", "the answer of /v1/")


@scenario("HTTP/2 works")
def _(t):
    done = subprocess.run(["curl", "-sS", "--http2", "--cacert", t.stack.ca, "-o", "/dev/null", "-w", "%{http_version} %{http_code}",
                           t.web.url("/v2/")], capture_output=True, text=True, check=False)
    if done.returncode == 127:
        t.skip("curl is not installed")
    t.eq(done.stdout, "2 401", done.stderr)


@scenario("the page of / is a page")
def _(t):
    answer = t.status(t.web.request("GET", "/"), 200)
    t.matches(answer.get("Content-Type"), r"^text/html")
    t.matches(answer.get("Content-Security-Policy"), "default-src")


@scenario("what nginx answers by itself is JSON too")
def _(t):
    t.status(t.web.raw(b"GET /v2/ HTTP/1.1\r\nHost: localhost\r\nBad Header\r\n\r\n"), 400, 401)
    long = b"GET /v2/" + b"a" * 70000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
    t.status(t.web.raw(long), 414)
    many = b"GET /v2/ HTTP/1.1\r\nHost: localhost\r\nX-A: " + b"a" * 140000 + b"\r\n\r\n"
    t.status(t.web.raw(many), 400, 431, 494)
    big = t.repo().request("PUT", "manifests/x", {"Content-Type": "application/vnd.oci.image.manifest.v1+json"}, b" " * (18 << 20))
    t.status(big, 413)
