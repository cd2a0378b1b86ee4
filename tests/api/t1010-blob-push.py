"""Blobs in one piece: every way a client can hand one over, both algorithms, and what is refused."""
import hashlib
import re

from lib.registry import digest_of, random_blob
from lib.scenario import scenario

UUID = r"/v2/[a-z0-9/._-]+/blobs/uploads/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"


def check_there(t, repo, digest, data):
    """HEAD, GET, and where the 201 pointed to agree about it."""
    head = t.status(repo.head(f"blobs/{digest}"), 200)
    t.header(head, "Content-Length", str(len(data)))
    t.header(head, "Docker-Content-Digest", digest)
    t.eq(head.body, b"", "the body of HEAD")
    got = t.status(repo.get(f"blobs/{digest}"), 200)
    t.true(got.body == data, "the bytes of the blob differ")
    t.header(got, "Content-Length", str(len(data)))
    t.header(got, "Docker-Content-Digest", digest)


def check_created(t, repo, answer, digest, data):
    t.status(answer, 201)
    t.header(answer, "Docker-Content-Digest", digest)
    t.header(answer, "Content-Length", "0")
    got = t.status(repo.get(repo.where(answer)), 200)
    t.true(got.body == data, "Location does not lead to the bytes")
    check_there(t, repo, digest, data)


@scenario("POST opens a session with a UUID in its path and an empty range")
def _(t):
    repo = t.repo()
    answer = t.status(repo.request("POST", "blobs/uploads/"), 202)
    location = repo.where(answer)
    t.matches(location.split("?")[0], UUID, "Location")
    t.true(answer.get("Docker-Upload-UUID") in location, answer)
    t.matches(answer.get("Range"), r"^0-(0|-1)$", "Range")
    t.header(answer, "Docker-Distribution-Api-Version", "registry/2.0")
    t.status(repo.request("POST", "blobs/uploads"), 202)  # without the slash, too


@scenario("POST, then PUT with everything")
def _(t):
    repo = t.repo()
    for algorithm in ("sha256", "sha512"):
        data = random_blob()
        digest = digest_of(data, algorithm)
        check_created(t, repo, repo.close(repo.start(), digest, data), digest, data)


@scenario("a single POST with digest and body")
def _(t):
    repo = t.repo()
    for algorithm in ("sha256", "sha512"):
        data = random_blob()
        digest = digest_of(data, algorithm)
        answer = repo.request("POST", f"blobs/uploads/?digest={digest}", {"Content-Type": "application/octet-stream"}, data)
        check_created(t, repo, answer, digest, data)


@scenario("POST with digest and no body: an ordinary session is opened, or the digest refused")
def _(t):
    repo = t.repo()
    answer = repo.request("POST", f"blobs/uploads/?digest={digest_of(b'x')}", {}, b"")
    t.status(answer, 202, 400)
    t.status(repo.head(f"blobs/{digest_of(b'x')}"), 404)


@scenario("a streamed PATCH without Content-Range, then PUT")
def _(t):
    repo = t.repo()
    for algorithm in ("sha256", "sha512"):
        parts = [random_blob(70000) for _ in range(5)]
        data = b"".join(parts)
        answer = t.status(repo.patch(repo.start(), iter(parts)), 202)
        t.header(answer, "Range", f"0-{len(data) - 1}")
        digest = digest_of(data, algorithm)
        check_created(t, repo, repo.close(repo.where(answer), digest), digest, data)


@scenario("the empty blob, however it comes")
def _(t):
    for how in ("put", "post", "patch"):
        repo = t.repo()
        digest = digest_of(b"")
        if how == "put":
            answer = repo.close(repo.start(), digest, b"")
        elif how == "post":
            answer = repo.request("POST", f"blobs/uploads/?digest={digest}", {"Content-Type": "application/octet-stream"}, b"")
            if answer.status == 202:
                answer = repo.close(repo.where(answer), digest, b"")
        else:
            answer = repo.close(repo.where(t.status(repo.patch(repo.start(), b""), 202)), digest)
        t.status(answer, 201)
        check_there(t, repo, digest, b"")


