"""Lists of tags: in byte order, in pages that a client can follow."""
from lib.registry import digest_of, image
from lib.scenario import scenario

NAMES = ["0", "1", "10", "2", "A", "B", "Z", "_", "_x", "a", "a-b", "a.b", "a_b", "aa", "b", "latest", "v1", "v1.0", "v1.0.1", "v10", "v2"]


def tagged(t, names=NAMES):
    repo = t.repo()
    data = image(repo)
    digest = digest_of(data)
    for at in range(0, len(names), 10):
        answer = repo.put_manifest(digest, data, query="?" + "&".join(f"tag={n}" for n in names[at:at + 10]))
        t.status(answer, 201)
    return repo


@scenario("all of them, in byte order")
def _(t):
    repo = tagged(t, list(reversed(NAMES)))
    answer = t.status(repo.get("tags/list"), 200)
    t.matches(answer.get("Content-Type"), "^application/json")
    t.eq(answer.json(), {"name": repo.name, "tags": sorted(NAMES)}, "the list")
    t.header(answer, "Link", None)


@scenario("pages of every size join to the whole")
def _(t):
    repo = tagged(t)
    for n in (1, 2, 7, 20, 21, 22, 100):
        seen, path = [], f"/v2/{repo.name}/tags/list?n={n}"
        while path:
            answer = t.status(repo.get(path), 200)
            page = answer.json()["tags"]
            t.true(len(page) <= n, f"{len(page)} on a page of {n}")
            seen += page
            link = answer.get("Link")
            if link:
                t.matches(link, r'^<[^>]+>; *rel="next"$', "Link")
                t.eq(len(page), n, "a page with a next one")
                path = repo.registry.web.path_of(link[1:link.index(">")], path)
                t.true(f"n={n}" in path, f"the next page has another size: {path}")
            else:
                path = None
        t.eq(seen, sorted(NAMES), f"pages of {n}")


@scenario("after a tag, which need not exist")
def _(t):
    repo = tagged(t)
    for last in ("0", "a", "a-b", "v1", "v2", "zzz", "a0", "A", "_", "ZZ"):
        t.eq(repo.tags(f"?last={last}"), [n for n in sorted(NAMES) if n > last], f"after {last}")
        t.eq(repo.tags(f"?last={last}&n=3"), [n for n in sorted(NAMES) if n > last][:3], f"three after {last}")


@scenario("n=0 is nothing, and nonsense is refused")
def _(t):
    repo = tagged(t, ["v1"])
    answer = t.status(repo.get("tags/list?n=0"), 200)
    t.eq(answer.json()["tags"], [], "tags")
    t.header(answer, "Link", None)
    for query in ("?n=-1", "?n=x", "?n=", "?n=1.5", "?n=99999999999999999999"):
        t.status(repo.get("tags/list" + query), 200, 400)
    t.status(repo.get("tags/list?n=%zz"), 400)
    t.status(repo.get("tags/list?last=%00"), 400)


@scenario("without tags: an empty list; without a repository: unknown")
def _(t):
    repo = t.repo()
    repo.push_blob(b"only a blob")
    t.eq(t.status(repo.get("tags/list"), 200).json()["tags"], [], "tags")
    answer = t.status(t.repo().get("tags/list"), 200, 404)
    if answer.status == 404:
        t.error(answer, 404, "NAME_UNKNOWN")


@scenario("more than a thousand tags are all reachable")
def _(t):
    names = [f"t{i:04d}" for i in range(1200)]
    repo = t.repo()
    data = image(repo)
    for at in range(0, len(names), 50):
        answer = repo.put_manifest(digest_of(data), data, query="?" + "&".join(f"tag={n}" for n in names[at:at + 50]))
        if answer.status == 413:
            t.error(answer, 413, "TOO_MANY_TAGS_REQUESTED")
            for sub in range(at, at + 50, 10):
                t.status(repo.put_manifest(digest_of(data), data, query="?" + "&".join(f"tag={n}" for n in names[sub:sub + 10])), 201)
        else:
            t.status(answer, 201)
    seen, path = [], f"/v2/{repo.name}/tags/list"
    while path:
        answer = t.status(repo.get(path), 200)
        seen += answer.json()["tags"]
        link = answer.get("Link")
        path = repo.registry.web.path_of(link[1:link.index(">")], path) if link else None
    t.eq(seen, names, "all tags")
