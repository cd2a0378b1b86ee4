"""Rights as people use them: organizations, teams, default permissions, public repositories, superusers."""
from lib.registry import Registry
from lib.scenario import scenario


def may(t, account, name):
    """What an account can do: a subset of "pull push"."""
    repo = (t.stack.registry(account) if account else Registry(t.web)).repo(name)
    out = []
    if repo.get_manifest("v1").status == 200:
        out.append("pull")
    if repo.request("POST", "blobs/uploads/").status == 202:
        out.append("push")
    return " ".join(out)


@scenario("a private repository is its owner's, until it is granted")
def _(t):
    repo = t.repo()
    repo.push_image("v1")
    person = t.user("p")
    t.eq(may(t, t.owner, repo.name), "pull push", "the owner")
    t.eq(may(t, person, repo.name), "", "a stranger")
    t.eq(may(t, None, repo.name), "", "nobody")
    for role, expected in (("read", "pull"), ("write", "pull push"), ("admin", "pull push"), ("read", "pull")):
        t.stack.gantry("repo", "grant", repo.name, person.name, role)
        t.eq(may(t, person, repo.name), expected, role)


@scenario("a public repository is everybody's to read")
def _(t):
    name = t.name()
    t.stack.gantry("repo", "add", name, "--public")
    t.repo(name).push_image("v1")
    t.eq(may(t, None, name), "pull", "nobody")
    t.eq(may(t, t.user("p"), name), "pull", "a stranger")
    t.status(Registry(t.web).repo(name).get("tags/list"), 200)


@scenario("teams carry roles, and their admins may create")
def _(t):
    repo = t.repo()
    repo.push_image("v1")
    person, maker = t.user("p"), t.user("m")
    t.stack.gantry("team", "add", t.org, "devs", "--role", "member")
    t.stack.gantry("team", "grant", t.org, "devs", person.name)
    t.eq(may(t, person, repo.name), "", "a member of a team without rights")
    t.stack.gantry("repo", "grant", repo.name, "--team", "devs", "write")
    t.eq(may(t, person, repo.name), "pull push", "a member of a team that may write")
    t.status(t.stack.registry(person).repo(t.name()).request("POST", "blobs/uploads/"), 401, 403)
    t.stack.gantry("team", "add", t.org, "makers", "--role", "creator")
    t.stack.gantry("team", "grant", t.org, "makers", maker.name)
    new = t.name()
    t.stack.registry(maker).repo(new).push_image("v1")
    t.eq(may(t, maker, new), "pull push", "who made it")
    t.eq(may(t, maker, repo.name), "", "a creator on what others made")


@scenario("a person's own namespace is theirs")
def _(t):
    person, other = t.user("p"), t.user("o")
    repo = t.stack.registry(person).repo(f"{person.name}/thing")
    repo.push_image("v1")
    t.eq(may(t, person, repo.name), "pull push", "the owner")
    t.eq(may(t, other, repo.name), "", "another")
    t.status(t.stack.registry(other).repo(f"{person.name}/new").request("POST", "blobs/uploads/"), 401, 403)


@scenario("a private repository and one that does not exist look alike to strangers")
def _(t):
    repo = t.repo()
    repo.push_image("v1")
    for account in (None, t.user("s")):
        registry = t.stack.registry(account) if account else Registry(t.web)
        for rest in ("manifests/v1", "tags/list", "blobs/sha256:" + "0" * 64, "referrers/sha256:" + "0" * 64):
            there = registry.repo(repo.name).get(rest)
            not_there = registry.repo(f"{t.org}/never-was").get(rest)
            t.eq((there.status, there.codes()), (not_there.status, not_there.codes()), rest)
            t.eq(there.json()["errors"][0]["message"].replace(repo.name, ""),
                 not_there.json()["errors"][0]["message"].replace(f"{t.org}/never-was", ""), "the words")


@scenario("a superuser has no more rights than others on repositories, by default")
def _(t):
    repo = t.repo()
    repo.push_image("v1")
    t.eq(may(t, t.stack.admin, repo.name), "", "the superuser")
