"""Sizes that an operator set, told as JSON by whoever notices: the gate, or nginx."""
from lib.registry import digest_of, image, random_blob
from lib.scenario import scenario

CONFIG = {"MAXIMUM_LAYER_SIZE": "1M", "MAXIMUM_MANIFEST_SIZE": "64K"}


@scenario("a blob past the limit is 413 and leaves nothing")
def _(t):
    repo = t.repo()
    data = random_blob((1 << 20) + 1)
    digest = digest_of(data)
    t.error(repo.close(repo.start(), digest, data), 413, "SIZE_INVALID")
    answer = repo.request("POST", f"blobs/uploads/?digest={digest}", {"Content-Type": "application/octet-stream"}, data)
    t.error(answer, 413, "SIZE_INVALID")
    t.error(repo.get(f"blobs/{digest}"), 404, "BLOB_UNKNOWN")
    exact = data[:-1]
    t.status(repo.close(repo.start(), digest_of(exact), exact), 201)


@scenario("in chunks, the sum counts")
def _(t):
    repo = t.repo()
    data = random_blob(600_000)
    location = repo.where(t.status(repo.patch(repo.start(), data, 0), 202))
    t.error(repo.patch(location, data, 600_000), 413, "SIZE_INVALID")


@scenario("streamed, without a length in advance")
def _(t):
    repo = t.repo()
    answer = repo.patch(repo.start(), iter([random_blob(100_000)] * 15))
    t.error(answer, 413, "SIZE_INVALID")


@scenario("a manifest past the limit is 413")
def _(t):
    repo = t.repo()
    data = image(repo)
    answer = t.status(repo.put_manifest("v1", data + b" " * 70_000), 413)  # nginx or the gate says so
    t.true(set(answer.codes()) & {"MANIFEST_INVALID", "SIZE_INVALID"}, answer)
    t.status(repo.put_manifest("v1", data + b" " * 1000), 201)
