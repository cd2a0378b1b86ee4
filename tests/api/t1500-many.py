"""Many at once: no answer is lost, no two clients see each other's."""
import concurrent.futures

from lib.registry import digest_of, image, random_blob
from lib.scenario import scenario


def together(n, work):
    with concurrent.futures.ThreadPoolExecutor(n) as pool:
        return list(pool.map(work, range(n)))


@scenario("sixteen pushes and pulls of different images into one repository")
def _(t):
    repo = t.repo()
    repo.push_blob(b"first")  # the repository and the token are there

    def work(i):
        data = image(repo, 2)
        repo.push_manifest(f"v{i}", data)
        return all(repo.get_manifest(f"v{i}").body == data for _ in range(5))
    t.eq(together(16, work), [True] * 16, "every image came back")
    t.eq(repo.tags(), sorted(f"v{i}" for i in range(16)), "tags")


@scenario("the same blob from sixteen sides is one blob")
def _(t):
    data = random_blob(100_000)
    repos = [t.repo() for _ in range(4)]
    for repo in repos:
        repo.push_blob(b"first")
    t.eq(set(together(16, lambda i: repos[i % 4].push_blob(data))), {digest_of(data)}, "digests")
    for repo in repos:
        t.true(repo.get(f"blobs/{digest_of(data)}").body == data, "other bytes")
    t.eq(t.stack.sql(f"SELECT COUNT(*) FROM blob_content WHERE digest = 0x01{digest_of(data).split(':')[1]}")[0][0], "1", "rows of the blob")


@scenario("the same tag from sixteen sides ends as one of them")
def _(t):
    repo = t.repo()
    images = [image(repo) for _ in range(4)]

    def work(i):
        return repo.put_manifest("v1", images[i % 4]).status
    t.eq(set(together(16, work)), {201}, "answers")
    t.true(repo.get_manifest("v1").body in images, "an image that nobody pushed")
    t.eq(t.rows("tag", repo, "is_current IS NOT NULL"), 1, "living rows of the tag")


@scenario("first pushes into a repository that sixteen clients make at once")
def _(t):
    name = t.name()
    t.eq(set(together(16, lambda i: t.stack.registry(t.owner).repo(name).request("POST", "blobs/uploads/").status)), {202}, "answers")
    t.eq(t.rows("repository", t.registry.repo(name)), 1, "rows of the repository")


@scenario("two writers on one session: one of them, or both in turn, never a mixture")
def _(t):
    repo = t.repo()
    location = repo.start()
    data = random_blob(200_000)
    answers = together(4, lambda i: repo.patch(location, data, 0).status)
    t.true(set(answers) <= {202, 409, 416} and 202 in answers, f"answers: {answers}")
    t.status(repo.close(location, digest_of(data)), 201)
    t.true(repo.get(f"blobs/{digest_of(data)}").body == data, "other bytes")


@scenario("pushing and deleting one tag at once never ends in an error of ours")
def _(t):
    repo = t.repo()
    data = image(repo)
    repo.push_manifest("v1", data)

    def work(i):
        return (repo.delete("manifests/v1") if i % 2 else repo.put_manifest("v1", data)).status
    for _ in range(3):
        t.true(set(together(8, work)) <= {201, 202, 404}, "answers")
