"""Guessing passwords is slowed down, for the account and for the address, and told as 429 with JSON."""
from lib.registry import Account, Registry
from lib.scenario import scenario

OWN_STACK = True
CONFIG = {"GANTRY_SIGN_IN_FAILURES": 30}


def attempt(t, account):
    return Registry(t.web, account).auth([])


@scenario("many wrong passwords: the account has to wait, even with the right one")
def _(t):
    person = t.user("victim")
    statuses = []
    for _ in range(40):
        answer = attempt(t, Account(person.name, "wrong"))
        statuses.append(answer.status)
        if answer.status == 429:
            break
    t.eq(statuses[-1], 429, f"after {len(statuses)} wrong passwords")
    t.error(answer, 429, "TOOMANYREQUESTS")
    t.true(int(answer.get("Retry-After")) >= 1, answer)
    t.eq(attempt(t, person).status, 429, "the right password while waiting")


@scenario("others sign in meanwhile, until the address has tried too many names")
def _(t):
    other = t.user("other")
    t.eq(attempt(t, other).status, 200, "another account from the same address")
    for i in range(400):
        answer = attempt(t, Account(f"guess{i}", "x"))
        if answer.status == 429:
            break
    t.error(answer, 429, "TOOMANYREQUESTS")
    t.true(int(answer.get("Retry-After")) >= 1, answer)
