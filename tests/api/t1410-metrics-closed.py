"""/metrics is for addresses that the operator named."""
from lib.scenario import scenario

CONFIG = {"GANTRY_METRICS_ALLOW": ["192.0.2.0/24"]}


@scenario("another address is refused")
def _(t):
    t.status(t.web.request("GET", "/metrics"), 403)
    answer = t.web.request("GET", "/metrics", {"X-Forwarded-For": "192.0.2.1", "X-Real-IP": "192.0.2.1", "Forwarded": "for=192.0.2.1"})
    t.status(answer, 403)
    t.true(b"gantry_" not in answer.body, "metrics leaked")
