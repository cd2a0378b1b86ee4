"""FEATURE_RATE_LIMITS: too many requests are told by nginx, in the registry's JSON."""
import concurrent.futures

from lib.scenario import scenario

CONFIG = {"FEATURE_RATE_LIMITS": True}


@scenario("a flood hears 429, with Retry-After, and everybody else goes on")
def _(t):
    header = {"Authorization": t.owner.basic()}
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: t.web.request("GET", "/v2/_catalog", header), range(300)))
    refused = [a for a in answers if a.status == 429]
    t.true(refused, f"nobody was refused: {sorted({a.status for a in answers})}")
    for answer in refused[:3]:
        t.error(answer, 429, "TOOMANYREQUESTS")
        t.true(int(answer.get("Retry-After")) >= 1, answer)
    t.true(any(a.status == 200 for a in answers), "nobody was served")
    t.eq({a.status for a in answers} - {200, 429}, set(), "other answers")
