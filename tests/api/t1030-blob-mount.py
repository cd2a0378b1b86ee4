"""Mounting: a blob that a caller may read somewhere need not be sent again, and one that they may not read stays hidden."""
from lib.registry import digest_of, random_blob
from lib.scenario import scenario


def mount(repo, digest, source=None):
    return repo.request("POST", f"blobs/uploads/?mount={digest}" + (f"&from={source}" if source else ""))


def both(t, source, target):
    """A handle on the target whose token also pulls from the source, as clients ask for it."""
    repo = t.registry.repo(target)
    token = t.registry.token(repo.scope, f"repository:{source}:pull")
    t.registry._tokens[(repo.scope,)] = token
    return repo


@scenario("from a repository of the same owner")
def _(t):
    source, name = t.repo(), t.name()
    for algorithm in ("sha256", "sha512"):
        data = random_blob()
        digest = source.push_blob(data, algorithm)
        target = both(t, source.name, name)
        answer = t.status(mount(target, digest, source.name), 201)
        t.header(answer, "Docker-Content-Digest", digest)
        t.true(t.status(target.get(target.where(answer)), 200).body == data, "other bytes")
        t.eq(t.status(target.get(f"blobs/{digest}"), 200).body, data, "the mounted blob")


@scenario("without `from`: from wherever the caller may read it")
def _(t):
    data = random_blob()
    source = t.repo()
    digest = source.push_blob(data)

    def mounted(repo, answer):
        t.status(answer, 201)
        t.true(answer.get("Location"), answer)
        t.eq(t.status(repo.get(f"blobs/{digest}"), 200).body, data, "the mounted blob")
    # with a password: by all rights of the account
    target = t.repo()
    answer = t.web.request("POST", f"/v2/{target.name}/blobs/uploads/?mount={digest}", {"Authorization": t.owner.basic()})
    mounted(target, answer)
    # with a token, whatever it names besides the target: the client cannot know where the blob lies
    target = t.repo()
    mounted(target, mount(target, digest))
    target = both(t, source.name, t.name())
    mounted(target, mount(target, digest))


@scenario("a token for the target alone mounts what its account may read, as suites and simple clients ask")
def _(t):
    source, data = t.repo(), random_blob()
    digest = source.push_blob(data)
    for named in (source.name, None):
        target = t.repo()
        t.status(mount(target, digest, named), 201)
        t.eq(t.status(target.get(f"blobs/{digest}"), 200).body, data, "the mounted blob")


@scenario("what is not there opens a session instead")
def _(t):
    source = t.repo()
    source.push_blob(random_blob())
    target = both(t, source.name, t.name())
    data = random_blob()
    for answer in (mount(target, digest_of(data), source.name), mount(target, digest_of(data)),
                   mount(target, digest_of(data), f"{t.org}/never-was"), mount(target, digest_of(data), "Not/A/Name")):
        t.status(answer, 202)
    t.status(target.close(target.where(answer), digest_of(data), data), 201)
    t.eq(t.status(target.get(f"blobs/{digest_of(data)}"), 200).body, data, "the pushed blob")


@scenario("what a stranger may not read opens a session, as if it did not exist")
def _(t):
    private = t.repo()
    secret = random_blob()
    digest = private.push_blob(secret)
    stranger = t.user("stranger")
    target = t.stack.registry(stranger).repo(f"{stranger.name}/mine")
    for answer in (mount(target, digest, private.name), mount(target, digest)):
        t.status(answer, 202)
        t.eq(answer.get("Docker-Content-Digest"), None, "Docker-Content-Digest")
    t.error(target.get(f"blobs/{digest}"), 404, "BLOB_UNKNOWN")


@scenario("public repositories are open to mounts")
def _(t):
    public = t.repo()
    t.owner
    t.stack.gantry("repo", "add", public.name, "--public")
    data = random_blob()
    digest = public.push_blob(data)
    stranger = t.user("stranger")
    target = t.stack.registry(stranger).repo(f"{stranger.name}/mine")
    t.status(mount(target, digest, public.name), 201)
    t.eq(t.status(target.get(f"blobs/{digest}"), 200).body, data, "the mounted blob")


@scenario("a blob that was deleted at its source cannot be mounted from there")
def _(t):
    source = t.repo()
    digest = source.push_blob(random_blob())
    t.status(source.delete(f"blobs/{digest}"), 202)
    target = both(t, source.name, t.name())
    t.status(mount(target, digest, source.name), 202)
    t.status(mount(target, digest), 202)


@scenario("a digest that is none")
def _(t):
    repo = t.repo()
    for digest in ("sha256:zz", "nonsense"):
        answer = mount(repo, digest)
        t.error(answer, 400, "DIGEST_INVALID")
