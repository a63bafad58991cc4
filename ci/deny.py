"""The part of cargo-deny that needs no cargo-deny: licences, duplicates and sources, from `cargo metadata`.

usage: cargo metadata --format-version 1 | python3 ci/deny.py deny.toml
"""
import collections
import json
import re
import sys

text = re.sub(r"#.*", "", open(sys.argv[1]).read())
allowed = set(re.findall(r'"([^"]+)"', re.search(r"^allow = \[(.*?)\]", text, re.S | re.M).group(1)))
skipped = set(re.findall(r'crate = "([^"]+)"', text))
meta = json.load(sys.stdin)
bad = []
versions = collections.defaultdict(set)

# Packages that only other systems need are in the metadata too, but not in our build.
resolved = {}
for node in meta["resolve"]["nodes"]:
    resolved[node["id"]] = [
        d["pkg"] for d in node["deps"]
        if any(k["target"] is None or "windows" not in k["target"] for k in d["dep_kinds"])
    ]
wanted, todo = set(), list(meta["workspace_members"])
while todo:
    package = todo.pop()
    if package not in wanted:
        wanted.add(package)
        todo.extend(resolved[package])

for package in (p for p in meta["packages"] if p["id"] in wanted):
    name = f'{package["name"]} {package["version"]}'
    versions[package["name"]].add(package["version"])
    # "A OR B" needs one allowed, "A AND B" both; "/" is an old way to write OR.
    terms = (package["license"] or "none").replace("/", " OR ")
    ok = all(
        any(option.strip(" ()") in allowed for option in part.split(" OR ")) for part in terms.split(" AND ")
    )
    if not ok:
        bad.append(f"{name}: licence {terms} is not allowed")
    source = package["source"]
    if source is not None and not source.startswith("registry+"):
        bad.append(f"{name}: comes from {source}")
for name, found in versions.items():
    if len(found) > 1 and name not in skipped:
        bad.append(f"{name}: {len(found)} versions: {', '.join(sorted(found))}")

print("\n".join(bad) if bad else f"{len(wanted)} packages: licences, versions and sources as deny.toml wants")
sys.exit(bool(bad))