@scenario("a blob that is there already may come again, in the same and in another repository")
def _(t):
    data = random_blob(3000)
    first, second = t.repo(), t.repo()
    for repo in (first, first, second):
        digest = repo.push_blob(data)
        check_there(t, repo, digest, data)
    check_there(t, first, first.push_blob(data, "sha512"), data)


@scenario("ten mebibytes arrive whole")
def _(t):
    repo = t.repo()
    data = random_blob(10 << 20)
    digest = digest_of(data)
    check_created(t, repo, repo.close(repo.start(), digest, data), digest, data)


@scenario("what does not match its digest is refused, and is not there")
def _(t):
    repo = t.repo()
    data, other = random_blob(), random_blob()
    wrong = digest_of(other)
    t.error(repo.close(repo.start(), wrong, data), 400, "DIGEST_INVALID")
    answer = repo.request("POST", f"blobs/uploads/?digest={wrong}", {"Content-Type": "application/octet-stream"}, data)
    t.error(answer, 400, "DIGEST_INVALID")
    location = repo.where(t.status(repo.patch(repo.start(), data), 202))
    t.error(repo.close(location, wrong), 400, "DIGEST_INVALID")
    location = repo.where(t.status(repo.patch(repo.start(), data[:100], 0), 202))
    t.error(repo.close(location, wrong, data[100:], 100), 400, "DIGEST_INVALID")
    t.error(repo.close(repo.start(), digest_of(other, "sha512"), data), 400, "DIGEST_INVALID")
    for digest in (wrong, digest_of(data), digest_of(other, "sha512")):
        t.error(repo.get(f"blobs/{digest}"), 404, "BLOB_UNKNOWN")


@scenario("digests that are none")
def _(t):
    repo = t.repo()
    good = hashlib.sha256(b"x").hexdigest()
    for digest in ("", "sha256:", "sha256:" + good[:-1], "sha256:" + good + "0", "sha256:" + good.upper(), "sha512:" + good, "md5:" + good[:32],
                   good, "sha256%3A" + good[:-2] + "zz", "sha256:../../../../etc/passwd", "sha256::" + good):
        answer = repo.close(repo.start(), digest, b"x")
        t.error(answer, 400, "DIGEST_INVALID")
    answer = repo.request("PUT", repo.start(), {}, b"x")
    t.error(answer, 400, "DIGEST_INVALID")
    for digest in ("sha256:zz", "sha256:" + good.upper(), "md5:" + good[:32], "nonsense"):
        t.status(repo.get(f"blobs/{digest}"), 400, 404)
        t.status(repo.head(f"blobs/{digest}"), 400, 404)


@scenario("the digest may be percent-encoded in the query")
def _(t):
    repo = t.repo()
    data = random_blob()
    digest = digest_of(data)
    check_created(t, repo, repo.close(repo.start(), digest.replace(":", "%3A"), data), digest, data)


@scenario("blobs that nobody pushed are unknown")
def _(t):
    repo = t.repo()
    repo.push_blob(b"so that the repository is there")
    digest = digest_of(random_blob())
    t.error(repo.get(f"blobs/{digest}"), 404, "BLOB_UNKNOWN")
    answer = t.status(repo.head(f"blobs/{digest}"), 404)
    t.eq(answer.body, b"", "the body of HEAD")
    t.error(repo.get(f"blobs/{digest_of(b'', 'sha512')}"), 404, "BLOB_UNKNOWN")


@scenario("a blob of one repository is not readable through another")
def _(t):
    first, second = t.repo(), t.repo()
    digest = first.push_blob(random_blob())
    second.push_blob(random_blob())
    t.error(second.get(f"blobs/{digest}"), 404, "BLOB_UNKNOWN")


@scenario("the file on the disk is the blob, under its address, and no session file stays")
def _(t):
    repo = t.repo()
    data = random_blob(5000)
    digest = repo.push_blob(data)
    with open(t.stack.blob_path(digest), "rb") as f:
        t.true(f.read() == data, "the stored file differs")
    t.matches(digest, re.compile("^sha256:"))
