"""Superusers when FEATURE_SUPERUSERS_FULL_ACCESS is on, and those who may only read."""
from lib.scenario import scenario

CONFIG = {"FEATURE_SUPERUSERS_FULL_ACCESS": True, "SUPER_USERS": ["admin", "t1225-auditor"],
          "GLOBAL_READONLY_SUPER_USERS": ["t1225-auditor"]}


@scenario("a superuser passes every repository; an auditor reads and does not write")
def _(t):
    repo = t.repo()
    repo.push_image("v1")
    theirs = t.stack.registry(t.stack.admin).repo(repo.name)
    t.status(theirs.get_manifest("v1"), 200)
    theirs.push_image("v2")
    auditor = t.stack.registry(t.stack.user("t1225-auditor")).repo(repo.name)
    t.status(auditor.get_manifest("v1"), 200)
    t.status(auditor.request("POST", "blobs/uploads/"), 401, 403)
