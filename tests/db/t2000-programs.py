"""The programs of tests/db, each a scenario, against one private MariaDB."""
import atexit
import importlib.machinery
import importlib.util
import os

from lib.database import Database
from lib.scenario import scenario

NO_STACK = True

_path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run-db")
_loader = importlib.machinery.SourceFileLoader("run_db", _path)
_spec = importlib.util.spec_from_loader("run_db", _loader)
run_db = importlib.util.module_from_spec(_spec)
_loader.exec_module(run_db)

_started = []


def database(t):
    if not _started:
        _started.append(Database(t.directory()).start())
        atexit.register(_started[0].stop)
    return _started[0]


def run(t, program):
    t.build.make(lambda text: None, f"tests/db/{program}")
    results, text = run_db.run(t.build.dir, program, database(t), t.build.environment())
    t.true(results and all(ok for ok, _ in results), text)


for _program in run_db.programs():
    scenario(f"{_program} passes")(lambda t, program=_program: run(t, program))


@scenario("the server stops when it is told to")
def _(t):
    server = database(t)
    server.stop()
    t.true(not os.path.exists(server.socket), server.tail)
