"""Deleting blobs: out of one repository, at once, and no further."""
from lib.registry import digest_of, random_blob
from lib.scenario import scenario


@scenario("gone at once, and can come back")
def _(t):
    repo = t.repo()
    for algorithm in ("sha256", "sha512"):
        data = random_blob()
        digest = repo.push_blob(data, algorithm)
        t.status(repo.get(f"blobs/{digest}"), 200)
        t.status(repo.delete(f"blobs/{digest}"), 202)
        t.status(repo.head(f"blobs/{digest}"), 404)
        t.error(repo.get(f"blobs/{digest}"), 404, "BLOB_UNKNOWN")
        t.error(repo.delete(f"blobs/{digest}"), 404, "BLOB_UNKNOWN")
        repo.push_blob(data, algorithm)
        t.eq(t.status(repo.get(f"blobs/{digest}"), 200).body, data, "the blob pushed again")


@scenario("another repository keeps its own")
def _(t):
    first, second = t.repo(), t.repo()
    data = random_blob()
    digest = first.push_blob(data)
    second.push_blob(data)
    t.status(first.delete(f"blobs/{digest}"), 202)
    t.eq(t.status(second.get(f"blobs/{digest}"), 200).body, data, "the other's blob")


@scenario("what is not there, or is no digest")
def _(t):
    repo = t.repo()
    repo.push_blob(random_blob())
    t.error(repo.delete(f"blobs/{digest_of(random_blob())}"), 404, "BLOB_UNKNOWN")
    t.status(repo.delete("blobs/sha256:zz"), 400, 404)


@scenario("a reader may not")
def _(t):
    repo = t.repo()
    digest = repo.push_blob(random_blob())
    reader = t.user("reader")
    t.stack.gantry("repo", "grant", repo.name, reader.name, "read")
    theirs = t.stack.registry(reader).repo(repo.name)
    t.status(theirs.get(f"blobs/{digest}"), 200)
    t.error(theirs.delete(f"blobs/{digest}"), 401, "UNAUTHORIZED")
    t.status(repo.head(f"blobs/{digest}"), 200)
