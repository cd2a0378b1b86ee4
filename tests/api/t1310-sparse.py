"""With FEATURE_SPARSE_INDEX an index may name what was never pushed."""
import json

from lib.registry import CONFIG_TYPE, LAYER, descriptor, image, index, random_blob, to_bytes
from lib.scenario import scenario

CONFIG = {"FEATURE_SPARSE_INDEX": True}


@scenario("an index without one of its manifests")
def _(t):
    repo = t.repo()
    there, missing = image(repo), image(t.repo())
    repo.push_manifest(None, there)
    data = index(there, missing)
    t.status(repo.put_manifest("sparse", data), 201)
    t.true(t.status(repo.get_manifest("sparse"), 200).body == data, "other bytes")


@scenario("a manifest without its blobs")
def _(t):
    repo = t.repo()
    base = json.loads(image(repo))
    data = to_bytes({**base, "layers": base["layers"] + [descriptor(random_blob(), LAYER)], "config": descriptor(random_blob(), CONFIG_TYPE)})
    t.status(repo.put_manifest("sparse", data), 201)
    t.true(t.status(repo.get_manifest("sparse"), 200).body == data, "other bytes")
