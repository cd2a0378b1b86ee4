"""The operator's words for accounts: what they print, their exit status, and what the audit log knows afterwards."""
import json

from lib.registry import Account, Registry
from lib.scenario import scenario


def fails(t, status, *words, stdin=None):
    """The command ends with that status, says why on standard error, and prints no result."""
    done = t.stack.gantry(*words, stdin=stdin, check=False)
    t.eq(done.returncode, status, " ".join(words))
    t.true(done.stderr.startswith("gantry: ") or done.stderr.startswith("Usage: "), done.stderr)
    t.eq(done.stdout, "", "what it printed")
    return done.stderr


def listed(t, *words):
    return json.loads(t.stack.gantry(*words, "--json"))


@scenario("wrong usage is status 2, a refusal is status 1, and both say why")
def _(t):
    person = t.user("p")
    t.owner
    for words in (("user",), ("user", "frob"), ("user", "add"), ("user", "add", "a", "b"), ("user", "add", "--frob", "xy"),
                  ("org", "add", "t1230-x"), ("team", "add", t.org, "devs"), ("team", "add", t.org, "devs", "--role", "boss"),
                  ("repo", "grant", t.name(), person.name, "boss"), ("token", "add", person.name),
                  ("token", "add", person.name, "--app", "--oauth"), ("token", "add", person.name, "--app", "--expires", "soon")):
        fails(t, 2, *words)
    for words, why in ((("user", "passwd", "t1230-nobody"), "t1230-nobody"), (("user", "passwd", t.org), "organization"),
                       (("org", "add", person.name, "--owner", person.name), "taken"),
                       (("team", "grant", t.org, "owners", "t1230-nobody"), "t1230-nobody"),
                       (("team", "revoke", t.org, "owners", t.owner.name), "owner"),
                       (("team", "delete", t.org, "owners"), "owner"), (("user", "delete", t.owner.name), "owner"),
                       (("repo", "add", "t1230-nowhere/x"), "t1230-nowhere"), (("repo", "delete", t.name()), "no repository"),
                       (("robot", "delete", t.org, "none"), "none"), (("token", "revoke", "none"), "none")):
        t.true(why in fails(t, 1, *words), f"{words}: the reason")
    fails(t, 1, "user", "add", "t1230-short", "--password-stdin", stdin="1234567\n")
    fails(t, 1, "user", "add", "t1230-short", "--password-stdin", stdin="")
    fails(t, 1, "user", "add", "t1230-short", "--password-stdin", stdin="1234\0005678\n")


@scenario("a random password is printed and signs in; a name that is in use is not handed out")
def _(t):
    made = listed(t, "user", "add", "t1230-random")
    t.eq(Registry(t.web, Account("t1230-random", made["password"])).auth([]).status, 200, "sign-in")
    renewed = listed(t, "user", "passwd", "t1230-random")
    t.eq(Registry(t.web, Account("t1230-random", made["password"])).auth([]).status, 401, "the old one")
    t.eq(Registry(t.web, Account("t1230-random", renewed["password"])).auth([]).status, 200, "the new one")
    t.true("t1230-random" in fails(t, 1, "user", "add", "t1230-random"), "the name")


@scenario("a disabled user and its robots stay outside until enabled")
def _(t):
    person = t.user("d")
    robot = t.stack.robot(person.name, "bot")
    t.stack.gantry("user", "disable", person.name)
    for account in (person, robot):
        t.true(Registry(t.web, account).auth([]).status in (401, 403), f"{account.name} signed in")
    t.eq([u["enabled"] for u in listed(t, "user", "list") if u["name"] == person.name], [False])
    t.stack.gantry("user", "enable", person.name)
    for account in (person, robot):
        t.eq(Registry(t.web, account).auth([]).status, 200, account.name)


@scenario("a user, a robot and an organization that are deleted are gone, and their names free")
def _(t):
    person = t.user("gone")
    repo = t.stack.registry(person).repo(f"{person.name}/thing")
    repo.push_image("v1")
    robot = t.stack.robot(person.name, "bot")
    t.true("1 repository" in fails(t, 1, "user", "delete", person.name), "it says what is in the way")
    t.stack.gantry("user", "delete", person.name, "--with-repositories")
    for account in (person, robot):
        t.eq(Registry(t.web, account).auth([]).status, 401, account.name)
    t.eq([u for u in listed(t, "user", "list") if u["name"] == person.name], [])
    again = t.stack.user(person.name)
    t.eq(listed(t, "repo", "list", person.name), [])
    t.status(t.stack.registry(again).repo(repo.name).get_manifest("v1"), 404)
    t.stack.gantry("org", "add", "t1230-brief", "--owner", again.name)
    t.stack.gantry("org", "delete", "t1230-brief")
    t.eq([o for o in listed(t, "org", "list") if o["name"] == "t1230-brief"], [])
    t.stack.gantry("user", "add", "t1230-brief", "--password-stdin", stdin="password-123\n")


