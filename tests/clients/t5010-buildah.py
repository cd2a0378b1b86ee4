"""buildah: images for several architectures under one name, and building on top of what was pushed."""
from lib.clients import RUN_OPTIONS, Clients, bad, good
from lib.scenario import scenario


def ready(t):
    c = Clients(t.stack, t.directory())
    good(t, c.buildah("login", *c.tls(), "--username", t.owner.name, "--password-stdin", c.registry, stdin=t.owner.password + "\n"), "buildah login")
    return c


@scenario("a wrong password is refused")
def _(t):
    c = Clients(t.stack, t.directory())
    bad(t, c.buildah("login", *c.tls(), "--username", t.owner.name, "--password-stdin", c.registry, stdin="wrong\n"), "buildah login", "(?i)unauthorized|invalid username")


@scenario("a manifest list of two architectures is pushed with its images, and each client gets its own")
def _(t):
    c = ready(t)
    repo = t.name()
    for arch in ("amd64", "arm64"):
        good(t, c.build(f"local-{arch}", f"hello from {arch}", arch), "buildah bud")
    good(t, c.buildah("manifest", "create", "both", "localhost/local-amd64", "localhost/local-arm64"), "buildah manifest create")
    good(t, c.buildah("manifest", "push", *c.tls(), "--all", "both", f"docker://{c.ref(repo)}"), "buildah manifest push")
    document = t.repo(repo).get_manifest("latest").json()
    t.eq(sorted(m["platform"]["architecture"] for m in document["manifests"]), ["amd64", "arm64"], "architectures")
    for arch in ("amd64", "arm64"):
        other = ready(t)
        good(t, other.podman("pull", *other.tls(), "--arch", arch, c.ref(repo)), f"podman pull --arch {arch}")
        t.eq(good(t, other.podman("inspect", "--format", "{{.Architecture}}", c.ref(repo)), "inspect"), arch, "architecture")


@scenario("an image built on a pushed one shares its layer")
def _(t):
    c = ready(t)
    base, top = c.ref(t.name("base")), c.ref(t.name("top"))
    good(t, c.build(base), "buildah bud")
    good(t, c.buildah("push", *c.tls(), base), "buildah push")
    other = ready(t)
    container = good(t, other.buildah("from", *other.tls(), base), "buildah from")
    good(t, other.buildah("config", "--label", "more=true", container), "buildah config")
    good(t, other.buildah("copy", container, other.policy, "/policy.json"), "buildah copy")
    good(t, other.buildah("commit", container, top), "buildah commit")
    good(t, other.buildah("push", *other.tls(), top), "buildah push")
    layers = [t.repo(name.split("/", 1)[1].split(":")[0]).get_manifest("latest").json()["layers"] for name in (base, top)]
    t.eq(len(layers[1]), 2, "layers")
    third = ready(t)
    t.eq(good(t, third.podman("run", "--rm", *RUN_OPTIONS, top), "podman run"), "hello from a container", "what the container says")
