"""Reading manifests: what is asked for is what comes, and nothing is converted."""
from lib.registry import DOCKER_MANIFEST, INDEX, MANIFEST, digest_of, image, index
from lib.scenario import scenario


@scenario("HEAD and GET agree, by tag and by digest")
def _(t):
    repo = t.repo()
    data, digest = repo.push_image("v1")
    for reference in ("v1", digest):
        head, got = repo.head(f"manifests/{reference}", {"Accept": MANIFEST}), repo.get_manifest(reference)
        t.status(head, 200)
        t.status(got, 200)
        t.eq(head.body, b"", "the body of HEAD")
        t.true(got.body == data, "other bytes")
        for name in ("Content-Length", "Content-Type", "Docker-Content-Digest", "ETag"):
            t.eq(head.get(name), got.get(name), name)
        t.header(got, "Docker-Content-Digest", digest)
        t.header(got, "ETag", f'"{digest}"')
        t.header(got, "Docker-Distribution-Api-Version", "registry/2.0")


@scenario("a client that has it already hears 304")
def _(t):
    repo = t.repo()
    _, digest = repo.push_image("v1")
    for reference in ("v1", digest):
        for value in (f'"{digest}"', f'W/"{digest}"', f'"x", "{digest}"', "*"):
            answer = t.status(repo.get(f"manifests/{reference}", {"Accept": MANIFEST, "If-None-Match": value}), 304)
            t.eq(answer.body, b"", "the body of 304")
        t.status(repo.get(f"manifests/{reference}", {"Accept": MANIFEST, "If-None-Match": '"sha256:other"'}), 200)


@scenario("Accept does not change what is stored")
def _(t):
    repo = t.repo()
    child, digest = repo.push_image("one")
    many = index(child)
    repo.push_manifest("many", many)
    for accept in (None, "*/*", MANIFEST, INDEX, f"{INDEX};q=0.5, {MANIFEST}", DOCKER_MANIFEST):
        headers = {"Accept": accept} if accept else {}
        answer = repo.get("manifests/many", headers)
        t.status(answer, 200, 404, 406)
        if answer.status == 200:
            t.true(answer.body == many, "other bytes")
            t.header(answer, "Content-Type", INDEX)
    t.status(repo.get("manifests/many", {"Accept": f"{MANIFEST}, {INDEX}"}), 200)
    t.status(repo.get(f"manifests/{digest}", {"Accept": MANIFEST}), 200)


@scenario("several Accept lines count as one, as Docker sends them")
def _(t):
    repo = t.repo()
    child, _ = repo.push_image("one")
    many = index(child)
    repo.push_manifest("many", many)
    answer = t.status(repo.get("manifests/many", [("Accept", MANIFEST), ("Accept", INDEX), ("Accept", "*/*")]), 200)
    t.true(answer.body == many, "other bytes")


@scenario("what is not there")
def _(t):
    repo = t.repo()
    data, _ = repo.push_image("v1")
    for reference in ("v2", "V1", "v1.", digest_of(data + b" "), digest_of(data, "sha512")):
        t.error(repo.get_manifest(reference), 404, "MANIFEST_UNKNOWN")
        t.eq(t.status(repo.head(f"manifests/{reference}"), 404).body, b"", "the body of HEAD")
    other = t.repo()
    other.push_blob(b"so that it exists")
    t.error(other.get_manifest(digest_of(data)), 404, "MANIFEST_UNKNOWN")
    t.status(t.repo().get_manifest("v1"), 404)


@scenario("tags are told apart by case and by every byte")
def _(t):
    repo = t.repo()
    pushed = {}
    for tag in ("v1", "V1", "v1_", "v1.", "v1-", "v01"):
        pushed[tag], _ = repo.push_image(tag)
    for tag, data in pushed.items():
        t.true(repo.get_manifest(tag).body == data, f"the bytes of {tag}")
    t.eq(repo.tags(), sorted(pushed), "tags")


@scenario("a mirror's `ns` parameter does no harm")
def _(t):
    repo = t.repo()
    data, digest = repo.push_image("v1")
    t.true(t.status(repo.get("manifests/v1?ns=docker.io", {"Accept": MANIFEST}), 200).body == data, "other bytes")
    import json
    layer = json.loads(data)["layers"][0]["digest"]
    t.status(repo.get(f"blobs/{layer}?ns=docker.io"), 200)


@scenario("the same manifest under two algorithms")
def _(t):
    repo = t.repo()
    data = image(repo)
    repo.push_manifest("v1", data)
    t.status(repo.put_manifest(digest_of(data, "sha512"), data), 201)
    for reference in (digest_of(data), digest_of(data, "sha512"), "v1"):
        t.true(t.status(repo.get_manifest(reference), 200).body == data, "other bytes")
