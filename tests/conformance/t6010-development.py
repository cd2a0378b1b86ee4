"""The OCI's suite in the version in development, with sparse indexes."""
from lib.conformance import run
from lib.scenario import scenario

CONFIG = {"FEATURE_SPARSE_INDEX": True}


@scenario("the version in development: no failure, nothing skipped")
def _(t):
    run(t, "dev", {"OCI_DATA_SPARSE": "true"})


@scenario("version 1.1 with the same configuration")
def _(t):
    run(t, "1.1")
