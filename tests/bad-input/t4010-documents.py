"""Manifests and forms that were bent in a thousand ways: refused with 400, or kept as they are; never an error of ours."""
import json
import random

from lib.registry import DOCKER_LIST, DOCKER_MANIFEST, INDEX, MANIFEST, image, index
from lib.scenario import scenario

TYPES = (MANIFEST, INDEX, DOCKER_MANIFEST, DOCKER_LIST)
VALUES = [None, True, False, 0, -1, 2, 2**63 - 1, 2**63, -2**63, 1e308, 1.5, "", "x", "\u0000", "\u00e4" * 100, "x" * 100_000, [], [[]], [None], {}, {"": ""}, {"a": {"b": {}}},
          "sha256:" + "0" * 64, "../../etc/passwd", "application/json", ["x"] * 1000]


def bent(document, source):
    """One place of the document replaced, removed, or doubled."""
    places = []

    def walk(node):
        if isinstance(node, dict):
            places.extend((node, key) for key in node)
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            places.extend((node, i) for i in range(len(node)))
            for value in node:
                walk(value)
    copy = json.loads(json.dumps(document))
    walk(copy)
    node, key = source.choice(places)
    how = source.randrange(3)
    if how == 0:
        node[key] = source.choice(VALUES)
    elif how == 1:
        del node[key]
    elif isinstance(node, list):
        node.extend([node[key]] * source.choice((1, 5, 3000)))
    else:
        node[source.choice(("x", "", "subject", "manifests", "layers", "config", "mediaType"))] = node[key]
    return copy


def check(t, repo, data, media_type):
    answer = repo.put_manifest("bent", data, media_type)
    t.true(answer.status in (201, 400, 404, 413, 415), answer)
    t.not_html(answer)
    if answer.status == 201:
        got = repo.get_manifest("bent", "*/*")
        t.true(got.body == data, f"other bytes came back for {data[:300]!r}")
    else:
        t.true(answer.codes(), answer)


@scenario("documents with one thing wrong")
def _(t):
    source = random.Random(1)
    repo = t.repo()
    child = image(repo, 2)
    repo.push_manifest(None, child)
    bases = [json.loads(child), json.loads(index(child)), {**json.loads(child), "subject": json.loads(index(child))["manifests"][0], "annotations": {"a": "b"}}]
    for i in range(400):
        data = json.dumps(bent(bases[i % 3], source), ensure_ascii=bool(i % 2)).encode("utf-8", "surrogatepass")
        check(t, repo, data, source.choice(TYPES) if i % 5 == 0 else bases[i % 3]["mediaType"])
    t.status(t.web.request("GET", "/health/instance"), 200)


@scenario("bytes with one thing wrong")
def _(t):
    source = random.Random(2)
    repo = t.repo()
    base = image(repo, 1)
    for _ in range(300):
        data = bytearray(base)
        for _ in range(source.randrange(1, 4)):
            at = source.randrange(len(data))
            how = source.randrange(4)
            if how == 0:
                data[at] = source.randrange(256)
            elif how == 1:
                del data[at:at + source.randrange(1, 20)]
            elif how == 2:
                data[at:at] = bytes(source.randrange(256) for _ in range(3))
            else:
                data = data[:at] or bytearray(b"{")
        check(t, repo, bytes(data), MANIFEST)
    t.status(t.web.request("GET", "/health/instance"), 200)


@scenario("documents that want to exhaust us")
def _(t):
    repo = t.repo()
    repo.push_blob(b"first")
    million = 1_000_000
    for data in (b"[" * million, b'{"a":' * 500_000, b"[" * million + b"]" * million, b'{"a":"' + b"\\u0041" * 500_000 + b'"}', b"1" * million, b'"' + b"x" * million,
                 b"{" + b",".join(b'"%d":1' % i for i in range(200_000)) + b"}",
                 b'{"schemaVersion":2,"mediaType":"' + INDEX.encode() + b'","manifests":[' + b",".join([b"{}"] * 500_000) + b"]}",
                 b'{"schemaVersion":2,"mediaType":"' + MANIFEST.encode() + b'","config":{},"layers":[' + b",".join(
                     [b'{"mediaType":"x","size":1,"digest":"sha256:%064d"}' % i for i in range(30_000)]) + b"]}"):
        for media_type in (MANIFEST, INDEX):
            check(t, repo, data, media_type)
    t.status(t.web.request("GET", "/health/instance"), 200)


@scenario("forms of the token service")
def _(t):
    for body in (b"", b"=", b"&", b"&&&", b"grant_type", b"grant_type=password", b"grant_type=password&username=%00&password=x", b"grant_type=%zz",
                 b"username=" + b"x" * 60_000, b"a=b&" * 10_000, b"\xff\xfe", b"grant_type=password&username=a&username=b&password=c", b"scope=" + b"repository:a/b:pull+" * 500,
                 b"grant_type=refresh_token&refresh_token=x", b"x" * 70_000):
        answer = t.web.request("POST", "/v2/auth", {"Content-Type": "application/x-www-form-urlencoded"}, body)
        t.true(400 <= answer.status < 500, f"{body[:60]!r}: {answer}")
        t.not_html(answer)
    t.status(t.web.request("GET", "/health/instance"), 200)
