"""registry.py - the registry protocol in small steps: tokens, blobs, manifests. Knows the specification, not the product."""
import base64
import hashlib
import json
import os
import urllib.parse

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
EMPTY = "application/vnd.oci.empty.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def digest_of(data, algorithm="sha256"):
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def descriptor(content, media_type, **more):
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content), **more}


def random_blob(size=512):
    return os.urandom(size)


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class Account:
    def __init__(self, name, password):
        self.name, self.password = name, password

    def basic(self):
        return basic(self.name, self.password)


class Registry:
    """A stack seen by one account (None: anonymous)."""

    def __init__(self, web, account=None):
        self.web, self.account = web, account
        self._tokens = {}

    def auth(self, scopes, service=None, account=None):
        """The answer of the token service."""
        query = [("service", service or f"{self.web.host}:{self.web.port}")] + [("scope", s) for s in scopes]
        account = account or self.account
        headers = {"Authorization": account.basic()} if account else {}
        return self.web.request("GET", "/v2/auth?" + urllib.parse.urlencode(query), headers)

    def token(self, *scopes):
        if scopes not in self._tokens:
            answer = self.auth(scopes)
            if answer.status != 200:
                raise AssertionError(f"no token: {answer}")
            self._tokens[scopes] = answer.json()["token"]
        return self._tokens[scopes]

    def request(self, method, path, headers=None, body=None, scope=None, **more):
        """With a token for scope, unless the headers bring an Authorization of their own."""
        pairs = list(headers.items()) if isinstance(headers, dict) else list(headers or [])
        if not any(name.lower() == "authorization" for name, _ in pairs) and (self.account or scope):
            pairs.append(("Authorization", "Bearer " + self.token(*([scope] if scope else []))))
        return self.web.request(method, path, pairs, body, **more)

    def repo(self, name):
        return Repo(self, name)


class Repo:
    """One repository. Every call asks for pull and push; the token service drops what the account may not do."""

    def __init__(self, registry, name, actions="pull,push"):
        self.registry, self.name = registry, name
        self.scope = f"repository:{name}:{actions}"

    def request(self, method, rest, headers=None, body=None, **more):
        path = rest if rest.startswith("/") else f"/v2/{self.name}/{rest}"
        return self.registry.request(method, path, headers, body, self.scope, **more)

    def get(self, rest, headers=None):
        return self.request("GET", rest, headers)

    def head(self, rest, headers=None):
        return self.request("HEAD", rest, headers)

    def delete(self, rest):
        return self.request("DELETE", rest)

    # ---- blobs ----

    def start(self, query=""):
        """Opens an upload session; the path of its Location."""
        answer = self.request("POST", "blobs/uploads/" + query)
        if answer.status != 202:
            raise AssertionError(f"the upload did not start: {answer}")
        return self.where(answer)

    def where(self, answer):
        location = answer.get("Location")
        if not location:
            raise AssertionError(f"no Location: {answer}")
        return self.registry.web.path_of(location)

    def patch(self, location, data, first=None, last=None, **more):
        headers = {"Content-Type": "application/octet-stream"}
        if first is not None:
            headers["Content-Range"] = f"{first}-{first + len(data) - 1 if last is None else last}"
        return self.request("PATCH", location, headers, data, **more)

    def close(self, location, digest, data=b"", first=None, **more):
        headers = {"Content-Type": "application/octet-stream"}
        if first is not None:
            headers["Content-Range"] = f"{first}-{first + len(data) - 1}"
        separator = "&" if "?" in location else "?"
        return self.request("PUT", f"{location}{separator}digest={digest}", headers, data, **more)

    def push_blob(self, data, algorithm="sha256"):
        digest = digest_of(data, algorithm)
        answer = self.close(self.start(), digest, data)
        if answer.status != 201:
            raise AssertionError(f"the blob was not taken: {answer}")
        return digest

    # ---- manifests ----

    def put_manifest(self, reference, manifest, media_type=None, query=""):
        data = manifest if isinstance(manifest, bytes) else to_bytes(manifest)
        if media_type is None:
            media_type = json.loads(data).get("mediaType", MANIFEST)
        return self.request("PUT", f"manifests/{reference}{query}", {"Content-Type": media_type}, data)

    def push_manifest(self, reference, manifest, media_type=None):
        """Pushes it; by digest when reference is None. The digest."""
        data = manifest if isinstance(manifest, bytes) else to_bytes(manifest)
        answer = self.put_manifest(reference or digest_of(data), data, media_type)
        if answer.status != 201:
            raise AssertionError(f"the manifest was not taken: {answer}")
        return digest_of(data)

    def get_manifest(self, reference, accept=None):
        accept = accept or ", ".join((MANIFEST, INDEX, DOCKER_MANIFEST, DOCKER_LIST))
        return self.get(f"manifests/{reference}", {"Accept": accept})

    def push_image(self, tag=None, layers=1, **more):
        """A small image of random layers; (manifest bytes, digest)."""
        data = image(self, layers, **more)
        return data, self.push_manifest(tag, data)

    def tags(self, query=""):
        answer = self.get("tags/list" + query)
        if answer.status != 200:
            raise AssertionError(f"no list of tags: {answer}")
        return answer.json()["tags"]


def to_bytes(document):
    return json.dumps(document, indent=1).encode()


def image(repo, layers=1, **more):
    """Pushes the blobs of an image and makes its manifest, without pushing that."""
    config = to_bytes({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []},
                       "x": os.urandom(8).hex()})
    repo.push_blob(config)
    parts = []
    for _ in range(layers):
        data = random_blob()
        repo.push_blob(data)
        parts.append(descriptor(data, LAYER))
    return to_bytes({"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(config, CONFIG_TYPE), "layers": parts,
                     **more})


def index(*manifests, **more):
    """An index of manifests given as bytes."""
    entries = []
    for data in manifests:
        document = json.loads(data)
        entries.append(descriptor(data, document.get("mediaType", MANIFEST),
                                  platform={"architecture": "amd64", "os": "linux"}))
    return to_bytes({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries, **more})
