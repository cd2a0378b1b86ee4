"""Who may sign in and as what: users, robots, tokens of applications, people that are disabled."""
from lib.registry import Account, Registry
from lib.scenario import scenario


def signs_in(t, account):
    return Registry(t.web, account).auth([]).status


@scenario("a robot pushes into what it was granted, and nowhere else")
def _(t):
    t.owner
    robot = t.stack.robot(t.org, "ci")
    t.eq(signs_in(t, robot), 200, "sign-in")
    allowed, other = t.repo(), t.repo()
    allowed.push_blob(b"x")
    other.push_image("v1")
    registry = t.stack.registry(robot)
    t.status(registry.repo(allowed.name).request("POST", "blobs/uploads/"), 401, 403)
    t.stack.gantry("repo", "grant", allowed.name, robot.name, "write")
    registry = t.stack.registry(robot)
    registry.repo(allowed.name).push_image("v1")
    t.status(registry.repo(other.name).get_manifest("v1"), 401, 403, 404)
    t.eq(signs_in(t, Account(robot.name, robot.password[:-1])), 401, "a wrong token")
    t.eq(signs_in(t, Account(f"{t.org}+never", robot.password)), 401, "another robot's name")


@scenario("application tokens and OAuth tokens, with the rights of their scopes")
def _(t):
    repo = t.repo()
    repo.push_image("v1")
    app = t.stack.gantry("token", "add", t.owner.name, "--app").split()[-1]
    registry = t.stack.registry(Account("$app", app))
    t.status(registry.repo(repo.name).get_manifest("v1"), 200)
    registry.repo(repo.name).push_image("v2")
    reads = t.stack.gantry("token", "add", t.owner.name, "--oauth", "--scope", "repo:read").split()[-1]
    registry = t.stack.registry(Account("$oauthtoken", reads))
    t.status(registry.repo(repo.name).get_manifest("v1"), 200)
    t.status(registry.repo(repo.name).request("POST", "blobs/uploads/"), 401, 403)
    writes = t.stack.gantry("token", "add", t.owner.name, "--oauth", "--scope", "repo:write").split()[-1]
    t.stack.registry(Account("$oauthtoken", writes)).repo(repo.name).push_image("v3")
    t.eq(signs_in(t, Account("$app", reads)), 401, "an OAuth token as an application's")
    t.eq(signs_in(t, Account("$oauthtoken", app)), 401, "an application's token as OAuth's")


@scenario("a new password replaces the old one at once")
def _(t):
    person = t.user("pw")
    t.eq(signs_in(t, person), 200, "before")
    t.stack.gantry("user", "passwd", person.name, "--password-stdin", stdin="another-secret-9\n")
    t.eq(signs_in(t, Account(person.name, "another-secret-9")), 200, "the new one")
    t.eq(signs_in(t, person), 401, "the old one")


@scenario("no secret stands readable in the database")
def _(t):
    person = t.user("secret")
    robot = t.stack.robot(person.name, "bot")
    app = t.stack.gantry("token", "add", person.name, "--app").split()[-1]
    tables = [row[0] for row in t.stack.sql("SHOW TABLES")]
    for secret in (person.password, robot.password, app):
        needle = secret.encode().hex().upper()
        for table in tables:
            for row in t.stack.sql(f"SHOW COLUMNS FROM {table}"):
                if "int" in row[1]:
                    continue
                found = t.stack.sql(f"SELECT COUNT(*) FROM {table} WHERE INSTR(HEX({row[0]}), '{needle}') > 0")
                t.eq(found[0][0], "0", f"{table}.{row[0]} holds a secret")


@scenario("no secret stands in a log")
def _(t):
    person = t.user("logged")
    Registry(t.web, person).auth([])
    Registry(t.web, Account(person.name, "my-wrong-password-1")).auth([])
    t.web.request("GET", "/v2/auth?password=my-query-password-1", {"Authorization": person.basic()})
    token = Registry(t.web, person).token()
    t.web.request("GET", "/v2/", {"Authorization": "Bearer " + token})
    for path in t.stack.logs():
        with open(path, encoding="utf-8", errors="replace") as f:
            text = f.read()
        for secret in (person.password, "my-wrong-password-1", "my-query-password-1", token, token.split(".")[2],
                       t.stack.admin.password, person.basic()):
            t.true(secret not in text, f"{path} holds a secret ({secret[:4]}...)")


@scenario("names of users and organizations follow the rules")
def _(t):
    for bad in ("A", "Upper", "a", "-x", "x-", "a..b", "a b", "a/b", "\u00e4\u00e4", "x" * 256, "a+b"):
        done = t.stack.gantry("user", "add", bad, "--password-stdin", stdin="password-123\n", check=False)
        t.true(done.returncode == 1 or done.returncode == 2, f"{bad} was taken as a name: {done}")
    name = t.user("twice").name
    done = t.stack.gantry("user", "add", name, "--password-stdin", stdin="password-123\n", check=False)
    t.eq(done.returncode, 1, "the same name twice")
    t.true(name in done.stderr, done.stderr)
