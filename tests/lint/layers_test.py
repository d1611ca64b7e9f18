#!/usr/bin/env python3
"""Holds the layering: which room may include which, and where heavy libraries may be seen.

A room that is not named here has no rule yet and fails: say where it stands.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ("ltx", "lease", "daemon", "proxy")

# Room → rooms that it may include, beside itself.
ROOMS = {
    "ltx": set(),
    "lease": {"ltx"},
    "daemon/os": {"ltx"},
    "daemon/log": {"ltx"},
    "daemon/config": {"ltx", "daemon/log"},
    "daemon/keeper": set(),
    "daemon/db": {"ltx", "daemon/os"},
    "daemon/store": {"ltx", "daemon/os", "daemon/db"},
    "daemon/fusefs": {"ltx", "daemon/os", "daemon/db", "daemon/store"},
    "daemon/peer": {"ltx", "daemon/os", "daemon/log", "daemon/db", "daemon/store",
                    "daemon/fusefs"},
    "daemon/cluster": {"ltx", "lease", "daemon/os", "daemon/log", "daemon/db", "daemon/store",
                       "daemon/peer", "daemon/net", "daemon/config"},
    "daemon/rows": {"ltx"},
    "daemon/apply": {"ltx", "daemon/os", "daemon/log", "daemon/db", "daemon/store",
                     "daemon/fusefs", "daemon/peer"},
    "daemon/net": {"ltx", "daemon/os", "daemon/log"},
    "daemon/replication": {"ltx", "daemon/os", "daemon/log", "daemon/db", "daemon/store",
                           "daemon/apply", "daemon/net", "daemon/config"},
    "daemon/admin": {"ltx", "daemon/os", "daemon/log", "daemon/db", "daemon/net",
                     "daemon/apply"},
    "proxy": {"ltx", "daemon/os", "daemon/log", "daemon/config"},
    # The program: constructs every part.
    "daemon/app": {"ltx", "lease", "daemon/os", "daemon/log", "daemon/config", "daemon/keeper",
                   "daemon/db", "daemon/store", "daemon/fusefs", "daemon/peer", "daemon/cluster",
                   "daemon/apply", "daemon/net", "daemon/replication", "daemon/admin", "daemon/rows",
                   "proxy"},
}

# Library → rooms whose files may include it.
LIBRARIES = {
    r"boost/(asio|beast)": {"daemon/net", "daemon/replication", "daemon/admin", "proxy",
                            "daemon/app"},
    r"fuse(_lowlevel)?\.h|fuse3": {"daemon/fusefs"},
    r"yaml-cpp": {"daemon/config"},
    r"CLI/": {"daemon/app"},
    r"spdlog": {"daemon/log"},
    r"curl/": {"lease", "daemon/net"},
    r"sqlite3\.h": {"daemon/rows"},
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def room_of(path):
    parts = pathlib.PurePath(path).parts
    return "/".join(parts[:2]) if parts[0] == "daemon" else parts[0]


def problems_of(file):
    relative = file.relative_to(ROOT)
    room = room_of(relative)
    if room not in ROOMS:
        yield f"{relative}: the room {room} has no rule in tests/lint/layers_test.py"
        return
    for quote, name in INCLUDE.findall(file.read_text()):
        if quote == '"' and name.split("/")[0] in SOURCES:
            target = room_of(name)
            if target != room and target not in ROOMS[room]:
                yield f"{relative}: {room} must not include {name}"
            if not (ROOT / name).is_file():
                yield f"{relative}: there is no {name}"
        for library, rooms in LIBRARIES.items():
            if re.match(library, name) and room not in rooms:
                yield f"{relative}: {name} stays out of {room}"


def main():
    files = [f for top in SOURCES for ext in ("h", "cc") for f in (ROOT / top).rglob(f"*.{ext}")]
    problems = [p for f in sorted(files) for p in problems_of(f)]
    print("\n".join(problems) or f"{len(files)} files keep the layers")
    return 1 if problems or len(files) < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
