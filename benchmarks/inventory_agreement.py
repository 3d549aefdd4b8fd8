"""How far `secpipe sbom`, syft and trivy agree on what is inside: `python -m benchmarks.inventory_agreement TARGET…`

A target is a docker-archive, an OCI layout or a root filesystem in a folder. Each program lists its packages as CycloneDX;
two are the same with the same type, name and version as far as the type's rules tell spellings apart. What both peers
find and we do not is a fault of ours unless a rule of `RULES` says why it is none; so is what only we find. What one
peer alone finds is counted. The exit code is 1 when anything is not explained.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.measure import measure
from secpipe.model import sbom
from secpipe.model.purl import Purl, package_name, parse

SECPIPE = (sys.executable, "-m", "secpipe")
_OF_A_DISTRIBUTION = ("alpm", "apk", "deb", "rpm")
_GUESSED = ("UNKNOWN", "unknown", "(devel)", "")
"""What peers write in the place of a version that they do not know."""


class Key(NamedTuple):
    """One package, spelt as all of them spell it."""

    type: str
    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.type} {self.name} {self.version}"


@dataclass(frozen=True, slots=True)
class Found:
    """What one program says of one package: where, and with the properties that it has in all its places."""

    paths: tuple[str, ...]
    properties: Mapping[str, str]


Listing = Mapping[Key, Found]


@dataclass(frozen=True, slots=True)
class Rule:
    """Why a difference is none. `about` is "ours" for what only we find, "theirs" for what both peers do."""

    name: str
    reason: str
    about: str
    holds: Callable[[Key, Found, Mapping[str, Listing]], bool]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One target: the three listings, and what has to be told, each with the rule that explains it or None."""

    target: str
    listings: Mapping[str, Listing]
    missed: tuple[tuple[Key, Rule | None], ...]
    extra: tuple[tuple[Key, Rule | None], ...]

    @property
    def unexplained(self) -> int:
        return sum(rule is None for _, rule in (*self.missed, *self.extra))


def key(purl: Purl) -> Key:
    """The package that a URL means, without what the programs spell in ways of their own."""
    name, version = package_name(purl), purl.version
    if purl.type == "pypi":
        name = re.sub(r"[-_.]+", "-", name).lower()
    elif purl.type in ("composer", "nuget", "hex", "pub", "generic"):
        name = name.lower()
    elif purl.type == "maven":
        # The group is what programs without a database of all artifacts have to guess.
        name = purl.name
    elif purl.type == "golang":
        version = version.removeprefix("v").removeprefix("go")
    elif purl.type in _OF_A_DISTRIBUTION and (epoch := purl.qualifiers.get("epoch")):
        version = re.sub(r"^[0-9]+:", "", version)
        version = version if epoch == "0" else f"{epoch}:{version}"
    return Key(purl.type, name, version.removeprefix("0:") if purl.type in _OF_A_DISTRIBUTION else version)


def listing(document: Mapping[str, Any]) -> dict[Key, Found]:
    """The packages in a CycloneDX document; components without a package URL are none."""
    found: dict[Key, Found] = {}
    for component in document.get("components", ()):
        if not (address := component.get("purl")):
            continue
        one = key(parse(address))
        properties = {entry["name"]: entry.get("value", "") for entry in component.get("properties", ())}
        paths = {entry["location"] for entry in component.get("evidence", {}).get("occurrences", ())}
        paths |= {value for name, value in properties.items() if name.endswith((":path", ":FilePath"))}
        known = found.get(one, Found((), properties))
        merged = tuple(sorted({*known.paths, *(path.lstrip("/") for path in paths)}))
        common = {name: value for name, value in known.properties.items() if name in properties}
        found[one] = Found(merged, common)
    return found


# ---------------------------------------------------------------- why a difference is none


_UNRELEASED = "package.json:unreleased"


def _is_owned(one: Key, found: Found, _: Mapping[str, Listing]) -> bool:
    return one.type not in _OF_A_DISTRIBUTION and bool(found.properties.get(sbom.OWNER))


def _is_program(one: Key, found: Found, _: Mapping[str, Listing]) -> bool:
    return one.type == "generic" and one.version.lower() in found.properties.get(sbom.EVIDENCE, "").lower()


def _is_qualified(one: Key, _: Found, listings: Mapping[str, Listing]) -> bool:
    theirs = (other for name, listing in listings.items() if name != "secpipe" for other in listing)
    return any(
        other.type == "maven" == one.type
        and other.name == one.name
        and other.version.startswith(f"{one.version}-")
        for other in theirs
    )


_OF_NODE = re.compile(r"(?:.*/)?(?:node_modules|usr/(?:share|lib)/nodejs)/(?:@[^/]+/)?[^/]+/(.*)")
_OF_A_MANAGER = re.compile(
    r"(?:.*/)?(?:usr/(?:local/)?(?:lib|lib64|share)|(?:site|dist)-packages|site-library|gems)/"
)


