"""Every route as every kind of caller. What is expected comes from the permission that the route's row names, and from nothing else:
a route that grants more or less than its row says fails here, and a new route is here as soon as it has a row.
"""
import itertools
import subprocess

from lib.registry import MANIFEST, Registry, digest_of
from lib.scenario import scenario
from lib.tokens import Forger, claims, tampered

ROLES = {"stranger": "", "reader": "read", "writer": "write", "admin": "admin"}
# Who holds which right on the private repository.
READS = {"reader", "writer", "admin", "robot", "org admin"}
WRITES = {"writer", "admin", "robot", "org admin"}
ADMINS = {"admin", "org admin"}
BAD_TOKENS = {"expired token", "wrong-audience token", "tampered token"}
PEOPLE = ["stranger", "reader", "writer", "admin", "robot", "org admin", "superuser"]


def routes(t):
    """Rows of `gantry-fcgi --routes`: (method, path, permission, body, flags, name)."""
    done = subprocess.run([t.build.program("gantry-fcgi"), "--routes"], capture_output=True, text=True, check=True, env=t.build.environment())
    for line in done.stdout.splitlines():
        methods, path, permission, body, flags, name = line.split("\t")
        for method in methods.split(", "):
            yield method, path, permission, body, set(flags.split(",")), name


class World:
    """The repositories and people of the matrix, made once."""

    def __init__(self, t):
        self.t = t
        self.private, self.public = t.repo(), t.repo()
        self.missing = t.name("missing")
        t.stack.gantry("repo", "add", self.private.name)
        t.stack.gantry("repo", "add", self.public.name, "--public")
        self.image, self.digest = self.private.push_image("v1")
        self.public.push_image("v1")
        self.accounts = {"org admin": t.owner, "superuser": t.stack.admin, "robot": t.stack.robot(t.org, "matrix")}
        for who, role in ROLES.items():
            self.accounts[who] = t.user(who)
            if role:
                for repo in (self.private, self.public):
                    t.stack.gantry("repo", "grant", repo.name, self.accounts[who].name, role)
        for repo in (self.private, self.public):
            t.stack.gantry("repo", "grant", repo.name, self.accounts["robot"].name, "write")
        self.forger = Forger(t.stack, t.directory())

    def credentials(self, who, repo):
        """[(how, value of Authorization or None)] by which a kind of caller comes."""
        # a token for pushing would make the missing repository: that is a story of its own, below
        scope = f"repository:{repo}:pull" + ("" if repo == self.missing else ",push")
        if who == "anonymous":
            token = Registry(self.t.web).auth([scope]).json()["token"]
            return [("nothing", None), ("an anonymous token", "Bearer " + token)]
        if who in BAD_TOKENS:
            good = self.t.registry.token(f"repository:{self.private.name}:pull,push")
            now = claims(good)["iat"]
            changes = {"access": [{"type": "repository", "name": repo, "actions": ["pull", "push"]}]}
            if who == "expired token":
                changes.update(iat=now - 7200, nbf=now - 7200, exp=now - 3600)
            elif who == "wrong-audience token":
                changes.update(aud="elsewhere.example.com")
            token = self.forger.renewed(good, **changes)
            return [(who, "Bearer " + (tampered(token) if who == "tampered token" else token))]
        account = self.accounts[who]
        token = self.t.stack.registry(account).auth([scope]).json()["token"]
        return [("a password", account.basic()), ("a token", "Bearer " + token)]


def world(t):
    if not hasattr(t, "world"):
        t.world = World(t)
    return t.world


def passes(permission, flags, who, how, where):
    """Whether this caller may, by the meaning of the permission."""
    if permission in ("ANYONE", "OPERATOR"):  # the tests come from 127.0.0.1, which the default admits
        return True
    if who in BAD_TOKENS:
        return who == "expired token" and "grace" in flags
    if permission == "V2":
        return how != "nothing"
    if permission == "CATALOG":
        return who != "anonymous"
    if permission == "REPO_READ" and where == "public":
        return True
    holders = {"REPO_READ": READS, "REPO_WRITE": WRITES, "REPO_ADMIN": ADMINS}[permission]
    if where == "missing":  # who could create it; their token is for pulling
        return who == "org admin" and (permission == "REPO_READ" or how == "a password")
    return who in holders


def refused(answer):
    return answer.status in (401, 403)


