"""Reading blobs: whole, in ranges, again, and what caches may believe."""
import re

from lib.registry import random_blob
from lib.scenario import scenario


def pushed(t, size=2048):
    repo = t.repo()
    data = random_blob(size)
    return repo, data, repo.push_blob(data)


@scenario("ranges as a client resumes with them")
def _(t):
    repo, data, digest = pushed(t)
    for text, first, last in (("500-1499", 500, 1499), ("500-", 500, 2047), ("-500", 1548, 2047), ("0-0", 0, 0), ("2047-2047", 2047, 2047),
                              ("2000-5000", 2000, 2047), ("-5000", 0, 2047), ("0-", 0, 2047)):
        answer = t.status(repo.get(f"blobs/{digest}", {"Range": f"bytes={text}"}), 206)
        t.header(answer, "Content-Range", f"bytes {first}-{last}/2048")
        t.header(answer, "Content-Length", str(last - first + 1))
        t.true(answer.body == data[first:last + 1], f"wrong bytes for {text}")
        t.header(answer, "Docker-Content-Digest", digest)


@scenario("ranges that cannot be")
def _(t):
    repo, _, digest = pushed(t)
    for text in ("bytes=500-0", "bytes=5000-10000", "bytes=2048-", "bytes=-0"):
        answer = t.status(repo.get(f"blobs/{digest}", {"Range": text}), 416)
        t.header(answer, "Content-Range", "bytes */2048")
    for text in ("lines=1-2", "bytes", "bytes=", "bytes=a-b", "bytes=1-2-3", "bytes=-"):
        t.status(repo.get(f"blobs/{digest}", {"Range": text}), 200, 206, 416)


@scenario("several ranges in one answer")
def _(t):
    repo, data, digest = pushed(t)
    answer = t.status(repo.get(f"blobs/{digest}", {"Range": "bytes=0-9,100-109,-5"}), 206)
    found = re.match(r"multipart/byteranges; *boundary=(\S+)", answer.get("Content-Type", ""))
    t.true(found, answer)
    parts = answer.body.split(b"--" + found.group(1).encode())[1:-1]
    bodies = [part.split(b"\r\n\r\n", 1)[1][:-2] for part in parts]
    t.eq(bodies, [data[:10], data[100:110], data[-5:]], "the parts")


@scenario("a HEAD with a range, and an If-Range that no longer holds")
def _(t):
    repo, data, digest = pushed(t)
    answer = repo.head(f"blobs/{digest}", {"Range": "bytes=0-9"})
    t.status(answer, 200, 206)
    t.eq(answer.body, b"", "the body of HEAD")
    answer = t.status(repo.get(f"blobs/{digest}", {"Range": "bytes=0-9", "If-Range": '"something-else"'}), 200, 206)
    if answer.status == 200:
        t.true(answer.body == data, "other bytes")


@scenario("what a cache may keep for ever, and need not fetch again")
def _(t):
    repo, _, digest = pushed(t)
    answer = t.status(repo.get(f"blobs/{digest}"), 200)
    t.matches(answer.get("Cache-Control"), r"max-age=\d{6,}")
    t.true("public" not in answer.get("Cache-Control"), "a private blob must not be kept by shared caches")
    t.eq(answer.get("ETag"), f'"{digest}"', "ETag")
    t.matches(answer.get("Content-Type"), "^application/octet-stream")
    t.header(answer, "Accept-Ranges", "bytes")
    t.eq(len(answer.all("Docker-Content-Digest")), 1, "Docker-Content-Digest headers")
    t.eq(len(answer.all("ETag")), 1, "ETag headers")
    again = repo.get(f"blobs/{digest}", {"If-None-Match": f'"{digest}"'})
    t.status(again, 304)
    t.eq(again.body, b"", "the body of 304")


@scenario("the inside of the store cannot be asked for directly")
def _(t):
    repo, data, digest = pushed(t)
    algorithm, encoded = digest.split(":")
    for path in (f"/_blobs/{algorithm}/{encoded[:2]}/{encoded}", f"/_blobs/../config/config.yaml", "/_precheck", "/_blobs/"):
        answer = t.web.request("GET", path, {"Authorization": t.owner.basic()})
        t.status(answer, *(400, 404) if ".." in path else (404,))
        t.true(data not in answer.body, "the blob leaked")


@scenario("HEAD and GET agree")
def _(t):
    repo, _, digest = pushed(t)
    head, got = repo.head(f"blobs/{digest}"), repo.get(f"blobs/{digest}")
    for name in ("Content-Length", "Content-Type", "Docker-Content-Digest", "ETag", "Cache-Control", "Accept-Ranges",
                 "Docker-Distribution-Api-Version"):
        t.eq(head.get(name), got.get(name), name)


@scenario("a file that went missing is told as unknown, and a push mends it")
def _(t):
    import os
    repo, data, digest = pushed(t)
    os.unlink(t.stack.blob_path(digest))
    t.expect_log(r"open\(\) .* failed \(2: No such file")
    t.expect_log(digest.split(":")[1])
    t.error(repo.get(f"blobs/{digest}"), 404, "BLOB_UNKNOWN")
    repo.push_blob(data)
    t.true(t.status(repo.get(f"blobs/{digest}"), 200).body == data, "other bytes")
