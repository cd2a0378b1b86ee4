"""The catalog: what a caller may read, in pages, and nothing else."""
from lib.registry import Registry
from lib.scenario import scenario


def walk(t, registry, query=""):
    seen, path, pages = [], "/v2/_catalog" + query, 0
    while path:
        answer = t.status(registry.request("GET", path), 200)
        seen += answer.json()["repositories"]
        link = answer.get("Link")
        path = registry.web.path_of(link[1:link.index(">")], path) if link else None
        pages += 1
        t.true(pages < 200, "pages without end")
    return seen


@scenario("a user sees their own, in order, in pages of every size")
def _(t):
    person = t.user("catalog")
    registry = t.stack.registry(person)
    names = sorted(f"{person.name}/r{i}" for i in range(7))
    for name in reversed(names):
        registry.repo(name).push_blob(b"x")
    for query in ("", "?n=1", "?n=3", "?n=7", "?n=100"):
        t.eq([n for n in walk(t, registry, query) if n.startswith(person.name + "/")], names, f"the catalog {query}")
    t.eq(t.status(registry.request("GET", "/v2/_catalog?n=0"), 200).json()["repositories"], [], "n=0")


@scenario("private repositories of others are not in it")
def _(t):
    hidden = t.repo()
    hidden.push_blob(b"x")
    stranger = t.user("stranger")
    t.true(hidden.name not in walk(t, t.stack.registry(stranger)), "a private repository of another")
    t.stack.gantry("repo", "grant", hidden.name, stranger.name, "read")
    t.true(hidden.name in walk(t, t.stack.registry(stranger)), "a granted repository is missing")


@scenario("strangers are challenged")
def _(t):
    t.error(t.web.request("GET", "/v2/_catalog"), 401, "UNAUTHORIZED")
    anonymous = Registry(t.web)
    token = anonymous.auth(["repository:a/b:pull"]).json()["token"]
    answer = t.web.request("GET", "/v2/_catalog", {"Authorization": "Bearer " + token})
    t.status(answer, 200, 401, 403)
    if answer.status == 200:
        t.eq(answer.json()["repositories"], [], "the catalog of a stranger")