def fill(path, world, repo):
    """The path with values that do no harm when the caller passes."""
    for name, value in {"{repo}": repo, "{reference}": "never-was", "{digest}": digest_of(b"never was"),
                        "{uuid}": "00000000-0000-4000-8000-000000000000", "{service}": "quay", "{kid}": "never-was"}.items():
        path = path.replace(name, value)
    if "{" in path:
        raise AssertionError(f"the matrix has no value for {path}; give it one")
    return path


def ask(t, method, path, body, authorization):
    headers = {"Authorization": authorization} if authorization else {}
    data = None
    if body == "manifest":
        headers["Content-Type"] = MANIFEST
        data = b"{}"  # 400 for those who pass
    elif body == "form":
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        data = b"grant_type=nothing"
    elif body == "blob":
        headers["Content-Type"] = "application/octet-stream"
        data = b"x"
    return t.web.request(method, path, headers, data)


def check(t, who):
    w = world(t)
    wrong = []
    count = 0
    for where, repo in (("private", w.private.name), ("public", w.public.name), ("missing", w.missing)):
        credentials = w.credentials(who, repo)
        for method, path, permission, body, flags, name in routes(t):
            if "{repo}" not in path and where != "private":
                continue
            if path.startswith("/v2/auth") or path.startswith("/v1/"):
                continue  # decided inside: the stories of tokens and of /v1/ are elsewhere
            if where == "missing" and "create-repo" in flags:
                continue  # it would make the repository; told below
            for how, authorization in credentials:
                answer = ask(t, method, fill(path, w, repo), body, authorization)
                count += 1
                expected = passes(permission, flags, who, how, where)
                label = f"{method} {path} ({name}, {permission}) on the {where} repository with {how}"
                if answer.status >= 500 or b"<html" in answer.body:
                    wrong.append(f"{label}: {answer.status} {answer.body[:100]!r}")
                elif refused(answer) == expected:
                    wrong.append(f"{label}: {'must pass' if expected else 'must be refused'}, got {answer.status} {answer.codes()}")
                elif refused(answer) and method != "HEAD" and not answer.codes() and "oci" in flags:
                    wrong.append(f"{label}: a refusal without an OCI error: {answer.body[:100]!r}")
                elif answer.status == 401 and not answer.get("WWW-Authenticate"):
                    wrong.append(f"{label}: 401 without a challenge")
    t.true(count > 50, f"only {count} requests were made")
    t.true(not wrong, "\n".join(wrong[:40]))


for _who in ["anonymous", *PEOPLE, *sorted(BAD_TOKENS)]:
    scenario(f"every route as {_who}")(lambda t, who=_who: check(t, who))


@scenario("refused writes left nothing behind")
def _(t):
    w = world(t)
    t.eq(w.private.tags(), ["v1"], "tags")
    t.true(w.private.get_manifest("v1").body == w.image, "another image")
    t.eq(t.rows("repository", t.registry.repo(w.missing)), 0, "repositories made by refused requests")


@scenario("only who may create makes a missing repository by pushing")
def _(t):
    w = world(t)
    for who in ["anonymous", *PEOPLE, *sorted(BAD_TOKENS)]:
        name = t.name("made")
        for how, authorization in w.credentials(who, name):
            answer = ask(t, "POST", f"/v2/{name}/blobs/uploads/", "blob", authorization)
            made = t.rows("repository", t.registry.repo(name)) == 1
            t.eq(made, who == "org admin", f"the repository exists after {who} pushed with {how} ({answer.status})")
            t.eq(refused(answer), who != "org admin", f"{who} with {how}: {answer}")


@scenario("the token service writes the same rights into tokens")
def _(t):
    w = world(t)
    for who, repo in itertools.product(["anonymous", *PEOPLE], (w.private, w.public)):
        registry = Registry(t.web) if who == "anonymous" else t.stack.registry(w.accounts[who])
        token = registry.auth([f"repository:{repo.name}:pull,push"]).json()["token"]
        actual = set(itertools.chain(*(e["actions"] for e in claims(token)["access"])))
        expected = ({"pull"} if who in READS or repo is w.public else set()) | ({"push"} if who in WRITES else set())
        t.eq(actual, expected, f"{who} on {repo.name}")


@scenario("every route of the table is a row of the documentation of permissions")
def _(t):
    known = {"ANYONE", "V2", "CATALOG", "REPO_READ", "REPO_WRITE", "REPO_ADMIN", "OPERATOR"}
    rows = list(routes(t))
    t.true(len(rows) > 30, "the table is not complete")
    t.eq({permission for _, _, permission, *_ in rows} - known, set(), "permissions without a rule in the matrix")
