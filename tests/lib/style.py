"""style.py - the rules of the house that a program can check: formatting, the direction of includes, forbidden calls."""
import glob
import os
import re
import shutil
import subprocess

from lib.build import ROOT

# A room may include rooms of its own row and of the rows below it. worker.h hands everything to everybody, so base may only name
# others as incomplete types.
ROWS = [
    ["program", "command"],
    ["oci", "api", "jobs"],
    ["http"],
    ["registry", "account", "auth", "access", "audit"],
    ["db", "cache", "storage"],
    ["base"],
]
# Inclusions against the direction that the contracts make on purpose: (including file, included file).
ALLOWED = {
    ("storage/store.h", "registry/digest.h"),
    ("storage/local.c", "registry/digest.h"),
}

# Only there: the header of a library that nobody else may see.
HEADERS = {"mysql.h": "db", "mariadb/mysql.h": "db", "hiredis.h": "cache", "hiredis/hiredis.h": "cache", "yaml.h": "base",
           "fcgiapp.h": "http"}
FORBIDDEN = {
    r"\b(sprintf|vsprintf|strcpy|strcat|strncpy|strncat|gets|strtok|asprintf|vasprintf)\s*\(": "use base/buf.h or snprintf",
    r"\bFCGX_FPrintF\s*\(": "it overflows; use FCGX_PutStr",
    r"\b(system|popen)\s*\(": "run programs by exec, with a list of words",
    r"\b(setlocale|alloca|rand|srand|random|drand48|tmpnam|mktemp|tempnam)\s*\(": "see STYLE and base/random.h",
    r"\b(atoi|atol|atoll|atof)\s*\(": "use str_u64()",
    r"\bredisCommand\s*\(": "use the wrapper around redisCommandArgv",
    r"\b(gmtime|localtime|ctime|asctime|strerror_r)\s*\(": "use base/clock.h",
}
MARKS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|not implemented yet", re.I)


def sources(*patterns):
    out = []
    for pattern in patterns:
        out += glob.glob(os.path.join(ROOT, pattern), recursive=True)
    return sorted(out)


def without_comments_and_strings(text):
    """The same lines, with comments and the insides of string literals blanked."""
    def blank(found):
        piece = found.group(0)
        if piece.startswith('"'):
            return '""'
        return re.sub(r"[^\n]", " ", piece)
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', blank, text, flags=re.S)


def formatting():
    """Sources that clang-format would change; None when it is not installed. Headers are laid out by hand: they are read, not only
    compiled."""
    program = shutil.which("clang-format-14") or shutil.which("clang-format")
    if not program:
        return None
    files = sources("fcgi/**/*.c", "tests/**/*.c")
    done = subprocess.run([program, "--dry-run", "-Werror", "--ferror-limit=1", *files], capture_output=True, text=True, cwd=ROOT,
                          check=False)
    found = re.findall(r"^(\S+?):(\d+):\d+: error: code should be clang-formatted", done.stderr, re.M)
    problems = [f"{os.path.relpath(path, ROOT)}:{line}: not formatted; run clang-format -i" for path, line in found]
    if done.returncode and not problems:
        problems = [done.stderr.strip()[:500]]
    return problems


def layers():
    """Includes that run upwards, and library headers outside of their room."""
    rank = {room: len(ROWS) - i for i, row in enumerate(ROWS) for room in row}
    problems = []
    for path in sources("fcgi/**/*.c", "fcgi/**/*.h", "fcgi/**/*.def"):
        relative = os.path.relpath(path, os.path.join(ROOT, "fcgi"))
        room = relative.split(os.sep)[0] if os.sep in relative else None
        with open(path, encoding="utf-8") as f:
            text = f.read()
        for number, line in enumerate(text.splitlines(), 1):
            found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if not found:
                continue
            what = found.group(2)
            where = f"fcgi/{relative}:{number}: {what}"
            if what in HEADERS and room != HEADERS[what]:
                problems.append(f"{where} belongs to {HEADERS[what]}/ alone")
            if found.group(1) == "<" or room is None:
                continue
            other = what.split("/")[0]
            if "/" not in what:
                if what != "config.h" and not os.path.exists(os.path.join(os.path.dirname(path), what)):
                    problems.append(f"{where}: write the room before the file")
            elif other not in rank:
                problems.append(f"{where}: an unknown room")
            elif room in rank and rank[other] > rank[room] and (relative, what) not in ALLOWED:
                problems.append(f"{where}: {room}/ must not know {other}/")
    return problems


def forbidden():
    problems = []
    for path in sources("fcgi/**/*.c", "fcgi/**/*.h"):
        with open(path, encoding="utf-8") as f:
            text = without_comments_and_strings(f.read())
        for number, line in enumerate(text.splitlines(), 1):
            for pattern, why in FORBIDDEN.items():
                found = re.search(pattern, line)
                if found and not re.search(r"\b(static|enum|struct|void|int|bool|char)\b[^=;]*" + pattern, line):
                    problems.append(f"{os.path.relpath(path, ROOT)}:{number}: {found.group(0)}: {why}")
    return problems


def marks():
    """Unfinished things, and statements of SQL made outside of their tables."""
    problems = []
    for path in sources("fcgi/**/*", "nginx/**/*", "sql/*", "tests/**/*.[chp]*", "embedded/*", "quickstart", "Makefile.am", "configure.ac",
                        "*.md", "fcgi/*.md"):
        if not os.path.isfile(path) or "node_modules" in path or path == os.path.abspath(__file__):
            continue
        with open(path, encoding="utf-8", errors="replace") as f:
            for number, line in enumerate(f, 1):
                if MARKS.search(line):
                    problems.append(f"{os.path.relpath(path, ROOT)}:{number}: {line.strip()[:100]}")
    return problems


def sizes():
    """Files long past the 500 lines of the house (tables are exempt)."""
    problems = []
    for path in sources("fcgi/**/*.c", "fcgi/**/*.h"):
        with open(path, encoding="utf-8") as f:
            n = sum(1 for _ in f)
        if n > 700:
            problems.append(f"{os.path.relpath(path, ROOT)}: {n} lines; split it")
    return problems


def headers():
    """Every file opens with a comment that says what it is."""
    problems = []
    for path in sources("fcgi/**/*.c", "fcgi/**/*.h", "fcgi/**/*.def", "tests/unit/*.c"):
        with open(path, encoding="utf-8") as f:
            if not f.read(2) == "/*":
                problems.append(f"{os.path.relpath(path, ROOT)}: begins without a comment that says what it is")
    return problems


CHECKS = [("the code is formatted", formatting), ("includes run one way", layers), ("no forbidden calls", forbidden),
          ("nothing is marked as unfinished", marks), ("no file is too long", sizes), ("every file says what it is", headers)]
