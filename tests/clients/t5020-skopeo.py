"""skopeo: copying between repositories, formats and disks, inspecting and deleting."""
import json
import os

from lib.clients import Clients, bad, good
from lib.registry import Account
from lib.scenario import scenario


def ready(t):
    c = Clients(t.stack, t.directory())
    good(t, c.skopeo("login", *c.tls(), "--username", t.owner.name, "--password", t.owner.password, c.registry), "skopeo login")
    return c


def tls(c, *sides):
    return [word for side in sides for word in (f"--{side}-cert-dir", c.certificates)]


def pushed(t, c, repo=None):
    repo = repo or t.name()
    good(t, c.build(c.ref(repo)), "buildah bud")
    good(t, c.podman("push", *c.tls(), c.ref(repo)), "podman push")
    return repo


@scenario("inspect says what is there")
def _(t):
    c = ready(t)
    repo = pushed(t, c)
    found = json.loads(good(t, c.skopeo("inspect", *c.tls(), f"docker://{c.ref(repo)}"), "skopeo inspect"))
    t.eq(found["RepoTags"], ["latest"], "tags")
    t.eq(found["Digest"], t.repo(repo).get_manifest("latest").get("Docker-Content-Digest"), "digest")
    t.eq(found["Labels"]["story"], "test", "labels")


@scenario("copy from repository to repository keeps the digest, and to a directory and back")
def _(t):
    c = ready(t)
    repo, other, third = pushed(t, c), t.name(), t.name()
    good(t, c.skopeo("copy", "--preserve-digests", *tls(c, "src", "dest"), f"docker://{c.ref(repo)}", f"docker://{c.ref(other)}"), "skopeo copy")
    digests = {t.repo(name).get_manifest("latest").get("Docker-Content-Digest") for name in (repo, other)}
    t.eq(len(digests), 1, "digests")
    directory = os.path.join(c.home, "copy")
    good(t, c.skopeo("copy", "--preserve-digests", *tls(c, "src"), f"docker://{c.ref(repo)}", f"dir:{directory}"), "skopeo copy to a directory")
    good(t, c.skopeo("copy", "--preserve-digests", *tls(c, "dest"), f"dir:{directory}", f"docker://{c.ref(third)}"), "skopeo copy from a directory")
    t.eq(t.repo(third).get_manifest("latest").body, t.repo(repo).get_manifest("latest").body, "the manifest")


@scenario("copy by digest, with other formats, and an OCI layout")
def _(t):
    c = ready(t)
    repo = pushed(t, c)
    digest = t.repo(repo).get_manifest("latest").get("Docker-Content-Digest")
    good(t, c.skopeo("copy", *tls(c, "src", "dest"), f"docker://{c.registry}/{repo}@{digest}", f"docker://{c.ref(repo, 'by-digest')}"), "skopeo copy by digest")
    good(t, c.skopeo("copy", *tls(c, "src", "dest"), "--format", "v2s2", f"docker://{c.ref(repo)}", f"docker://{c.ref(repo, 'v2s2')}"), "skopeo copy in Docker's format")
    layout = os.path.join(c.home, "layout")
    good(t, c.skopeo("copy", *tls(c, "src"), f"docker://{c.ref(repo, 'v2s2')}", f"oci:{layout}:x"), "skopeo copy to a layout")
    good(t, c.skopeo("copy", *tls(c, "dest"), f"oci:{layout}:x", f"docker://{c.ref(repo, 'layout')}"), "skopeo copy from a layout")
    listed = json.loads(good(t, c.skopeo("list-tags", *c.tls(), f"docker://{c.registry}/{repo}"), "skopeo list-tags"))
    t.eq(listed["Tags"], sorted(listed["Tags"]), "the order of tags")
    t.eq(set(listed["Tags"]), {"latest", "by-digest", "v2s2", "layout"}, "tags")


@scenario("delete takes the manifest away")
def _(t):
    c = ready(t)
    repo = pushed(t, c)
    good(t, c.skopeo("copy", *tls(c, "src", "dest"), "--format", "v2s2", f"docker://{c.ref(repo)}", f"docker://{c.ref(repo, 'other')}"), "skopeo copy")
    good(t, c.skopeo("delete", *c.tls(), f"docker://{c.ref(repo)}"), "skopeo delete")
    t.eq(t.repo(repo).tags(), ["other"], "tags")
    bad(t, c.skopeo("inspect", *c.tls(), f"docker://{c.ref(repo)}"), "an inspect of what was deleted", "(?i)manifest unknown|not known")


@scenario("wrong password, no login, no trust")
def _(t):
    c = ready(t)
    repo = pushed(t, c)
    bad(t, c.skopeo("inspect", *c.tls(), "--creds", f"{t.owner.name}:wrong", f"docker://{c.ref(repo)}"), "a wrong password", "(?i)unauthorized|invalid username|authentication")
    bad(t, c.skopeo("inspect", *c.tls(), "--no-creds", f"docker://{c.ref(repo)}"), "no login", "(?i)unauthorized|authentication required|denied")
    stranger = Clients(t.stack, t.directory(), trust=False)
    bad(t, stranger.skopeo("inspect", *stranger.tls(), f"docker://{c.ref(repo)}"), "no trust", "(?i)certificate")
    token = t.stack.gantry("token", "add", t.owner.name, "--app").split()[-1]
    account = Account("$app", token)
    good(t, c.skopeo("inspect", *c.tls(), "--creds", f"{account.name}:{account.password}", f"docker://{c.ref(repo)}"), "an application token")
