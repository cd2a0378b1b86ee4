"""Referrers: who points at this manifest, even before it exists."""
import json
import os

from lib.registry import CONFIG_TYPE, EMPTY, INDEX, MANIFEST, descriptor, digest_of, image, index, random_blob, to_bytes
from lib.scenario import scenario


def artifact(repo, subject, kind=None, annotations=None, config=None):
    """Pushes nothing but blobs; the manifest that refers to subject (bytes of a manifest)."""
    config = config or descriptor(b"{}", EMPTY)
    repo.push_blob(b"{}")
    blob = random_blob()
    repo.push_blob(blob)
    document = {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [descriptor(blob, "application/x-thing")],
                "subject": descriptor(subject, MANIFEST)}
    if kind:
        document["artifactType"] = kind
    if annotations:
        document["annotations"] = annotations
    return to_bytes(document)


def listed(t, repo, digest, query=""):
    answer = t.status(repo.get(f"referrers/{digest}{query}"), 200)
    t.header(answer, "Content-Type", INDEX)
    document = answer.json()
    t.eq((document["schemaVersion"], document["mediaType"]), (2, INDEX), "the index")
    return answer, document["manifests"]


@scenario("of something that nobody knows: an empty index")
def _(t):
    for repo in (t.repo(), t.repo()):
        _, entries = listed(t, repo, digest_of(random_blob()))
        t.eq(entries, [], "entries")
        repo.push_image("v1")
        t.eq(listed(t, repo, digest_of(random_blob(), "sha512"))[1], [], "entries")


@scenario("a digest that is none")
def _(t):
    repo = t.repo()
    repo.push_image("v1")
    for bad in ("sha256:zz", "nonsense", "md5:" + "0" * 32):
        t.error(repo.get(f"referrers/{bad}"), 400, "DIGEST_INVALID")


@scenario("every field of a referrer")
def _(t):
    repo = t.repo()
    subject, digest = repo.push_image("v1")
    typed = artifact(repo, subject, "application/x-signature", {"org.example.key": "value \u00e4"})
    answer = repo.put_manifest(digest_of(typed), typed)
    t.status(answer, 201)
    t.header(answer, "OCI-Subject", digest)
    config = to_bytes({"n": os.urandom(4).hex()})
    repo.push_blob(config)
    by_config = artifact(repo, subject, config=descriptor(config, "application/x-sbom"))
    t.header(t.status(repo.put_manifest("tagged", by_config), 201), "OCI-Subject", digest)
    plain = index(subject, subject=descriptor(subject, MANIFEST))
    t.header(t.status(repo.put_manifest(digest_of(plain), plain), 201), "OCI-Subject", digest)
    kinded = index(subject, subject=descriptor(subject, MANIFEST), artifactType="application/x-many")
    t.header(t.status(repo.put_manifest(digest_of(kinded), kinded), 201), "OCI-Subject", digest)
    _, entries = listed(t, repo, digest)
    found = {entry["digest"]: entry for entry in entries}
    t.eq(len(entries), 4, "number of entries")
    for data, kind, media_type in ((typed, "application/x-signature", MANIFEST), (by_config, "application/x-sbom", MANIFEST), (plain, None, INDEX),
                                   (kinded, "application/x-many", INDEX)):
        entry = found[digest_of(data)]
        t.eq((entry["mediaType"], entry["size"], entry.get("artifactType")), (media_type, len(data), kind), "an entry")
    t.eq(found[digest_of(typed)]["annotations"], {"org.example.key": "value \u00e4"}, "annotations")


@scenario("no subject, no OCI-Subject")
def _(t):
    repo = t.repo()
    answer = t.status(repo.put_manifest("v1", image(repo)), 201)
    t.header(answer, "OCI-Subject", None)


@scenario("the subject may come later, or never")
def _(t):
    repo = t.repo()
    subject = image(repo)  # blobs only
    first = artifact(repo, subject, "application/x-thing")
    t.header(t.status(repo.put_manifest(digest_of(first), first), 201), "OCI-Subject", digest_of(subject))
    t.eq([e["digest"] for e in listed(t, repo, digest_of(subject))[1]], [digest_of(first)], "entries")
    repo.push_manifest("v1", subject)
    t.eq([e["digest"] for e in listed(t, repo, digest_of(subject))[1]], [digest_of(first)], "entries")


