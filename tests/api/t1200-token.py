"""The token service: who gets which rights written into a token, and what is in it."""
import json
import urllib.parse

from lib.registry import Account, Registry, digest_of
from lib.scenario import scenario
from lib.tokens import Forger, claims, header, tampered, verifies


def granted(token):
    return {entry["name"]: sorted(entry["actions"]) for entry in claims(token)["access"]}


@scenario("the answer has a token under both names, and its life")
def _(t):
    answer = t.status(t.registry.auth([]), 200)
    body = answer.json()
    t.eq(body["token"], body["access_token"], "token and access_token")
    t.eq(body["expires_in"], 3600, "expires_in")
    t.matches(body["issued_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
    t.matches(answer.get("Content-Type"), "^application/json")
    t.matches(answer.get("Cache-Control", ""), "no-store|no-cache|private")


@scenario("Quay's claims, signed with a published key")
def _(t):
    name = t.name()
    token = t.registry.auth([f"repository:{name}:pull,push"]).json()["token"]
    body, head = claims(token), header(token)
    t.eq((head["alg"], head["typ"]), ("ES256", "JWT"), "header")
    t.eq((body["iss"], body["aud"], body["sub"]), ("quay", f"{t.web.host}:{t.web.port}", t.owner.name), "claims")
    t.eq(body["exp"] - body["iat"], 3600, "life")
    t.true(body["nbf"] <= body["iat"], "nbf")
    t.eq(body["access"][0]["type"], "repository", "access")
    t.eq(granted(token), {name: ["pull", "push"]}, "access")
    context = body["context"]
    t.eq((context["version"], context["entity_kind"], context["entity_reference"]), (2, "user", t.owner.name), "context")
    keys = t.status(t.web.request("GET", "/keys/services/quay/keys"), 200).json()["keys"]
    t.eq(t.web.request("GET", "/.well-known/jwks.json").json()["keys"], keys, "the same set")
    key = [k for k in keys if k["kid"] == head["kid"]][0]
    t.eq((key["kty"], key["crv"]), ("EC", "P-256"), "the key")
    t.true("d" not in key, "the private half is published")
    t.true(verifies(token, key, t.directory()), "the signature does not verify")
    t.true(not verifies(tampered(token), key, t.directory()), "the test's own check")
    one = t.status(t.web.request("GET", f"/keys/services/quay/keys/{head['kid']}"), 200).json()
    t.eq((one["x"], one["y"]), (key["x"], key["y"]), "one key")
    t.status(t.web.request("GET", "/keys/services/quay/keys/never-was"), 404)
    t.status(t.web.request("GET", "/keys/services/other/keys"), 200, 404)


@scenario("rights that the caller does not have are dropped, silently")
def _(t):
    mine = t.repo()
    mine.push_blob(b"x")
    stranger, reader, writer, admin = (t.stack.registry(t.user(hint)) for hint in ("s", "r", "w", "a"))
    for registry, role in ((reader, "read"), (writer, "write"), (admin, "admin")):
        t.stack.gantry("repo", "grant", mine.name, registry.account.name, role)
    for registry, asked, expected in ((stranger, "pull,push", []), (reader, "pull,push", ["pull"]), (writer, "pull,push", ["pull", "push"]),
                                      (writer, "*", []), (admin, "*", ["*"]), (t.registry, "pull,push,*", ["*", "pull", "push"]),
                                      (reader, "push", [])):
        token = t.status(registry.auth([f"repository:{mine.name}:{asked}"]), 200).json()["token"]
        actual = granted(token).get(mine.name, [])
        t.true(actual == expected or (expected and "*" in expected and "*" in actual),
               f"{registry.account.name} asked for {asked}: expected {expected}, got {actual}")


@scenario("several scopes, in one parameter or in many")
def _(t):
    first, second = t.name(), t.name()
    for query in (f"scope=repository:{first}:pull&scope=repository:{second}:pull,push",
                  f"scope=repository:{first}:pull%20repository:{second}:push,pull"):
        answer = t.web.request("GET", f"/v2/auth?service={t.web.host}:{t.web.port}&{query}", {"Authorization": t.owner.basic()})
        t.status(answer, 200)
        t.eq(granted(answer.json()["token"]), {first: ["pull"], second: ["pull", "push"]}, query)


@scenario("POST, as OAuth clients do it")
def _(t):
    name = t.name()

    def post(**form):
        data = urllib.parse.urlencode({"service": f"{t.web.host}:{t.web.port}", "client_id": "test", **form}).encode()
        return t.web.request("POST", "/v2/auth", {"Content-Type": "application/x-www-form-urlencoded"}, data)
    answer = t.status(post(grant_type="password", username=t.owner.name, password=t.owner.password, scope=f"repository:{name}:pull,push"), 200)
    token = answer.json()["access_token"]
    t.eq(granted(token), {name: ["pull", "push"]}, "access")
    t.status(t.web.request("GET", "/v2/", {"Authorization": "Bearer " + token}), 200)
    t.status(post(grant_type="password", username=t.owner.name, password="wrong", scope=""), 401)
    t.status(post(grant_type="telepathy", username=t.owner.name, password=t.owner.password), 400)
    t.status(t.web.request("POST", "/v2/auth", {"Content-Type": "application/json"}, b"{}"), 400, 401, 415)


@scenario("scope after scope is not read without end")
def _(t):
    for word in ("", "+", "repository:a/b:pull"):
        t.error(t.web.request("GET", "/v2/auth?" + "&".join([f"scope={word}"] * 65)), 400, "INVALID_REQUEST")
    t.status(t.web.request("GET", "/v2/auth?" + "&".join(["scope=repository:a/b:pull"] * 64)), 200)


@scenario("scopes that are none, names that are none")
def _(t):
    for scope in ("nonsense", "repository:a/b", "repository:a/b:fly", "repository::pull", "registry:catalog:*", "repository:a/b:pull:push"):
        answer = t.registry.auth([scope])
        t.status(answer, 200, 400)
        if answer.status == 400:
            t.true(answer.codes(), answer)
    for name in ("A/b", "a//b", "a/../b", "-a/b", "a/b%00"):
        answer = t.registry.auth([f"repository:{name}:pull"])
        t.status(answer, 400)
        t.true(set(answer.codes()) & {"NAME_INVALID", "INVALID_REQUEST"}, answer)


@scenario("nobody: refused without a scope, given nothing with one")
def _(t):
    anonymous = Registry(t.web)
    t.error(anonymous.auth([]), 401, "UNAUTHORIZED")
    private = t.repo()
    private.push_blob(b"x")
    token = t.status(anonymous.auth([f"repository:{private.name}:pull,push"]), 200).json()["token"]
    t.eq(granted(token).get(private.name, []), [], "access")
    t.eq(claims(token)["sub"], "(anonymous)", "sub")
    t.eq(claims(token)["context"]["entity_kind"], "anonymous", "context")


@scenario("wrong passwords, unknown people, empty and broken Basic")
def _(t):
    for account in (Account(t.owner.name, "wrong"), Account("never-was", "x"), Account("", ""), Account(t.owner.name, ""),
                    Account("never+was", "x"), Account("$oauthtoken", "x"), Account("$app", "x"), Account("$token", "x")):
        t.error(Registry(t.web, account).auth([]), 401, "UNAUTHORIZED")
    for value in ("Basic", "Basic ", "Basic !!!", "Basic YWJj", "Basic YTpi YTpi", "basic"):
        t.status(t.web.request("GET", "/v2/auth?service=x", {"Authorization": value}), 401)


@scenario("pushing is asked for: the repository comes into being, private")
def _(t):
    name = t.name()
    token = t.registry.auth([f"repository:{name}:pull,push"]).json()["token"]
    t.eq(granted(token), {name: ["pull", "push"]}, "access")
    stranger = t.stack.registry(t.user("stranger"))
    t.eq(granted(stranger.auth([f"repository:{t.name()}:pull,push"]).json()["token"]).get(t.name(), []), [], "a stranger's rights")
    repo = t.registry.repo(name)
    repo.push_image("v1")
    t.status(stranger.repo(name).get_manifest("v1"), 401, 403, 404)


@scenario("a token for one repository opens no other")
def _(t):
    one, other = t.repo(), t.repo()
    for repo in (one, other):
        repo.push_image("v1")
    token = "Bearer " + t.registry.token(one.scope)
    t.status(t.web.request("GET", f"/v2/{one.name}/manifests/v1", {"Authorization": token}), 200)
    answer = t.error(t.web.request("GET", f"/v2/{other.name}/manifests/v1", {"Authorization": token}), 401, "UNAUTHORIZED")
    t.matches(answer.get("WWW-Authenticate"), rf'scope="repository:{other.name}:pull"')
    t.matches(answer.get("WWW-Authenticate"), 'error="insufficient_scope"')
    pull = "Bearer " + t.registry.token(f"repository:{one.name}:pull")
    answer = t.web.request("POST", f"/v2/{one.name}/blobs/uploads/", {"Authorization": pull})
    t.error(answer, 401, "UNAUTHORIZED")
    t.matches(answer.get("WWW-Authenticate"), rf'scope="repository:{one.name}:(pull,push|push,pull)"')


@scenario("tokens that are not ours, or not for us, or not for now")
def _(t):
    repo = t.repo()
    repo.push_image("v1")
    good = t.registry.token(repo.scope)
    forger = Forger(t.stack, t.directory())
    now = claims(good)["iat"]

    def get(token, method="GET", path="manifests/v1"):
        return t.web.request(method, f"/v2/{repo.name}/{path}", {"Authorization": "Bearer " + token})
    t.status(get(good), 200)
    t.status(get(forger.renewed(good)), 200)  # so that what follows fails for its own reason
    for what, token in {
            "another audience": forger.renewed(good, aud="elsewhere"), "no audience": forger.renewed(good, aud=None),
            "an audience list": forger.renewed(good, aud=["elsewhere"]), "another issuer": forger.renewed(good, iss="evil"),
            "expired": forger.renewed(good, iat=now - 7200, nbf=now - 7200, exp=now - 3600), "no expiry": forger.renewed(good, exp=None),
            "an expiry as text": forger.renewed(good, exp=str(now + 100)), "too long a life": forger.renewed(good, exp=now + 10**7),
            "from the future": forger.renewed(good, iat=now + 1000, nbf=now + 1000), "no subject": forger.renewed(good, sub=None),
            "tampered": tampered(good), "no signature": good.rsplit(".", 1)[0] + ".", "two parts": good.rsplit(".", 1)[0],
            "alg none": forger.sign(claims(good), {"alg": "none"}), "another alg": forger.sign(claims(good), {"alg": "HS256"}),
            "an unknown kid": forger.sign(claims(good), {"kid": "never-was"}), "claims that are a list": forger.sign(b"[]"),
            "no JSON": forger.sign(b"{"), "a critical extension": forger.sign(claims(good), {"crit": ["x"]})}.items():
        answer = get(token)
        t.true(answer.status == 401 and "UNAUTHORIZED" in answer.codes(), f"{what}: {answer}")
        t.true(answer.get("WWW-Authenticate"), f"{what}: no challenge: {answer}")
    t.status(get(forger.renewed(good, access=[])), 401)
    t.status(get(forger.renewed(good, access=[{"type": "repository", "name": repo.name, "actions": ["pull"]}]), "DELETE"), 401)


@scenario("a token that ran out during a push still closes its own session, and opens nothing new")
def _(t):
    repo = t.repo()
    data = b"x" * 1000
    location = repo.where(t.status(repo.patch(repo.start(), data, 0), 202))
    good = t.registry.token(repo.scope)
    now = claims(good)["iat"]
    old = Forger(t.stack, t.directory()).renewed(good, iat=now - 7200, nbf=now - 7200, exp=now - 3600)
    bearer = {"Authorization": "Bearer " + old}
    t.error(t.web.request("POST", f"/v2/{repo.name}/blobs/uploads/", bearer), 401, "UNAUTHORIZED")
    t.error(t.web.request("GET", f"/v2/{repo.name}/tags/list", bearer), 401, "UNAUTHORIZED")
    location = repo.where(t.status(t.web.request("PATCH", location, {**bearer, "Content-Range": "1000-1999"}, data), 202))
    digest = digest_of(data + data)
    t.status(t.web.request("PUT", f"{location}{'&' if '?' in location else '?'}digest={digest}", bearer), 201)
    t.status(repo.get(f"blobs/{digest}"), 200)
    ancient = Forger(t.stack, t.directory()).renewed(good, iat=now - 10**6, nbf=now - 10**6, exp=now - 10**6 + 3600)
    t.error(t.web.request("PATCH", repo.start(), {"Authorization": "Bearer " + ancient}, data), 401, "UNAUTHORIZED")


@scenario("the challenge names the repository and what is needed")
def _(t):
    repo = t.repo()
    repo.push_image("v1")
    for method, path, actions in (("GET", "manifests/v1", "pull"), ("GET", "tags/list", "pull"), ("POST", "blobs/uploads/", "pull,push"),
                                  ("PUT", "manifests/v1", "pull,push"), ("DELETE", "manifests/v1", "(pull,)?(push|delete|\\*)(,.*)?")):
        answer = t.error(t.web.request(method, f"/v2/{repo.name}/{path}"), 401, "UNAUTHORIZED")
        t.matches(answer.get("WWW-Authenticate"), rf'^Bearer realm="[^"]+/v2/auth",service="[^"]+",scope="repository:{repo.name}:{actions}"')


@scenario("the audit log knows of sign-ins and of failed ones")
def _(t):
    before = int(t.stack.sql("SELECT COUNT(*) FROM log_entry")[0][0])
    t.registry.auth([])
    Registry(t.web, Account(t.owner.name, "wrong")).auth([])
    t.stack.wait(lambda: int(t.stack.sql("SELECT COUNT(*) FROM log_entry")[0][0]) >= before + 2, "two rows in the audit log", 20)
    rows = t.stack.sql("SELECT metadata FROM log_entry ORDER BY id DESC LIMIT 5")
    t.true(all("wrong" not in row[0] for row in rows), "a password in the audit log")
    json.loads(rows[0][0])
