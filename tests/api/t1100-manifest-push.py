"""Pushing manifests: kept byte for byte, checked before they are believed, refused with the reason."""
import json
import os

from lib.registry import (CONFIG_TYPE, DOCKER_CONFIG, DOCKER_LAYER, DOCKER_LIST, DOCKER_MANIFEST, EMPTY, INDEX, LAYER, MANIFEST, descriptor,
                          digest_of, image, index, random_blob, to_bytes)
from lib.scenario import scenario


def check_there(t, repo, reference, data, media_type):
    answer = t.status(repo.get_manifest(reference, "*/*"), 200)
    t.true(answer.body == data, f"other bytes under {reference}")
    t.header(answer, "Content-Type", media_type)
    t.header(answer, "Content-Length", str(len(data)))
    algorithm = reference.split(":")[0] if ":" in reference else "sha256"
    t.header(answer, "Docker-Content-Digest", digest_of(data, algorithm))
    return answer


def check_created(t, repo, answer, data, media_type):
    t.status(answer, 201)
    got = t.status(repo.get(repo.where(answer), {"Accept": media_type}), 200)
    t.true(got.body == data, "Location does not lead to the bytes")
    t.header(got, "Content-Type", media_type)


@scenario("by tag and by digest")
def _(t):
    repo = t.repo()
    data = image(repo)
    digest = digest_of(data)
    answer = repo.put_manifest("v1", data)
    check_created(t, repo, answer, data, MANIFEST)
    t.header(answer, "Docker-Content-Digest", digest)
    check_there(t, repo, "v1", data, MANIFEST)
    check_there(t, repo, digest, data, MANIFEST)
    other = image(repo)
    check_created(t, repo, repo.put_manifest(digest_of(other), other), other, MANIFEST)
    check_there(t, repo, digest_of(other), other, MANIFEST)
    t.eq(repo.tags(), ["v1"], "tags")


@scenario("by a sha512 digest")
def _(t):
    repo = t.repo()
    config, layer = to_bytes({"os": "linux"}), random_blob()
    for data in (config, layer):
        repo.push_blob(data, "sha512")
    manifest = to_bytes({"schemaVersion": 2, "mediaType": MANIFEST,
                         "config": {**descriptor(config, CONFIG_TYPE), "digest": digest_of(config, "sha512")},
                         "layers": [{**descriptor(layer, LAYER), "digest": digest_of(layer, "sha512")}]})
    digest = digest_of(manifest, "sha512")
    answer = repo.put_manifest(digest, manifest)
    check_created(t, repo, answer, manifest, MANIFEST)
    t.header(answer, "Docker-Content-Digest", digest)
    check_there(t, repo, digest, manifest, MANIFEST)
    entry = {**descriptor(manifest, MANIFEST), "digest": digest}
    top = to_bytes({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]})
    check_created(t, repo, repo.put_manifest(digest_of(top, "sha512"), top), top, INDEX)
    check_there(t, repo, digest_of(top, "sha512"), top, INDEX)


@scenario("the bytes are kept as they came: white space, order, unknown fields")
def _(t):
    repo = t.repo()
    base = json.loads(image(repo))
    text = ("\n\t{ \"x-unknown\" : {\"b\":1.50,\"a\":[null,true]},\r\n\"schemaVersion\" :2 , \"mediaType\":\"" + MANIFEST + "\"," +
            "\"layers\":" + json.dumps(base["layers"]) + ",\"config\":" + json.dumps(base["config"]) +
            ",\"annotations\":{\"\u00e4\":\"\\u00e4 \u65e5\"}}   \n").encode()
    check_created(t, repo, repo.put_manifest("odd", text), text, MANIFEST)
    check_there(t, repo, "odd", text, MANIFEST)


@scenario("parameters of the media type are dropped")
def _(t):
    repo = t.repo()
    data = image(repo)
    t.status(repo.put_manifest("v1", data, MANIFEST + "; charset=utf-8"), 201)
    check_there(t, repo, "v1", data, MANIFEST)


