"""Names of repositories: one part means the library, several parts nest, and what breaks the rules is told which."""
from lib.registry import image
from lib.scenario import scenario


@scenario("one-part names are the library's")
def _(t):
    t.owner
    if not t.stack.sql("SELECT id FROM account WHERE name = 'library'"):
        t.stack.gantry("org", "add", "library", "--owner", t.owner.name)
    t.stack.gantry("team", "grant", "library", "owners", t.owner.name, check=False)
    short, long = t.repo("busybox"), t.repo("library/busybox")
    data, digest = short.push_image("v1")
    for repo in (short, long):
        t.true(t.status(repo.get_manifest("v1"), 200).body == data, "other bytes")
        t.status(repo.get(f"manifests/{digest}"), 200)
    t.eq(short.tags(), ["v1"], "tags")
    answer = t.web.request("GET", "/v2/busybox/tags/list")
    t.matches(answer.get("WWW-Authenticate"), 'scope="repository:(library/)?busybox:pull"')


@scenario("names with many parts, and with parts that look like routes")
def _(t):
    for name in ("a/b/c/d/e", "web.v2", "x__y", "x-y--z", "blobs", "manifests/x", "tags/list", "blobs/uploads", "referrers"):
        repo = t.repo(f"{t.org}/{name}")
        data, digest = repo.push_image("v1")
        t.true(t.status(repo.get_manifest("v1"), 200).body == data, f"{name}: other bytes")
        t.status(repo.get(f"manifests/{digest}"), 200)
        t.eq(repo.tags(), ["v1"], f"tags of {name}")
        t.status(repo.get(f"referrers/{digest}"), 200)


@scenario("names that are none")
def _(t):
    t.owner
    for name in ("Upper/x", f"{t.org}/Upper", f"{t.org}/-x", f"{t.org}/x-", f"{t.org}/x..y", f"{t.org}/_x", f"{t.org}/" + "x" * 256, f"{t.org}//x",
                 f"{t.org}/x%20y", f"{t.org}/%C3%A4", f"{t.org}/x:y", f"{t.org}/..", f"{t.org}/."):
        for rest in ("tags/list", "manifests/v1"):
            answer = t.web.request("GET", f"/v2/{name}/{rest}", {"Authorization": t.owner.basic()})
            t.status(answer, 400, 404)
            t.true(answer.codes(), answer)
    answer = t.web.request("GET", f"/v2/{t.org}/Upper/tags/list", {"Authorization": t.owner.basic()})
    t.error(answer, 400, "NAME_INVALID")


@scenario("a slash that is escaped is not a slash")
def _(t):
    repo = t.repo()
    repo.push_image("v1")
    escaped = repo.name.replace("/", "%2F")
    answer = t.web.request("GET", f"/v2/{escaped}/manifests/v1", {"Authorization": t.owner.basic()})
    t.status(answer, 400, 404)
    t.status(t.web.request("GET", f"/v2/{repo.name}/manifests/%76%31", {"Authorization": t.owner.basic()}), 200)  # v1, once decoded


@scenario("the same repository by two ways is one")
def _(t):
    repo = t.repo()
    data = image(repo)
    repo.push_manifest("v1", data)
    t.status(t.web.request("GET", f"/v2/{repo.name}/manifests/v1?x=y&z", {"Authorization": t.owner.basic()}), 200)