@scenario("filtered by artifactType, and said so")
def _(t):
    repo = t.repo()
    subject, digest = repo.push_image("v1")
    kinds = ["application/x-a", "application/x-a", "application/x-b", "application/x+c"]
    made = [artifact(repo, subject, kind) for kind in kinds]
    for data in made:
        repo.push_manifest(None, data)
    for kind in set(kinds):
        answer, entries = listed(t, repo, digest, "?artifactType=" + kind.replace("+", "%2B").replace("/", "%2F"))
        t.header(answer, "OCI-Filters-Applied", "artifactType")
        t.eq(sorted(e["digest"] for e in entries), sorted(digest_of(m) for m, k in zip(made, kinds) if k == kind), "entries")
    answer, entries = listed(t, repo, digest, "?artifactType=application/x-none")
    t.eq(entries, [], "entries")
    answer, entries = listed(t, repo, digest)
    t.header(answer, "OCI-Filters-Applied", None)
    t.eq(len(entries), 4, "number of entries")


@scenario("deleted referrers are gone at once, and those of another repository never were")
def _(t):
    repo = t.repo()
    subject, digest = repo.push_image("v1")
    data = artifact(repo, subject, "application/x-thing")
    repo.push_manifest(None, data)
    t.eq(len(listed(t, repo, digest)[1]), 1, "number of entries")
    t.status(repo.delete(f"manifests/{digest_of(data)}"), 202)
    t.eq(listed(t, repo, digest)[1], [], "entries")
    other = t.repo()
    other.push_image("v1")
    t.eq(listed(t, other, digest)[1], [], "entries")


@scenario("deleting the subject leaves its referrers listed")
def _(t):
    repo = t.repo()
    subject, digest = repo.push_image("v1")
    data = artifact(repo, subject, "application/x-thing")
    repo.push_manifest(None, data)
    t.status(repo.delete(f"manifests/{digest}"), 202)
    answer = t.status(repo.get(f"referrers/{digest}"), 200)
    t.true(answer.json()["manifests"] in ([], answer.json()["manifests"]), "an index all the same")


@scenario("what older clients kept under a fallback tag is listed too")
def _(t):
    repo = t.repo()
    subject, digest = repo.push_image("v1")
    data = artifact(repo, subject, "application/x-new")
    repo.push_manifest(None, data)
    old = to_bytes({**json.loads(image(repo)), "artifactType": "application/x-old"})  # no subject: only the tag tells
    repo.push_manifest(None, old)
    fallback = to_bytes({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        {**descriptor(old, MANIFEST), "artifactType": "application/x-old", "annotations": {"a": "b"}}, descriptor(data, MANIFEST)]})
    repo.push_manifest(digest.replace(":", "-"), fallback)
    _, entries = listed(t, repo, digest)
    t.eq(sorted(e["digest"] for e in entries), sorted([digest_of(old), digest_of(data)]), "entries, each once")
    _, entries = listed(t, repo, digest, "?artifactType=application/x-old")
    t.eq([e["digest"] for e in entries], [digest_of(old)], "entries")


@scenario("many referrers come in pages, or all at once; none is lost")
def _(t):
    repo = t.repo()
    subject, digest = repo.push_image("v1")
    blob = random_blob()
    repo.push_blob(blob)
    repo.push_blob(b"{}")
    wanted = set()
    for i in range(130):
        data = to_bytes({"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/x-thing", "config": descriptor(b"{}", EMPTY),
                         "layers": [descriptor(blob, "application/x-thing")], "subject": descriptor(subject, MANIFEST),
                         "annotations": {"n": str(i)}})
        wanted.add(repo.push_manifest(None, data))
    seen, path, pages = [], f"/v2/{repo.name}/referrers/{digest}", 0
    while path:
        answer = t.status(repo.get(path), 200)
        seen += [entry["digest"] for entry in answer.json()["manifests"]]
        link = answer.get("Link")
        if link:
            t.matches(link, r'^<[^>]+>; *rel="?next"?$', "Link")
        path = repo.registry.web.path_of(link[1:link.index(">")], path) if link else None
        pages += 1
        t.true(pages < 50, "pages without end")
    t.eq(len(seen), 130, "entries")
    t.eq(set(seen), wanted, "entries")