@scenario("an index, an index of indexes, an index of nothing")
def _(t):
    repo = t.repo()
    children = [image(repo) for _ in range(3)]
    for child in children:
        repo.push_manifest(None, child)
    inner = index(*children[:2])
    check_created(t, repo, repo.put_manifest("inner", inner), inner, INDEX)
    outer = index(inner, children[2])
    check_created(t, repo, repo.put_manifest("outer", outer), outer, INDEX)
    nothing = to_bytes({"schemaVersion": 2, "mediaType": INDEX, "manifests": []})
    check_created(t, repo, repo.put_manifest("nothing", nothing), nothing, INDEX)
    for reference, data in (("inner", inner), ("outer", outer), ("nothing", nothing)):
        check_there(t, repo, reference, data, INDEX)


@scenario("without mediaType in the document, the header says what it is")
def _(t):
    repo = t.repo()
    document = json.loads(image(repo))
    del document["mediaType"]
    data = to_bytes(document)
    check_created(t, repo, repo.put_manifest("v1", data, MANIFEST), data, MANIFEST)


@scenario("Docker's schema 2 and manifest lists")
def _(t):
    repo = t.repo()
    config, layer = to_bytes({"os": "linux", "n": os.urandom(4).hex()}), random_blob()
    repo.push_blob(config)
    repo.push_blob(layer)
    data = to_bytes({"schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "config": descriptor(config, DOCKER_CONFIG),
                     "layers": [descriptor(layer, DOCKER_LAYER)]})
    check_created(t, repo, repo.put_manifest("d2", data), data, DOCKER_MANIFEST)
    entry = descriptor(data, DOCKER_MANIFEST, platform={"architecture": "amd64", "os": "linux"})
    many = to_bytes({"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": [entry]})
    check_created(t, repo, repo.put_manifest("dl", many), many, DOCKER_LIST)
    check_there(t, repo, "d2", data, DOCKER_MANIFEST)
    check_there(t, repo, "dl", many, DOCKER_LIST)


