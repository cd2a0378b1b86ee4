"""Blobs in pieces: order is everything, and a mistake must not cost what was sent before."""
from lib.registry import digest_of, random_blob
from lib.scenario import scenario


def check(t, repo, digest, data):
    got = t.status(repo.get(f"blobs/{digest}"), 200)
    t.true(got.body == data, "the bytes of the blob differ")


@scenario("chunks in order; each answer says how far we are")
def _(t):
    repo = t.repo()
    for algorithm in ("sha256", "sha512"):
        data = random_blob(5000)
        location = repo.start()
        for first, last in ((0, 1024), (1024, 3000), (3000, 5000)):
            answer = t.status(repo.patch(location, data[first:last], first), 202)
            t.header(answer, "Range", f"0-{last - 1}")
            t.true(answer.get("Docker-Upload-UUID"), answer)
            location = repo.where(answer)
            status = t.status(repo.get(location), 204)
            t.header(status, "Range", f"0-{last - 1}")
        digest = digest_of(data, algorithm)
        t.status(repo.close(location, digest), 201)
        check(t, repo, digest, data)


@scenario("the last chunk may come with the closing PUT")
def _(t):
    repo = t.repo()
    for algorithm in ("sha256", "sha512"):
        data = random_blob(3000)
        location = repo.where(t.status(repo.patch(repo.start(), data[:1500], 0), 202))
        digest = digest_of(data, algorithm)
        answer = t.status(repo.close(location, digest, data[1500:], 1500), 201)
        t.header(answer, "Docker-Content-Digest", digest)
        check(t, repo, digest, data)


@scenario("out of order is 416 and the session goes on")
def _(t):
    repo = t.repo()
    data = random_blob(4096)
    location = repo.start()
    for first in (0, 1024, 2048):
        for wrong in (first + 1, first + 1024, 3_000_000_000):
            answer = t.status(repo.patch(location, data[:1024], wrong), 416)
            t.true(answer.codes(), answer)
            t.true(answer.get("Range"), f"no Range in {answer}")
        status = t.status(repo.get(location), 204)
        if first:
            t.header(status, "Range", f"0-{first - 1}")
        else:
            t.matches(status.get("Range"), r"^0-(0|-1)$")
        location = repo.where(status) if status.get("Location") else location
        location = repo.where(t.status(repo.patch(location, data[first:first + 1024], first), 202))
    digest = digest_of(data)
    t.status(repo.close(location, digest, data[3072:], 2000), 416)
    t.status(repo.close(location, digest, data[3072:], 3072), 201)
    check(t, repo, digest, data)


@scenario("a chunk that came before is 416; one from 0 that reaches further than all there is begins anew")
def _(t):
    repo = t.repo()
    data = random_blob(3000)
    location = repo.where(t.status(repo.patch(repo.start(), random_blob(2000), 0), 202))
    for first, last in ((1000, 1100), (1000, 3000), (0, 1000), (0, 2000)):  # the last is the same chunk once more
        answer = t.status(repo.patch(location, data[first:last], first), 416)
        t.header(answer, "Range", "0-1999")
        location = repo.where(answer)
    location = repo.where(t.status(repo.patch(location, data[:2001], 0), 202))
    t.header(t.status(repo.get(location), 204), "Range", "0-2000")
    location = repo.where(t.status(repo.patch(location, data[2001:], 2001), 202))
    digest = digest_of(data)
    t.status(repo.close(location, digest), 201)
    check(t, repo, digest, data)


@scenario("the closing PUT may begin anew, too")
def _(t):
    repo = t.repo()
    for algorithm in ("sha256", "sha512"):
        data = random_blob(3000)
        location = repo.where(t.status(repo.patch(repo.start(), random_blob(2000), 0), 202))
        digest = digest_of(data, algorithm)
        t.status(repo.close(location, digest, data, 0), 201)
        check(t, repo, digest, data)


@scenario("PATCH without Content-Range goes on where the last one ended, as docker does")
def _(t):
    repo = t.repo()
    data = random_blob(2000)
    location = repo.where(t.status(repo.patch(repo.start(), data[:1200]), 202))
    answer = repo.patch(location, data[1200:])
    t.status(answer, 202)
    t.header(answer, "Range", "0-1999")
    t.status(repo.close(repo.where(answer), digest_of(data)), 201)
    check(t, repo, digest_of(data), data)