def _is_project(one: Key, found: Found, _: Mapping[str, Listing]) -> bool:
    """A package.json in no folder that any package manager fills, nor in one that is called after the version."""
    return (
        one.type == "npm"
        and bool(found.paths)
        and not any(map(_OF_NODE.match, found.paths))
        and not any(map(_OF_A_MANAGER.match, found.paths))
        and not any(one.version and one.version in path.rpartition("/")[0] for path in found.paths)
    )


def _is_part(one: Key, found: Found, _: Mapping[str, Listing]) -> bool:
    """A package.json further inside a package, which says itself that it is none."""
    inner = [match[1] for match in map(_OF_NODE.match, found.paths) if match]
    deeper = bool(inner) and all("/" in path for path in inner)
    return one.type == "npm" and deeper and _UNRELEASED in found.properties


def looked_at(target: Path, one: Key, found: Found) -> Found:
    """With what the files themselves say, where the target is a folder: that each is private or has no version."""
    if one.type != "npm" or not found.paths or not target.is_dir():
        return found
    for path in found.paths:
        try:
            told = json.loads((target / path).read_bytes())
        except (OSError, ValueError):
            return found
        if not isinstance(told, dict) or (told.get("version") and not told.get("private")):
            return found
    return Found(found.paths, {**found.properties, _UNRELEASED: "true"})


RULES = (
    Rule(
        "owned",
        "a package of the distribution brought it; trivy drops these, we list them and say whose they are",
        "ours",
        _is_owned,
    ),
    Rule(
        "classifier",
        "the file is ARTIFACT-VERSION-CLASSIFIER.jar; syft takes the classifier into the version",
        "ours",
        _is_qualified,
    ),
    Rule(
        "cran",
        "R's packages, of which trivy reads none",
        "ours",
        lambda one, *_: one.type == "cran",
    ),
    Rule(
        "program",
        "the text in the program tells the version; syft looks into fewer of them, and not into libraries",
        "ours",
        _is_program,
    ),
    Rule(
        "toolchain",
        "the tools of Go, under the name that Go's advisories have; syft calls them generic",
        "ours",
        lambda one, *_: one.type == "golang" and one.name == "toolchain",
    ),
    Rule(
        "otp",
        "Erlang's own applications, which no peer reads",
        "ours",
        lambda one, *_: one.type == "otp",
    ),
    Rule(
        "project",
        "the package.json or lock file of the application itself, which is no release of the registry's",
        "theirs",
        _is_project,
    ),
    Rule(
        "part",
        "a folder inside an installed package, marked as private in its package.json, or without a version",
        "theirs",
        _is_part,
    ),
)
"""The classes of differences that are meant; `docs/inventory.md` tells them to users."""


def explain(one: Key, about: str, found: Found, listings: Mapping[str, Listing]) -> Rule | None:
    """The first rule that holds."""
    return next((rule for rule in RULES if rule.about == about and rule.holds(one, found, listings)), None)


def compare(target: str, listings: Mapping[str, Listing]) -> Comparison:
    """Hold the listings of `secpipe` and its peers against each other."""
    ours, *theirs = (listings[name] for name in ("secpipe", "syft", "trivy"))
    both = sorted(theirs[0].keys() & theirs[1].keys() - ours.keys())
    only = sorted(ours.keys() - theirs[0].keys() - theirs[1].keys())
    return Comparison(
        target,
        listings,
        tuple(
            (one, explain(one, "theirs", looked_at(Path(target), one, theirs[0][one]), listings))
            for one in both
        ),
        tuple((one, explain(one, "ours", ours[one], listings)) for one in only),
    )


# ---------------------------------------------------------------- the programs


def commands(target: Path, syft: str, trivy: str, cache: Path) -> dict[str, Sequence[str]]:
    """Command lines that write CycloneDX to standard output."""
    image: tuple[str, ...]
    # Of a folder syft otherwise reads what a project asks for, and not what is installed.
    root = ("--override-default-catalogers", "image") if target.is_dir() else ()
    if (target / "index.json").is_file():
        ours, kind, image = f"oci:{target}", f"oci-dir:{target}", ("image", "--input", str(target))
    elif target.is_dir():
        ours, kind, image = f"dir:{target}", f"dir:{target}", ("rootfs", str(target))
    else:
        ours, kind, image = (
            f"docker-archive:{target}",
            f"docker-archive:{target}",
            ("image", "--input", str(target)),
        )
    return {
        "secpipe": (*SECPIPE, "sbom", ours, "-f", "cyclonedx", "--no-cache", "--allow-incomplete"),
        "syft": (
            "env",
            "SYFT_CHECK_FOR_APP_UPDATE=false",
            syft,
            "scan",
            kind,
            "-q",
            "-o",
            "cyclonedx-json",
            *root,
        ),
        "trivy": (
            *(trivy, *image, "--cache-dir", str(cache), "--cache-backend", "memory", "-q", "-f", "cyclonedx"),
            *("--offline-scan", "--skip-java-db-update", "--disable-telemetry", "--skip-version-check"),
        ),
    }


