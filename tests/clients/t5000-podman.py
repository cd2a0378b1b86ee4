"""podman, as the README tells people to use it: login, push, pull, run; and what it says when something is wrong."""
import os
import tarfile

from lib.clients import RUN_OPTIONS, Clients, bad, good
from lib.registry import Account
from lib.scenario import scenario


def clients(t, trust=True):
    return Clients(t.stack, t.directory(), trust)


def ready(t):
    c = clients(t)
    good(t, c.login(t.owner), "podman login")
    return c


@scenario("login with the right password, and the token stays out of what is printed")
def _(t):
    c = clients(t)
    said = good(t, c.login(t.owner), "podman login")
    t.matches(said, "Login Succeeded")
    t.eq(good(t, c.podman("login", "--get-login", c.registry), "podman login --get-login"), t.owner.name, "who is logged in")


@scenario("login with a wrong password, with an unknown name, without trust")
def _(t):
    bad(t, clients(t).login(t.owner, "wrong"), "a wrong password", "(?i)unauthorized|invalid username")
    bad(t, clients(t).login(Account("never-was", "x")), "an unknown user", "(?i)unauthorized|invalid username")
    bad(t, clients(t, trust=False).login(t.owner), "an unknown CA", "(?i)certificate")


@scenario("a built image is pushed, pulled into an empty store, and runs; its file is byte for byte the same")
def _(t):
    c = ready(t)
    name = c.ref(t.name())
    good(t, c.build(name), "buildah bud")
    good(t, c.podman("push", *c.tls(), name), "podman push")
    with open(os.path.join(c.home, "hello"), "rb") as f:
        program = f.read()
    other = ready(t)
    good(t, other.podman("pull", *other.tls(), name), "podman pull")
    said = good(t, other.podman("run", "--rm", *RUN_OPTIONS, name), "podman run")
    t.eq(said, "hello from a container", "what the container says")
    good(t, other.podman("create", "--name", "c", *RUN_OPTIONS, name), "podman create")
    archive = os.path.join(other.home, "c.tar")
    good(t, other.podman("export", "-o", archive, "c"), "podman export")
    with tarfile.open(archive) as tar:
        t.true(tar.extractfile("hello").read() == program, "the program in the pulled image differs")
    t.eq(good(t, c.podman("inspect", "--format", "{{.Id}}", name), "inspect"), good(t, other.podman("inspect", "--format", "{{.Id}}", name), "inspect"), "image id")


@scenario("pushed again, nothing is uploaded; a new layer is")
def _(t):
    c = ready(t)
    repo = t.name()
    name = c.ref(repo)
    good(t, c.build(name), "buildah bud")
    good(t, c.podman("push", *c.tls(), name), "podman push")
    blobs = t.stack.sql("SELECT COUNT(*) FROM blob_content")[0][0]
    good(t, c.podman("push", *c.tls(), name, c.ref(repo, "again")), "podman push")
    t.eq(t.stack.sql("SELECT COUNT(*) FROM blob_content")[0][0], blobs, "blobs after the second push")
    other = t.name()
    good(t, c.podman("push", *c.tls(), name, c.ref(other)), "podman push to another repository")
    t.eq(t.stack.sql("SELECT COUNT(*) FROM blob_content")[0][0], blobs, "blobs after the push to another repository")
    pulled = ready(t)
    good(t, pulled.podman("pull", *pulled.tls(), c.ref(other)), "podman pull")


@scenario("without login: a public image comes, a private one does not, and nothing is pushed")
def _(t):
    c = ready(t)
    public, private = t.name("public"), t.name("private")
    t.stack.gantry("repo", "add", public, "--public")
    good(t, c.build(c.ref(public)), "buildah bud")
    good(t, c.podman("push", *c.tls(), c.ref(public)), "podman push")
    good(t, c.podman("push", *c.tls(), c.ref(public), c.ref(private)), "podman push")
    anonymous = clients(t)
    good(t, anonymous.podman("pull", *anonymous.tls(), c.ref(public)), "an anonymous pull")
    bad(t, anonymous.podman("pull", *anonymous.tls(), c.ref(private)), "an anonymous pull of a private image", "(?i)unauthorized|denied|authentication required")
    bad(t, anonymous.podman("push", *anonymous.tls(), c.ref(public), c.ref(public, "x")), "an anonymous push", "(?i)unauthorized|denied|authentication required")