@scenario("foreign layers are taken at their word")
def _(t):
    repo = t.repo()
    config = to_bytes({"os": "windows", "n": os.urandom(4).hex()})
    repo.push_blob(config)
    for media_type, layer_type, config_type in (
            (MANIFEST, "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", CONFIG_TYPE),
            (MANIFEST, "application/vnd.oci.image.layer.nondistributable.v1.tar", CONFIG_TYPE),
            (DOCKER_MANIFEST, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", DOCKER_CONFIG)):
        layer = descriptor(random_blob(), layer_type, urls=["https://example.com/layer"])
        data = to_bytes({"schemaVersion": 2, "mediaType": media_type, "config": descriptor(config, config_type), "layers": [layer]})
        check_created(t, repo, repo.put_manifest("foreign", data), data, media_type)


@scenario("artifacts: artifactType, an empty config, data inside of a descriptor, no layers")
def _(t):
    repo = t.repo()
    repo.push_blob(b"{}")
    blob = random_blob()
    repo.push_blob(blob)
    empty = {**descriptor(b"{}", EMPTY), "data": "e30="}
    for more in ({"layers": [descriptor(blob, "application/x-thing")]}, {"layers": [empty]}, {"layers": []}):
        data = to_bytes({"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/x-thing", "config": empty, **more})
        check_created(t, repo, repo.put_manifest("a", data), data, MANIFEST)


@scenario("a manifest of almost four mebibytes is taken, a larger one is 413")
def _(t):
    repo = t.repo()
    base = json.loads(image(repo))
    base["annotations"] = {f"org.example.{i}": "x" * 10000 for i in range(390)}
    data = to_bytes(base)
    t.true(3_900_000 < len(data) < 4 << 20, "the test's own size")
    check_created(t, repo, repo.put_manifest("large", data), data, MANIFEST)
    check_there(t, repo, "large", data, MANIFEST)
    exact = data + b" " * ((4 << 20) - len(data))
    check_created(t, repo, repo.put_manifest("exact", exact), exact, MANIFEST)
    answer = t.status(repo.put_manifest("larger", exact + b" "), 413)
    t.true(set(answer.codes()) & {"SIZE_INVALID", "MANIFEST_INVALID"}, answer)  # nginx's word, or the registry's
    t.true(answer.json()["errors"][0]["message"], answer)
    t.error(repo.get_manifest("larger"), 404, "MANIFEST_UNKNOWN")


@scenario("several tags with one PUT")
def _(t):
    repo = t.repo()
    for algorithm in ("sha256", "sha512"):
        data = image(repo)
        digest = digest_of(data, algorithm)
        tags = [f"{algorithm}-{i}" for i in range(10)]
        answer = repo.put_manifest(digest, data, query="?" + "&".join(f"tag={tag}" for tag in tags))
        check_created(t, repo, answer, data, MANIFEST)
        echoed = [tag.strip() for line in answer.all("OCI-Tag") for tag in line.split(",")]
        t.eq(sorted(echoed), sorted(tags), "OCI-Tag")
        for tag in tags:
            got = t.status(repo.get_manifest(tag), 200)
            t.true(got.body == data, f"other bytes under {tag}")
            t.header(got, "Docker-Content-Digest", digest)  # the one it was pushed by
    data = image(repo)
    t.status(repo.put_manifest(digest_of(data), data, query="?tag=good&tag=-bad"), 400)
    t.error(repo.get_manifest("good"), 404, "MANIFEST_UNKNOWN")  # all or nothing


@scenario("a tag moves; the manifest it left stays")
def _(t):
    repo = t.repo()
    first, second = image(repo), image(repo)
    repo.push_manifest("v1", first)
    repo.push_manifest("v1", second)
    check_there(t, repo, "v1", second, MANIFEST)
    check_there(t, repo, digest_of(first), first, MANIFEST)
    repo.push_manifest("v1", first)  # and back
    check_there(t, repo, "v1", first, MANIFEST)
    repo.push_manifest("v1", first)  # once more, which changes nothing
    t.eq(repo.tags(), ["v1"], "tags")


@scenario("the body must match the digest it is put under")
def _(t):
    repo = t.repo()
    data = image(repo)
    for digest in (digest_of(data + b" "), digest_of(data + b" ", "sha512")):
        t.error(repo.put_manifest(digest, data), 400, "DIGEST_INVALID")
        t.error(repo.get_manifest(digest), 404, "MANIFEST_UNKNOWN")
    for bad in ("sha256:baddigeststring", "md5:" + "0" * 32, "sha256:" + "A" * 64):
        t.error(repo.put_manifest(bad, data), 400, "DIGEST_INVALID")
        t.status(repo.get_manifest(bad), 400, 404)


@scenario("tags that are none")
def _(t):
    repo = t.repo()
    data = image(repo)
    for tag in ("-a", ".a", "a" * 129, "a%20b", "a%2Fb", "%C3%A4", "a%00b", "a+b@c"):
        answer = repo.put_manifest(tag, data)
        t.status(answer, 400, 404)
        t.true(answer.codes(), answer)
    for tag in ("_a", "A.b-C_d", "a" * 128, "0", "latest"):
        t.status(repo.put_manifest(tag, data), 201)


@scenario("what a manifest names must be there")
def _(t):
    repo = t.repo()
    base = json.loads(image(repo))
    missing = descriptor(random_blob(), LAYER)
    answer = repo.put_manifest("v1", to_bytes({**base, "layers": base["layers"] + [missing]}))
    t.error(answer, 400, "MANIFEST_BLOB_UNKNOWN")
    t.true(missing["digest"] in answer.body.decode(), "the error must name the blob")
    t.error(repo.put_manifest("v1", to_bytes({**base, "config": {**missing, "mediaType": CONFIG_TYPE}})), 400, "MANIFEST_BLOB_UNKNOWN")
    answer = repo.put_manifest("v1", index(image(repo)))  # its child was never pushed
    t.error(answer, 400, "MANIFEST_BLOB_UNKNOWN")
    other = t.repo()
    foreign = image(other)  # blobs of another repository do not count
    t.error(repo.put_manifest("v1", foreign), 400, "MANIFEST_BLOB_UNKNOWN")
    t.error(repo.get_manifest("v1"), 404, "MANIFEST_UNKNOWN")


@scenario("documents that are no manifests")
def _(t):
    repo = t.repo()
    base = json.loads(image(repo))
    layer = base["layers"][0]
    bad = {
        "empty": b"", "no JSON": b"{", "a list": b"[]", "a word": b'"x"', "trailing bytes": to_bytes(base) + b"{}",
        "twice the same key": b'{"schemaVersion":2,"schemaVersion":2,"mediaType":"' + MANIFEST.encode() + b'"}',
        "no UTF-8": b'{"schemaVersion":2,"mediaType":"' + MANIFEST.encode() + b'","x":"\xff"}',
        "deep": b'{"a":' * 70 + b"1" + b"}" * 70,
        "schemaVersion 1": to_bytes({**base, "schemaVersion": 1}),
        "schemaVersion as text": to_bytes({**base, "schemaVersion": "2"}),
        "no schemaVersion": to_bytes({k: v for k, v in base.items() if k != "schemaVersion"}),
        "no config": to_bytes({k: v for k, v in base.items() if k != "config"}),
        "layers is no list": to_bytes({**base, "layers": {}}),
        "a layer is no object": to_bytes({**base, "layers": ["x"]}),
        "a negative size": to_bytes({**base, "layers": [{**layer, "size": -1}]}),
        "a size as text": to_bytes({**base, "layers": [{**layer, "size": "1"}]}),
        "no size": to_bytes({**base, "layers": [{k: v for k, v in layer.items() if k != "size"}]}),
        "a digest that is none": to_bytes({**base, "layers": [{**layer, "digest": "sha256:zz"}]}),
        "no digest": to_bytes({**base, "layers": [{k: v for k, v in layer.items() if k != "digest"}]}),
        "an index in a manifest's clothes": to_bytes({**base, "mediaType": INDEX}),
        "annotations that are no texts": to_bytes({**base, "annotations": {"a": 1}}),
    }
    for what, data in bad.items():
        answer = repo.put_manifest("bad", data, MANIFEST)
        t.true(answer.status == 400 and "MANIFEST_INVALID" in answer.codes(), f"{what}: {answer}")
        t.not_html(answer)
        t.true(len(answer.json()["errors"][0]["message"]) > 10, f"{what}: {answer}")
    t.error(repo.get_manifest("bad"), 404, "MANIFEST_UNKNOWN")


@scenario("a wrong size of a blob that is there")
def _(t):
    repo = t.repo()
    base = json.loads(image(repo))
    wrong = {**base["layers"][0], "size": 12345}
    answer = repo.put_manifest("v1", to_bytes({**base, "layers": [wrong]}))
    t.status(answer, 400)
    t.true(set(answer.codes()) & {"SIZE_INVALID", "MANIFEST_INVALID"}, answer)


@scenario("media types that are not ours")
def _(t):
    repo = t.repo()
    data = image(repo)
    for media_type in ("application/json", "text/html", "application/vnd.docker.distribution.manifest.v1+json",
                       "application/vnd.docker.distribution.manifest.v1+prettyjws", "nonsense"):
        answer = repo.put_manifest("v1", data, media_type)
        t.status(answer, 400, 415)
        t.true("MANIFEST_INVALID" in answer.codes(), answer)


@scenario("a first push makes the repository; a missing namespace does not come into being")
def _(t):
    repo = t.repo()
    repo.push_image("v1")
    t.eq(t.rows("repository", repo), 1, "rows of the repository")
    nobody = t.repo(f"never-made-{t.org}/x")
    answer = nobody.request("POST", "blobs/uploads/")
    t.status(answer, 401, 403, 404)
    t.not_html(answer)


@scenario("a push is told to the audit log")
def _(t):
    repo = t.repo()
    repo.push_image("v1")
    kinds = t.audited(repo)
    t.true({"create_repo", "push_repo"} <= set(kinds), kinds)
    repo.get_manifest("v1")
    t.stack.wait(lambda: "pull_repo" in t.audited(repo), "a row of the pull", 20)
    t.status(repo.delete("manifests/v1"), 202)
    t.true("delete_tag" in t.audited(repo), t.audited(repo))