def prepare(cache: Path) -> None:
    """A database of Java archives for trivy, which refuses to look at one without: an empty one, as ours has none either."""
    folder = cache / "java-db"
    if (folder / "trivy-java.db").exists():
        return
    import sqlite3

    folder.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(folder / "trivy-java.db") as database:
        database.execute("create table artifacts (id integer primary key, group_id text, artifact_id text)")
        database.execute(
            "create table indices (artifact_id integer, version text, sha1 blob, archive_type text)"
        )
    times = dict.fromkeys(("NextUpdate", "UpdatedAt", "DownloadedAt"), "2100-01-01T00:00:00Z")
    (folder / "metadata.json").write_text(json.dumps({"Version": 1, **times}))


def run(command: Sequence[str]) -> dict[Key, Found]:
    """What a program lists. SystemExit when it lists nothing."""
    done = subprocess.run(command, capture_output=True, check=False)
    try:
        return listing(json.loads(done.stdout))
    except ValueError:
        sys.stderr.buffer.write(done.stderr[-2000:])
        raise SystemExit(f"error: exit code {done.returncode} from: {' '.join(command[:6])}") from None


# ---------------------------------------------------------------- what is told


def tell(result: Comparison, verbose: bool) -> None:
    """Counts a type, then the differences: each without a reason, the others by their reason, or all of them."""
    names = tuple(result.listings)
    print(f"{result.target}\n    {'type':12}" + "".join(f"{name:>10}" for name in (*names, "all three")))
    counts = {name: Counter(one.type for one in found) for name, found in result.listings.items()}
    agreed = Counter(
        one.type for one in set.intersection(*(set(found) for found in result.listings.values()))
    )
    for type in sorted(set().union(*counts.values())):
        print(f"    {type:12}" + "".join(f"{counts[name][type]:10}" for name in names) + f"{agreed[type]:10}")
    _differences("both peers find, we do not", result.missed, result.listings["syft"], verbose)
    _differences("only we find", result.extra, result.listings["secpipe"], verbose)
    for name in names[1:]:
        others = set().union(*(set(result.listings[other]) for other in names if other != name))
        alone = sorted(set(result.listings[name]) - others)
        print(f"  only {name} finds: {len(alone)} {_by_type(alone)}".rstrip())
        if verbose:
            _list(alone, result.listings[name])


GOALS = {"syft": 0.2, "trivy": 0.6}
"""What of a peer's time is to be enough."""
RESIDENT = 120
"""MiB that are to be enough."""


def tell_speed(target: str, programs: Mapping[str, Sequence[str]], runs: int) -> None:
    """Whole processes: medians of time and processor time, and the largest resident set."""
    print(f"{target}\n    {'':10}{'seconds':>10}{'processor':>11}{'MiB':>7}   ours / theirs (goal)")
    timings = measure(programs, runs)
    ours = timings["secpipe"]
    for name, taken in timings.items():
        goal = GOALS.get(name)
        against = (
            f"{ours.seconds / taken.seconds:.2f}, of the processor {ours.cpu / taken.cpu:.2f} ({goal})"
            if goal
            else f"resident set at most {RESIDENT} MiB"
        )
        print(f"    {name:10}{taken.seconds:10.2f}{taken.cpu:11.2f}{taken.mebibytes:7.0f}   {against}")


def _differences(what: str, found: Iterable[tuple[Key, Rule | None]], where: Listing, verbose: bool) -> None:
    found = list(found)
    print(f"  {what}: {len(found)}{'' if found else ', as it should be'}")
    reasons = Counter(rule for _, rule in found)
    for rule, count in sorted(reasons.items(), key=lambda item: item[0].name if item[0] else ""):
        of = [one for one, other in found if other is rule]
        print(f"    {count:5} {f'{rule.name}: {rule.reason}' if rule else 'NOT EXPLAINED'}")
        if verbose or rule is None:
            _list(of, where)


def _list(packages: Iterable[Key], where: Listing) -> None:
    for one in packages:
        print(f"          {one}  ({', '.join(where[one].paths[:2])})")


def _by_type(packages: Iterable[Key]) -> str:
    counts = Counter(one.type for one in packages)
    return f"({', '.join(f'{count} {type}' for type, count in sorted(counts.items()))})" if counts else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("targets", metavar="TARGET", type=Path, nargs="+")
    parser.add_argument("--syft", default="syft", help="the program to compare with")
    parser.add_argument("--trivy", default="trivy", help="the other one")
    parser.add_argument("--speed", type=int, metavar="RUNS", default=0, help="measure the programs instead")
    parser.add_argument("-v", "--verbose", action="store_true", help="list every difference")
    options = parser.parse_args()
    for peer in (options.syft, options.trivy):
        if not shutil.which(peer):
            raise SystemExit(f"error: {peer} is not installed")
    unexplained = 0
    with tempfile.TemporaryDirectory() as scratch:
        prepare(Path(scratch))
        for target in options.targets:
            programs = commands(target.resolve(), options.syft, options.trivy, Path(scratch))
            if options.speed:
                tell_speed(str(target), programs, options.speed)
                continue
            result = compare(str(target), {name: run(command) for name, command in programs.items()})
            tell(result, options.verbose)
            unexplained += result.unexplained
    if not options.speed:
        print(f"{unexplained} differences are not explained")
    sys.exit(1 if unexplained else 0)


if __name__ == "__main__":
    main()
