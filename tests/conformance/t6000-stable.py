"""The OCI's suite in version 1.1, against the configuration that everybody starts with."""
from lib.conformance import run
from lib.scenario import scenario


@scenario("version 1.1: no failure, nothing skipped")
def _(t):
    run(t, "1.1")