@scenario("a Content-Range that does not fit its body, or is none")
def _(t):
    repo = t.repo()
    data = random_blob(100)
    location = repo.start()
    for content_range in ("0-98", "0-100", "5-1", "a-b", "0-", "-99", "0", "bytes 0-99/100", "0-99/100", "0 - 99", "00x-99", "-1-99",
                          "0-18446744073709551615", "0-99999999999999999999999"):
        answer = repo.request("PATCH", location, {"Content-Range": content_range}, data)
        t.status(answer, 400, 416)
        t.true(answer.codes(), answer)
    location = repo.where(t.status(repo.patch(location, data, 0), 202))
    t.status(repo.close(location, digest_of(data)), 201)


@scenario("digest-algorithm is told at the start")
def _(t):
    repo = t.repo()
    data = random_blob(2000)
    for algorithm in ("sha256", "sha512"):
        location = repo.start(f"?digest-algorithm={algorithm}")
        location = repo.where(t.status(repo.patch(location, data, 0), 202))
        digest = digest_of(data, algorithm)
        t.status(repo.close(location, digest), 201)
        check(t, repo, digest, data)
    location = repo.start("?digest-algorithm=sha512")  # and another one at the end
    digest = digest_of(data + b"!", "sha256")
    t.status(repo.close(location, digest, data + b"!"), 201)
    answer = repo.request("POST", "blobs/uploads/?digest-algorithm=md5")
    t.error(answer, 400, "DIGEST_INVALID")


@scenario("a session can be cancelled, and is gone then")
def _(t):
    repo = t.repo()
    location = repo.where(t.status(repo.patch(repo.start(), random_blob(), 0), 202))
    answer = t.status(repo.delete(location), 204)
    t.eq(answer.body, b"", "the body of 204")
    for again in (repo.get(location), repo.delete(location), repo.patch(location, b"x" * 10, 0), repo.close(location, digest_of(b""))):
        t.error(again, 404, "BLOB_UPLOAD_UNKNOWN")


@scenario("a closed session is gone")
def _(t):
    repo = t.repo()
    data = random_blob()
    location = repo.start()
    t.status(repo.close(location, digest_of(data), data), 201)
    t.error(repo.get(location), 404, "BLOB_UPLOAD_UNKNOWN")
    t.error(repo.patch(location, data, 0), 404, "BLOB_UPLOAD_UNKNOWN")


@scenario("sessions that never were, or are another repository's, or another person's")
def _(t):
    repo, other = t.repo(), t.repo()
    other.push_blob(random_blob())
    location = repo.start()
    uuid = location.split("?")[0].rsplit("/", 1)[1]
    for bad in ("00000000-0000-4000-8000-000000000000", "nonsense", uuid[:-1], uuid + "0", uuid.upper() + "x", "..%2f..%2fetc"):
        answer = repo.get(f"blobs/uploads/{bad}")
        t.status(answer, 400, 404)
        t.true(answer.codes(), answer)
    t.error(other.get(f"blobs/uploads/{uuid}"), 404, "BLOB_UPLOAD_UNKNOWN")
    friend = t.user()
    t.stack.gantry("repo", "grant", repo.name, friend.name, "write")
    mine = t.stack.registry(friend).repo(repo.name)
    t.status(mine.get(f"blobs/uploads/{uuid}"), 404, 403)
    t.status(repo.get(location), 204)


@scenario("the wrong digest at the end leaves no blob")
def _(t):
    repo = t.repo()
    data = random_blob(2000)
    location = repo.where(t.status(repo.patch(repo.start(), data[:1000], 0), 202))
    location = repo.where(t.status(repo.patch(location, data[1000:], 1000), 202))
    t.error(repo.close(location, digest_of(b"other")), 400, "DIGEST_INVALID")
    t.error(repo.get(f"blobs/{digest_of(data)}"), 404, "BLOB_UNKNOWN")


@scenario("many sessions side by side do not mix")
def _(t):
    repo = t.repo()
    blobs = [random_blob(3000) for _ in range(6)]
    places = [repo.start() for _ in blobs]
    for first in range(0, 3000, 1000):
        for i, data in enumerate(blobs):
            places[i] = repo.where(t.status(repo.patch(places[i], data[first:first + 1000], first), 202))
    for i, data in reversed(list(enumerate(blobs))):
        t.status(repo.close(places[i], digest_of(data)), 201)
    for data in blobs:
        check(t, repo, digest_of(data), data)
