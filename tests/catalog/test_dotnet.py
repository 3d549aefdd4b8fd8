"""Dependencies of .NET applications."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.catalog import dotnet
from secpipe.model.limits import Limits
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.unpack.view import File, open_view
from tests.support.images import files
from tests.support.json import values
from tests.support.layers import image

PATH = "app/App.deps.json"
TARGET = ".NETCoreApp,Version=v8.0/linux-x64"


def parse(content: object) -> list[Package | Problem]:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return list(dotnet.parse(File(PATH, data)))


def document(libraries: object, **targets: object) -> dict[str, object]:
    return {"runtimeTarget": {"name": TARGET}, "targets": targets, "libraries": libraries}


def library(kind: object = "package") -> dict[str, object]:
    return {"type": kind, "serviceable": True, "sha512": "sha512-x", "path": "x", "hashPath": "x"}


def package(name: str, version: str) -> Package:
    return Package(name, version, "nuget", PATH)


def test_kinds() -> None:
    libraries = {
        "App/1.0.0": {"type": "project", "serviceable": False, "sha512": ""},
        "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1": library("runtimepack"),
        "Newtonsoft.Json/13.0.3": library(),
        "Old.Spelling/1.0.0-beta.1": library("Package"),
        "Some.Reference/1.0.0": library("reference"),
        "Other.Assembly/1.0.0": library("referenceassembly"),
    }
    assert parse(document(libraries)) == [
        package("Microsoft.NETCore.App.Runtime.linux-x64", "8.0.1"),
        package("Newtonsoft.Json", "13.0.3"),
        package("Old.Spelling", "1.0.0-beta.1"),
    ]


def test_what_only_the_build_needed_was_left_behind() -> None:
    names = ("Runtime", "Native", "Satellites", "Portable", "Second", "Build", "Meta", "Odd", "Unnamed")
    libraries = {f"{name}/1.0.0": library() for name in names}
    targets = {
        TARGET: {
            "Runtime/1.0.0": {"runtime": {"lib/net8.0/Runtime.dll": {}}},
            "Native/1.0.0": {"native": {"runtimes/linux-x64/native/x.so": {}}},
            "Satellites/1.0.0": {"resources": {"lib/de/x.dll": {"locale": "de"}}},
            "Portable/1.0.0": {"runtimeTargets": {"runtimes/win/x.dll": {}}},
            "Second/1.0.0": {"compile": {"x.dll": {}}},
            "Build/1.0.0": {"compile": {"x.dll": {}}, "runtime": {}},
            "Meta/1.0.0": {"dependencies": {"Runtime": "1.0.0"}},
            "Odd/1.0.0": [],
        },
        "other": {"Second/1.0.0": {"runtime": {"x.dll": {}}}},
    }
    found = parse(document(libraries, **targets))
    assert [item.name for item in found if isinstance(item, Package)] == [
        *("Runtime", "Native", "Satellites", "Portable", "Second", "Odd", "Unnamed")
    ]


@pytest.mark.parametrize("content", [b"", b"{", [], {}, {"libraries": []}, {"libraries": None}])
def test_what_has_no_libraries_is_told(content: object) -> None:
    (problem,) = parse(content)
    assert isinstance(problem, Problem)
    assert (problem.code, problem.subject) == ("unreadable-database", PATH)


def test_a_broken_entry_costs_only_itself() -> None:
    libraries = {
        "A/1": library(),
        "B": library(),
        "C/": library(),
        "/1": library(),
        "D/1 2": library(),
        "E/1": {},
        "F/1": 0,
        "G/1": library(["package"]),
        "H/1": library(),
    }
    found = parse(document(libraries))
    assert [item.name for item in found if isinstance(item, Package)] == ["A", "H"]
    assert [
        item.message.removeprefix(f"{PATH}: the entry of ") for item in found if isinstance(item, Problem)
    ] == [
        "B has no valid name and version",
        "C has no valid name and version",
        "a library has no valid name and version",
        "D has no valid name and version",
        "E has no type",
        "F has no type",
        "G has no type",
    ]


def test_places() -> None:
    names = [PATH, "usr/share/dotnet/shared/Microsoft.NETCore.App/8.0.1/Microsoft.NETCore.App.deps.json"]
    built = image([files(dict.fromkeys([*names, "app/deps.json", "app/packages.lock.json"], "{}"))])
    found = open_view(built, dotnet.GLOBS, Limits()).files(*dotnet.GLOBS)
    assert [file.path for file in found] == names


@given(
    st.binary()
    | values("libraries", "targets", "A/1", "type", "runtime").map(lambda value: json.dumps(value).encode())
)
def test_anything_is_read_or_told(data: bytes) -> None:
    found = parse(data)
    assert found or json.loads(data)["libraries"] == {}