@scenario("after logout the private image is closed again")
def _(t):
    c = ready(t)
    name = c.ref(t.name())
    good(t, c.build(name), "buildah bud")
    good(t, c.podman("push", *c.tls(), name), "podman push")
    good(t, c.podman("logout", c.registry), "podman logout")
    bad(t, c.podman("pull", *c.tls(), name), "a pull after logout", "(?i)unauthorized|denied|authentication required")


@scenario("a client that does not know the CA refuses, for pushes and pulls")
def _(t):
    c = ready(t)
    name = c.ref(t.name())
    good(t, c.build(name), "buildah bud")
    good(t, c.podman("push", *c.tls(), name), "podman push")
    stranger = clients(t, trust=False)
    bad(t, stranger.podman("pull", *stranger.tls(), name), "a pull without trust", "(?i)certificate")
    good(t, c.podman("pull", "--tls-verify=true", *c.tls(), name), "a pull with trust")


@scenario("a robot's name with its plus sign logs in and pushes")
def _(t):
    t.owner
    robot = t.stack.robot(t.org, "podman")
    repo = t.name()
    t.stack.gantry("repo", "add", repo)
    t.stack.gantry("repo", "grant", repo, robot.name, "write")
    c = clients(t)
    good(t, c.login(robot), "podman login as a robot")
    good(t, c.build(c.ref(repo)), "buildah bud")
    good(t, c.podman("push", *c.tls(), c.ref(repo)), "podman push")


@scenario("zstd layers, and Docker's format")
def _(t):
    c = ready(t)
    repo = t.name()
    good(t, c.build(c.ref(repo)), "buildah bud")
    good(t, c.podman("push", *c.tls(), "--format", "v2s2", c.ref(repo), c.ref(repo, "docker")), "a push in Docker's format")
    c.environment["CONTAINERS_CONF"] = os.path.join(c.home, "containers.conf")  # Debian 12's podman does not heed --compression-format
    with open(c.environment["CONTAINERS_CONF"], "w", encoding="ascii") as f:
        f.write('[engine]\ncompression_format = "zstd"\n')
    other = t.name()
    good(t, c.build(c.ref(other), "packed with zstd"), "buildah bud")  # a layer that podman has not seen as gzip
    good(t, c.podman("push", *c.tls(), "--format", "oci", c.ref(other), c.ref(other, "zstd")), "a push with zstd")
    del c.environment["CONTAINERS_CONF"]
    layer = t.repo(other).get_manifest("zstd").json()["layers"][0]
    t.matches(layer["mediaType"], "zstd$")
    t.eq(t.repo(repo).get_manifest("docker").get("Content-Type"), "application/vnd.docker.distribution.manifest.v2+json", "Docker's format")
    fresh = ready(t)
    for name, text in ((c.ref(other, "zstd"), "packed with zstd"), (c.ref(repo, "docker"), "hello from a container")):
        good(t, fresh.podman("pull", *fresh.tls(), name), f"podman pull of {name}")
        t.eq(good(t, fresh.podman("run", "--rm", *RUN_OPTIONS, name), "podman run"), text, "what the container says")


@scenario("search and tags, as podman asks for them")
def _(t):
    c = ready(t)
    repo = t.name()
    good(t, c.build(c.ref(repo, "one")), "buildah bud")
    good(t, c.podman("push", *c.tls(), c.ref(repo, "one")), "podman push")
    good(t, c.podman("push", *c.tls(), c.ref(repo, "one"), c.ref(repo, "two")), "podman push")
    said = good(t, c.podman("search", "--list-tags", f"{c.registry}/{repo}"), "podman search --list-tags")
    t.true("one" in said and "two" in said, said)
