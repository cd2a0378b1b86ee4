"""Deleting manifests and tags: a tag alone, or a manifest with all of its tags; visible at once."""
from lib.registry import digest_of, image, index
from lib.scenario import scenario


@scenario("a tag goes, its manifest and the other tags stay")
def _(t):
    repo = t.repo()
    data, digest = repo.push_image("v1")
    repo.push_manifest("v2", data)
    t.status(repo.get_manifest("v1"), 200)
    t.status(repo.delete("manifests/v1"), 202)
    t.status(repo.head("manifests/v1"), 404)
    t.error(repo.get_manifest("v1"), 404, "MANIFEST_UNKNOWN")
    t.eq(repo.tags(), ["v2"], "tags")
    for reference in ("v2", digest):
        t.true(t.status(repo.get_manifest(reference), 200).body == data, "other bytes")
    t.error(repo.delete("manifests/v1"), 404, "MANIFEST_UNKNOWN")


@scenario("a digest goes, and all of its tags")
def _(t):
    repo = t.repo()
    data, digest = repo.push_image("v1")
    repo.push_manifest("v2", data)
    other, _ = repo.push_image("other")
    for reference in ("v1", "v2", digest):
        t.status(repo.get_manifest(reference), 200)
    t.status(repo.delete(f"manifests/{digest}"), 202)
    for reference in ("v1", "v2", digest):
        t.error(repo.get_manifest(reference), 404, "MANIFEST_UNKNOWN")
        t.status(repo.head(f"manifests/{reference}"), 404)
    t.eq(repo.tags(), ["other"], "tags")
    t.true(repo.get_manifest("other").body == other, "other bytes")
    t.error(repo.delete(f"manifests/{digest}"), 404, "MANIFEST_UNKNOWN")


@scenario("what was deleted can be pushed again")
def _(t):
    repo = t.repo()
    data, digest = repo.push_image("v1")
    for _ in range(3):
        t.status(repo.delete(f"manifests/{digest}"), 202)
        t.status(repo.get_manifest("v1"), 404)
        repo.push_manifest("v1", data)
        t.true(t.status(repo.get_manifest("v1"), 200).body == data, "other bytes")
        t.true(t.status(repo.get_manifest(digest), 200).body == data, "other bytes")


@scenario("deleting before and after others, as the suite does: tags, manifests in reverse, blobs")
def _(t):
    import json
    repo = t.repo()
    child = image(repo)
    repo.push_manifest(None, child)
    top = index(child)
    repo.push_manifest("top", top)
    t.status(repo.delete("manifests/top"), 202)
    t.status(repo.head("manifests/top"), 404)
    for data in (top, child):
        t.status(repo.delete(f"manifests/{digest_of(data)}"), 202)
        t.status(repo.head(f"manifests/{digest_of(data)}"), 404)
    document = json.loads(child)
    for part in (document["config"], *document["layers"]):
        t.status(repo.delete(f"blobs/{part['digest']}"), 202)
        t.status(repo.head(f"blobs/{part['digest']}"), 404)


@scenario("what is not there, and what is no reference")
def _(t):
    repo = t.repo()
    repo.push_image("v1")
    t.error(repo.delete("manifests/v2"), 404, "MANIFEST_UNKNOWN")
    t.error(repo.delete(f"manifests/{digest_of(b'x')}"), 404, "MANIFEST_UNKNOWN")
    t.status(repo.delete("manifests/sha256:zz"), 400, 404)
    t.status(t.repo().delete("manifests/v1"), 404)


@scenario("a reader may not")
def _(t):
    repo = t.repo()
    _, digest = repo.push_image("v1")
    reader = t.user("reader")
    t.stack.gantry("repo", "grant", repo.name, reader.name, "read")
    theirs = t.stack.registry(reader).repo(repo.name)
    t.status(theirs.get_manifest("v1"), 200)
    for reference in ("v1", digest):
        t.error(theirs.delete(f"manifests/{reference}"), 401, "UNAUTHORIZED")
    t.status(repo.get_manifest("v1"), 200)


@scenario("the history of a tag is kept")
def _(t):
    repo = t.repo()
    repo.push_image("v1")
    repo.push_image("v1")
    t.status(repo.delete("manifests/v1"), 202)
    t.eq((t.rows("tag", repo), t.rows("tag", repo, "is_current IS NOT NULL")), (2, 0), "rows of the tag, living ones")
