"""A registry that takes no pushes for a while: pulls go on, pushes hear why; a reload opens it again."""
from lib.registry import image
from lib.scenario import scenario

OWN_STACK = True


@scenario("readonly, and back, without losing a request")
def _(t):
    repo = t.repo()
    data, digest = repo.push_image("v1")
    waiting = image(repo)
    for key, closed, opened in (("REGISTRY_STATE", "readonly", "normal"), ("DISABLE_PUSHES", True, False)):
        t.stack.configure({key: closed})
        t.stack.gantry("restart")
        t.true(t.status(repo.get_manifest("v1"), 200).body == data, "other bytes")
        for answer in (repo.request("POST", "blobs/uploads/"), repo.put_manifest("v2", waiting), repo.delete("manifests/v1"),
                       repo.delete(f"manifests/{digest}")):
            t.error(answer, 405, "DENIED")
        t.stack.configure({key: opened})
        t.stack.gantry("restart")
        repo.push_manifest("v2", waiting)


@scenario("a wrong configuration is refused with key, value and reason, and the stack goes on")
def _(t):
    repo = t.repo()
    repo.push_image("v1")
    t.stack.configure({"GANTRY_POOL_API": "many"})
    done = t.stack.gantry("config", "check", check=False)
    t.eq(done.returncode, 1, "exit of config check")
    said = done.stdout + done.stderr
    for part in ("GANTRY_POOL_API", "many", "2x8"):
        t.true(part in said, f"{part} is missing in: {said}")
    done = t.stack.gantry("restart", check=False)
    t.true(done.returncode != 0, "restart with a wrong configuration succeeds")
    t.true("GANTRY_POOL_API" in done.stdout + done.stderr, done)
    t.status(repo.get_manifest("v1"), 200)
    t.stack.configure({"GANTRY_POOL_API": None})
    t.stack.gantry("restart")
    t.status(repo.get_manifest("v1"), 200)