@scenario("repositories: lists, roles, visibility, deletion")
def _(t):
    name, other = t.name(), t.name()
    person = t.user("r")
    t.stack.gantry("repo", "add", name, "--owner", t.owner.name)
    t.stack.gantry("repo", "add", other, "--public")
    t.eq({r["repository"]: r["visibility"] for r in listed(t, "repo", "list", t.org) if r["repository"] in (name, other)},
         {name: "private", other: "public"})
    t.true({name, other} <= {r["repository"] for r in listed(t, "repo", "list")}, "the list of all")
    t.stack.gantry("team", "add", t.org, "readers", "--role", "member", "--description", "who reads")
    t.stack.gantry("repo", "grant", name, person.name, "write")
    t.stack.gantry("repo", "grant", name, "readers", "read", "--team")
    t.eq([(r["name"], r["kind"], r["role"]) for r in listed(t, "repo", "roles", name)],
         [(t.owner.name, "user", "admin"), (person.name, "user", "write"), ("readers", "team", "read")])
    t.stack.gantry("repo", "revoke", name, "readers", "--team")
    t.stack.gantry("repo", "revoke", name, person.name)
    fails(t, 1, "repo", "revoke", name, person.name)
    t.eq(len(listed(t, "repo", "roles", name)), 1)
    t.stack.gantry("repo", "public", name)
    t.status(Registry(t.web).repo(name).get("tags/list"), 200)
    t.stack.gantry("repo", "private", name)
    t.status(Registry(t.web).repo(name).get("tags/list"), 401)
    t.stack.gantry("repo", "delete", name)
    t.eq([r for r in listed(t, "repo", "list", t.org) if r["repository"] == name], [])


@scenario("a token is seen once; listed and revoked by its uuid")
def _(t):
    person = t.user("t")
    app = listed(t, "token", "add", person.name, "--app", "laptop", "--expires", "30d")
    oauth = listed(t, "token", "add", person.name, "--oauth", "--scope", "repo:read repo:write", "scripts")
    rows = t.stack.gantry("token", "list", person.name, "--json")
    t.true(app["token"] not in rows and oauth["token"] not in rows, "the list shows a token")
    t.eq({r["uuid"]: (r["kind"], r["title"], r["scope"]) for r in json.loads(rows)},
         {app["uuid"]: ("app", "laptop", None), oauth["uuid"]: ("oauth", "scripts", "repo:read repo:write")})
    for made in (app, oauth):
        account = Account(made["sign_in_as"], made["token"])
        t.eq(Registry(t.web, account).auth([]).status, 200, made["sign_in_as"])
        t.stack.gantry("token", "revoke", made["uuid"])
        t.eq(Registry(t.web, account).auth([]).status, 401, "revoked")
    t.eq(listed(t, "token", "list", person.name), [])


@scenario("the operator's changes stand in the audit log, without a performer and without a secret")
def _(t):
    person = t.user("a")
    robot = t.stack.robot(person.name, "bot")
    t.stack.gantry("repo", "add", f"{person.name}/thing")
    t.stack.gantry("repo", "grant", f"{person.name}/thing", robot.name, "read")
    rows = t.stack.sql("SELECT l.kind, l.performer_id, l.ip, l.metadata FROM log_entry l JOIN account a ON a.id = "
                       f"l.account_id WHERE a.name = '{person.name}' ORDER BY l.id")
    t.eq([row[0] for row in rows], ["141", "103", "93", "89"], "the kinds")
    t.eq({(row[1], row[2]) for row in rows}, {("NULL", "NULL")}, "performer and address")
    t.eq(json.loads(rows[2][3]), {"repo": "thing", "namespace": person.name})
    t.eq(json.loads(rows[3][3]), {"username": robot.name, "repo": "thing", "namespace": person.name, "role": "read"})
    for row in rows:
        t.true(person.password not in row[3] and robot.password not in row[3], "a secret")
