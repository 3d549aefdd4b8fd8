"""Java archives: what they tell of their packages, and archives that lie, break off or are bombs."""

from __future__ import annotations

import io
import json
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.catalog import file_view, inventory
from secpipe.catalog._jar import distil, packages
from secpipe.catalog._jarnames import FileName, read
from secpipe.catalog._jartext import manifest, pom, properties
from secpipe.model.limits import Limits
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.oci.target import open_image
from tests.support import images
from tests.support.layers import image

LIMITS = Limits()
POM = "META-INF/maven/{}/{}/pom.properties"
MF = "META-INF/MANIFEST.MF"


def jar(members: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def poms(*coordinates: str) -> dict[str, str]:
    found = {}
    for text in coordinates:
        group, artifact, version = text.split(":")
        found[POM.format(group, artifact)] = (
            f"#Generated\ngroupId={group}\nartifactId={artifact}\nversion={version}\n"
        )
    return found


def mf(**attributes: str) -> dict[str, str]:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in attributes.items()]
    return {MF: "\r\n".join(["Manifest-Version: 1.0", *lines, "", ""])}


def parse(path: str, data: bytes, limits: Limits = LIMITS) -> list[Package | Problem]:
    return list(packages(path, distil(path, data, limits)))


def found(path: str, data: bytes, limits: Limits = LIMITS) -> list[tuple[str, str, str]]:
    items = parse(path, data, limits)
    assert all(item.type == "maven" for item in items if isinstance(item, Package))
    return [(item.name, item.version, item.path) for item in items if isinstance(item, Package)]


def why(path: str, data: bytes, limits: Limits = LIMITS) -> list[tuple[str, str]]:
    problems = [item for item in parse(path, data, limits) if isinstance(item, Problem)]
    assert all(problem.code == "unreadable-metadata" for problem in problems)
    return [(problem.subject, problem.message.removeprefix(f"{problem.subject}: ")) for problem in problems]


def named(file: str, **kept: object) -> list[tuple[str, str]]:
    """Names and versions that evidence makes of an archive."""
    attributes = {key.replace("_", "-"): value for key, value in kept.items() if key != "classes"}
    classes = {f"{name}/A.class": b"" for name in kept.get("classes", ())}  # type: ignore[attr-defined]
    lines = "".join(f"{name}: {value}\n" for name, value in attributes.items())
    return [item[:2] for item in found(file, jar({MF: lines, **classes}))]


def test_its_own_description_and_those_of_what_was_merged_into_it() -> None:
    data = jar({**poms("org.a:app:1.0", "com.google.guava:guava:31.1-jre"), **mf(Created_By="x")})
    assert found("opt/app-1.0.jar", data) == [
        ("org.a:app", "1.0", "opt/app-1.0.jar"),
        (
            "com.google.guava:guava",
            "31.1-jre",
            "opt/app-1.0.jar!/META-INF/maven/com.google.guava/guava/pom.properties",
        ),
    ]


def test_a_manifest_that_is_too_long_is_told() -> None:
    exports = (
        "Export-Package: " + "a" * (2 << 20) + "\nImplementation-Title: app\nImplementation-Version: 1.2\n"
    )
    data = jar({MF: exports, "org/mine/A.class": b""}, zipfile.ZIP_STORED)
    assert found("app.jar", data) == []
    assert "manifest" in why("app.jar", data)[0][1]
    # What follows the main section is about single files.
    long = (
        "Implementation-Title: app\nImplementation-Version: 1.2\n\n"
        + "Name: x\nSHA-256-Digest: y\n\n" * 100_000
    )
    assert why("app.jar", jar({MF: long}, zipfile.ZIP_STORED)) == []


def test_merged_alone_is_not_its_own() -> None:
    data = jar({**poms("org.jctools:jctools-core:4.0.5"), **mf(Implementation_Version="1.59.0")})
    where = "sdk.jar!/META-INF/maven/org.jctools/jctools-core/pom.properties"
    assert found("sdk.jar", data) == [
        ("sdk", "1.59.0", "sdk.jar"),
        ("org.jctools:jctools-core", "4.0.5", where),
    ]


@pytest.mark.parametrize("file", ["app.jar", "libapp-1.0.jar", "ROOT.war", "app-1.0-exec.jar"])
def test_renamed(file: str) -> None:
    assert found(file, jar(poms("org.a:app:1.0"))) == [("org.a:app", "1.0", file)]


def test_a_version_in_the_name_of_the_artifact() -> None:
    data = jar(poms("org.apache.geronimo.specs:geronimo-interceptor_3.0_spec:1.0.1", "g:x:2"))
    assert [name for name, *_ in found("geronimo-interceptor-3.0-spec.jar", data)] == [
        "org.apache.geronimo.specs:geronimo-interceptor_3.0_spec",
        "g:x",
    ]


@pytest.mark.parametrize(
    "name", ["UP.JAR", "Mixed.Jar", "APP.WAR", "x.Ear", "PLUGIN.HPI", "Liferay.LPKG", "up.jar"]
)
def test_archives_are_known_by_their_ending_in_any_case(name: str, tmp_path: Path) -> None:
    data = jar({**poms("org.up:up:1.0"), "lib/INNER.JAR": jar(poms("org.inner:inner:2.0"))})
    built = image(
        [images.files({"opt/x": "", f"opt/{name}": data, "opt/y": "", f"{name}s/x.jarred": "", "JAR": ""})]
    )
    got = inventory(file_view(built, LIMITS), built)
    assert {package.name for package in got.packages} == {"org.up:up", "org.inner:inner"}
    assert {package.path.partition("!")[0] for package in got.packages} == {f"opt/{name}"}
    (tmp_path / name).write_bytes(data)
    with open_image(f"dir:{tmp_path}") as folder:
        got = inventory(file_view(folder, LIMITS), folder)
    assert {package.name for package in got.packages} == {"org.up:up", "org.inner:inner"}


def test_archives_in_archives() -> None:
    core = jar(poms("org.apache.logging.log4j:log4j-core:2.14.1"))
    data = jar(
        {
            **poms("com.example:shop:0.0.1-SNAPSHOT"),
            "BOOT-INF/lib/log4j-core-2.14.1.jar": core,
            "BOOT-INF/lib/deep.war": jar({"WEB-INF/lib/log4j-core-2.14.1.jar": core}),
            "BOOT-INF/classes/A.class": b"",
        },
        zipfile.ZIP_STORED,
    )
    launcher = b"#!/bin/sh\nexec java -jar $0\n" * 50
    expected = [
        ("com.example:shop", "0.0.1-SNAPSHOT", "shop.jar"),
        (
            "org.apache.logging.log4j:log4j-core",
            "2.14.1",
            "shop.jar!/BOOT-INF/lib/deep.war!/WEB-INF/lib/log4j-core-2.14.1.jar",
        ),
        ("org.apache.logging.log4j:log4j-core", "2.14.1", "shop.jar!/BOOT-INF/lib/log4j-core-2.14.1.jar"),
    ]
    assert found("shop.jar", data) == expected
    assert found("shop.jar", launcher + data) == expected
    assert why("shop.jar", launcher + data + b"trailing") == []
    shallow = LIMITS._replace(jar_depth=1)
    assert found("shop.jar", data, shallow) == [expected[0], expected[2]]
    assert [reason for _, reason in why("shop.jar", data, shallow)] == [
        "it is nested too deeply to be read (limit jar-depth=1)"
    ]


@pytest.mark.parametrize(
    ("file", "kept", "expected"),
    [
        (
            "a-1.0.jar",
            {"Group_Id": "org.jenkins-ci.plugins", "Short_Name": "git"},
            ("org.jenkins-ci.plugins:git", "1.0"),
        ),
        (
            "git.hpi",
            {"Group_Id": "org.j.p", "Short_Name": "git", "Plugin_Version": "4.2 (x)"},
            ("org.j.p:git", "4.2"),
        ),
        ("rx-1.jar", {"Implementation_Title": "io.reactivex#rxjava;1.0.1"}, ("io.reactivex:rxjava", "1")),
        (
            "json4s_2.13-4.0.7.jar",
            {"Implementation_Vendor_Id": "org.json4s"},
            ("org.json4s:json4s_2.13", "4.0.7"),
        ),
        ("velo-1.7.jar", {"Implementation_Vendor_Id": "org.apache"}, ("velo", "1.7")),
        ("x-y-2.jar", {"Bundle_SymbolicName": "org.z.x-y;singleton:=true"}, ("org.z:x-y", "2")),
        ("spec-2.jar", {"Bundle_SymbolicName": "org.spec.spec"}, ("org.spec:spec", "2")),
        # org.guava:guava or org:guava, or neither.
        ("guava-31.1-jre.jar", {"Bundle_SymbolicName": "com.google.guava"}, ("guava", "31.1-jre")),
        ("a.jar", {"Implementation_Version": "2.0b6 2016-02-05"}, ("a", "2.0b6")),
        ("a.jar", {"Bundle_SymbolicName": "o.a", "Bundle_Version": "3.22.0.v20241030-2121"}, ("a", "3.22.0")),
        (
            "a.jar",
            {"Bundle_SymbolicName": "org.eclipse.jetty.io", "Bundle_Version": "9.4.57.v20241219"},
            ("a", "9.4.57.v20241219"),
        ),
        ("a.jar", {"Implementation_Version": "2.1.0-release-394(2.1.0)"}, ("a", "2.1.0")),
        (
            "a.jar",
            {"Implementation_Version": "${project.version}", "Specification_Version": "1.2"},
            ("a", "1.2"),
        ),
        ("a-3.jar", {"Implementation_Version": "@VERSION@"}, ("a", "3")),
    ],
)
def test_manifest(file: str, kept: dict[str, str], expected: tuple[str, str]) -> None:
    assert named(file, **kept) == [expected]


@pytest.mark.parametrize(
    ("file", "package", "expected"),
    [
        ("spring-beans-5.3.17.jar", "org/springframework/beans", "org.springframework:spring-beans"),
        ("spring-boot-2.6.1.jar", "org/springframework/boot", "org.springframework.boot:spring-boot"),
        ("spring-security-web-5.jar", "org/springframework/security", "org.springframework.security:spring-security-web"),
        ("bcprov-jdk15on-1.60.jar", "org/bouncycastle/crypto", "org.bouncycastle:bcprov-jdk15on"),
        ("asm-9.5.jar", "org/objectweb/asm", "org.ow2.asm:asm"),
        ("asm-3.1.jar", "org/objectweb/asm", "asm:asm"),
        ("dom4j-1.6.1.jar", "org/dom4j", "dom4j:dom4j"),
        ("dom4j-2.1.0.jar", "org/dom4j", "org.dom4j:dom4j"),
        ("commons-collections-3.2.jar", "org/apache/commons/collections", "commons-collections:commons-collections"),
        ("tomcat-coyote-9.0.30.jar", "org/apache/coyote", "org.apache.tomcat:tomcat-coyote"),
        ("tomcat-embed-core-9.0.30.jar", "javax/servlet", "org.apache.tomcat.embed:tomcat-embed-core"),
        ("h2-1.4.200.jar", "org/h2", "com.h2database:h2"),
        ("xercesImpl-2.12.0.jar", "org/apache/xerces", "xerces:xercesImpl"),
        # The name alone is no evidence.
        ("spring-beans-5.3.17.jar", "com/example", "spring-beans"),
        ("h2-1.4.200.jar", "org/h2o", "h2"),
        ("junit-dep-4.1.jar", "org/junit", "junit-dep"),
    ],
)  # fmt: skip
def test_well_known(file: str, package: str, expected: str) -> None:
    assert [name for name, _ in named(file, classes=[package])] == [expected]
    version = file.rpartition("-")[2].removesuffix(".jar")
    assert [name for name, _ in named(file, classes=[f"WEB-INF/classes/{package}"])] == [expected]
    assert named(file, classes=[package])[0][1] == version


def test_tomcat_itself() -> None:
    members: dict[str, str | bytes] = {
        "org/apache/catalina/A.class": b"",
        **mf(Implementation_Version="9.0.30"),
    }
    assert found("usr/local/tomcat/lib/catalina.jar", jar(members)) == [
        ("org.apache.tomcat:tomcat-catalina", "9.0.30", "usr/local/tomcat/lib/catalina.jar"),
        ("org.apache.tomcat:tomcat", "9.0.30", "usr/local/tomcat/lib/catalina.jar"),
    ]


def test_known_but_without_a_version_is_a_problem() -> None:
    data = jar({"org/h2/A.class": b""})
    assert why("h2.jar", data) == [
        ("h2.jar", "com.h2database:h2 without its version, which neither manifest nor file name tells")
    ]
    assert parse("app.jar", jar({"com/example/A.class": b""})) == []


@pytest.mark.parametrize(
    ("file", "versions", "expected"),
    [
        ("a-1.0.jar", [], ("a", "1.0")),
        ("commons-lang3-3.12.0.jar", [], ("commons-lang3", "3.12.0")),
        ("guava-31.1-jre.jar", [], ("guava", "31.1-jre")),
        ("postgresql-9.4-1201-jdbc41.jar", [], ("postgresql", "9.4-1201-jdbc41")),
        ("netty-transport-native-epoll-4.1.68.Final-linux-x86_64.jar", [], ("netty-transport-native-epoll", "4.1.68.Final")),
        ("a-1.0-beta-2-tests.jar", [], ("a", "1.0-beta-2")),
        ("a-1.0-20240101.120000-3.jar", [], ("a", "1.0-SNAPSHOT")),
        ("a-1.0-custom.jar", ["1.0"], ("a", "1.0")),
        ("a-1.0-rc1.jar", ["1.0"], ("a", "1.0-rc1")),
        ("geronimo-jpa-3.0-spec-1.0.1.jar", ["1.0.1"], ("geronimo-jpa-3.0-spec", "1.0.1")),
        ("akka-actor_2.13-2.6.0.jar", [], ("akka-actor_2.13", "2.6.0")),
        ("org.eclipse.osgi_3.18.0.v2022.jar", [], ("org.eclipse.osgi", "3.18.0.v2022")),
        ("log4j.jar", ["1.2.17"], ("log4j", "")),
        ("1.0.jar", [], ("1.0", "")),
        (f"{'a-1' * 200}.jar", [], ("", "")),
    ],
)  # fmt: skip
def test_file_names(file: str, versions: list[str], expected: tuple[str, str]) -> None:
    assert read(file, versions, []) == FileName(*expected)


def test_sources_are_no_code() -> None:
    data = jar({"org/a/A.java": "", **poms("org.a:a:1.0")})
    assert parse("a-1.0-sources.jar", data) == parse("a-1.0-javadoc.jar", data) == []
    assert found("a-1.0-sources.jar", jar({"org/a/A.class": b"", **poms("org.a:a:1.0")}))[0][0] == "org.a:a"


def test_placeholders_are_no_versions() -> None:
    data = jar(poms("org.a:a:${project.version}"))
    assert found("a-1.0.jar", data) == [("org.a:a", "1.0", "a-1.0.jar")]
    where = "b-1.jar!/META-INF/maven/org.a/a/pom.properties"
    assert why("b-1.jar", jar(poms("org.a:a:${v}", "org.b:b:1"))) == [
        (where, "no valid group, artifact and version")
    ]


def test_pom_without_properties() -> None:
    text = (
        '<?xml version="1.0"?><project xmlns="http://maven.apache.org/POM/4.0.0"><parent><groupId>org.p</groupId>'
        "<artifactId>no</artifactId><version>7</version></parent><artifactId> a </artifactId>"
        "<dependencies><dependency><groupId>no</groupId><version>9</version></dependency></dependencies></project>"
    )
    assert pom(text.encode()) == pom(text.encode("utf-16")) == ("org.p", "a", "7")
    data = jar({"META-INF/maven/org.p/a/pom.xml": text})
    assert found("x.jar", data) == [("org.p:a", "7", "x.jar")]
    assert found("x.jar", jar({"META-INF/maven/org.p/a/pom.xml": "<", **poms("org.p:a:8")})) == [
        ("org.p:a", "8", "x.jar")
    ]
    bomb = '<!DOCTYPE p [<!ENTITY a "aaaa">]><project><artifactId>&a;</artifactId></project>'
    assert why("x.jar", jar({"META-INF/maven/org.p/a/pom.xml": bomb})) == [
        ("x.jar!/META-INF/maven/org.p/a/pom.xml", "it has a document type, which may say anything")
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_manifests(end: str, bom: bytes) -> None:
    lines = [
        "Manifest-Version: 1.0", "implementation-title: ä" + "x" * 50, " y", " z", "Bundle-Version: 1", "",
        "Name: a/B.class", "Bundle-SymbolicName: no", "",
    ]  # fmt: skip
    text = end.join(lines).encode()
    cut = text.replace(b"\xc3\xa4", b"\xc3" + end.encode() + b" \xa4")
    for data in (text, cut):
        assert manifest(bom + data) == {"Implementation-Title": "ä" + "x" * 50 + "yz", "Bundle-Version": "1"}


def test_versions_in_the_sections_of_a_manifest() -> None:
    section = "Name: {}/\nImplementation-Version: {}\n\n"
    assert manifest(f"A: b\n\n{section.format('a', 1)}{section.format('b', 1)}".encode()) == {
        "Implementation-Version": "1"
    }
    assert manifest(f"A: b\n\n{section.format('a', 1)}{section.format('b', 2)}".encode()) == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"version=1\ngroupId=g\nartifactId=a\n", ("g", "a", "1")),
        (
            b"\xef\xbb\xbf# c\r\n! version=0\r\n  version : 1 \rgroupId\tg\nartifactId=\\\n   a",
            ("g", "a", "1"),
        ),
        (b"groupId=\\u0067\\:h\nartifactId=\xe4\nversion=1\\\n  .2\n", ("g:h", "ä", "1.2")),
        (b"#x\\\nversion=1\nversion=2\nversionX=3", ("", "", "2")),
        (b"version=\\ud800", ("", "", "\\ud800")),
        (b"\\", ("", "", "")),
    ],
)
def test_properties(text: bytes, expected: tuple[str, str, str]) -> None:
    assert properties(text) == expected


@pytest.mark.parametrize("file", ["a.jar", "a.war", "A.JAR", "a.hpi"])
def test_no_archive(file: str) -> None:
    assert why(file, b"version https://git-lfs.github.com/spec/v1") == [(file, "it is no zip archive")]
    assert parse(file, b"") == []


def test_other_files_with_such_names() -> None:
    assert parse("nix.nar", b"\x0d\0\0\0nix-archive-1") == parse("song.kar", b"MThd") == []
    assert why("a.nar", jar({"a": "b"})[:-30])[0][1] == "it has no end record, so it is cut"


def patched(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def two() -> tuple[bytes, int]:
    """An archive of two archives, the first of which is to be broken, and where its entry is in the directory."""
    inner = jar(poms("org.a:a:1.0"))
    data = jar({"one.jar": inner, "two.jar": jar(poms("org.b:b:2.0"))}, zipfile.ZIP_STORED)
    return data, data.rindex(b"PK\x01\x02", 0, data.rindex(b"PK\x01\x02"))


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        (8, b"\x01\x00", "it is encrypted"),
        (10, b"\x0e\x00", "it is packed by method 14, which Java does not know either"),
        (10, b"\x08\x00", "it cannot be inflated"),
        (16, b"abcd", "its size or checksum is not what the central directory says"),
        (24, b"\x01\x00\x00\x00", "its size or checksum is not what the central directory says"),
        (20, b"\xf0\xff\xff\xff", "it goes on behind the end of the archive"),
        (42, b"\xf0\xff\xff\xff", "it lies behind the end of the archive"),
        (42, b"\x05\x00\x00\x00", "it is not where the central directory says"),
    ],
)
def test_one_broken_member_does_not_cost_the_others(field: int, value: bytes, reason: str) -> None:
    data, entry = two()
    data = patched(data, entry + field, value)
    assert why("x.jar", data) == [("x.jar!/one.jar", reason)]
    assert found("x.jar", data) == [("org.b:b", "2.0", "x.jar!/two.jar")]


def test_members_that_overlap() -> None:
    data, entry = two()
    second = data.rindex(b"PK\x01\x02")
    data = patched(data, second + 42, data[entry + 42 : entry + 46])
    assert [reason for _, reason in why("x.jar", data)] == ["it overlaps with another member"]
    assert len(found("x.jar", data)) == 1


def test_names_are_only_names() -> None:
    member = zipfile.ZipInfo("x")
    member.filename = "../../etc/a\x01b\x1b.jar"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(member, jar(poms("org.a:a:1")))
    assert found("x.jar", out.getvalue()) == [("org.a:a", "1", "x.jar!/../../etc/a\\x01b\\x1b.jar")]
    data = jar({f"{'a' * 5000}.jar": b"PK", **poms("org.a:a:1")})
    assert [reason for _, reason in why("x.jar", data)] == ["its name is too long"]


def test_zip64() -> None:
    inner = jar(poms("org.a:a:1"))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        with archive.open("a.jar", "w", force_zip64=True) as member:
            member.write(inner)
        for number in range(70_000):
            archive.writestr(zipfile.ZipInfo(f"p/{number}.class"), b"")
    for data in (out.getvalue(), b"launcher" * 9 + out.getvalue()):
        assert found("x.jar", data) == [("org.a:a", "1", "x.jar!/a.jar")]
        assert why("x.jar", data) == []
    few = LIMITS._replace(jar_entries=1000)
    assert why("x.jar", out.getvalue(), few) == [
        ("x.jar", "it has more members than are read (limit jar-entries=1000)"),
        ("x.jar!/a.jar", "it has more members than are read (limit jar-entries=1000)"),
    ]


def test_sizes_in_zip64_fields() -> None:
    inner = jar(poms("org.a:a:1"))
    name = b"a.jar"
    local = struct.pack("<4s5H3I2H", b"PK\x03\x04", 45, 0, 0, 0, 0, zlib.crc32(inner), 0, 0, 5, 0) + name
    extra = struct.pack("<2HB2H3Q", 9, 1, 0, 1, 24, len(inner), len(inner), 0)
    most = 2**32 - 1
    sizes = (zlib.crc32(inner), most, most, 5, len(extra), 0, 0, 0, 0, most)
    entry = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 45, 45, 0, 0, 0, 0, *sizes)
    directory = entry + name + extra
    start = len(local) + len(inner)
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, len(directory), start, 0)
    assert found("x.jar", local + inner + directory + end) == [("org.a:a", "1", "x.jar!/a.jar")]


@pytest.mark.parametrize(
    ("at", "value", "reason"),
    [
        (12, b"\xff\xff\xff\x7f", "its central directory is not where its end record says"),
        (16, b"\xff\xff\xff\x7f", "its central directory is not where its end record says"),
        (12, b"\x30\x00\x00\x00", "its central directory is malformed"),
    ],
)
def test_end_records_that_lie(at: int, value: bytes, reason: str) -> None:
    data = jar(poms("org.a:a:1"))
    broken = patched(data, len(data) - 22 + at, value)
    if at == 12 and value[0] == 0x30:  # a size that begins within the entry
        broken = patched(broken, len(data) - 22 + 16, struct.pack("<I", len(data) - 22 - 0x30))
    assert [problem for problem in why("a.jar", broken) if problem[0] == "a.jar"] == [("a.jar", reason)]


def test_a_million_entries_cost_neither_time_nor_memory() -> None:
    entry = (
        struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0) + b"ab"
    )
    directory = entry * 1_000_000
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(directory), 0, 0)
    data = directory + end
    before = time.monotonic()
    few = LIMITS._replace(jar_entries=100_000)
    assert why("a.jar", data, few) == [
        ("a.jar", "it has more members than are read (limit jar-entries=100000)")
    ]
    assert time.monotonic() - before < 10
    tracemalloc.start()
    distil("a.jar", data, few._replace(jar_entries=30_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


def test_bombs() -> None:
    bomb = jar(
        {"a.jar": bytes(8 << 20), POM.format("g", "a"): b"#" * (1 << 20), MF: b"A: " + b"x" * (4 << 20)}
    )
    reasons = dict(why("x.jar", bomb))
    assert reasons["x.jar!/a.jar"] == "it inflates to more than 200 times its packed size"
    assert reasons[f"x.jar!/{POM.format('g', 'a')}"] == "it has more than 262144 bytes"
    small = LIMITS._replace(jar_bytes=1 << 20)
    noise = b"".join(zlib.crc32(bytes([i % 251, i // 251])).to_bytes(4, "big") for i in range(60_000))
    many = jar({f"{number}.jar": noise + jar({"a": "b"}) for number in range(10)})
    assert any("limit jar-bytes=1048576" in reason for _, reason in why("x.jar", many, small))
    assert len(why("x.jar", many, small)) < 10
    assert not any("limit" in reason for _, reason in why("x.jar", many))


def test_many_small_archives_are_kept_small() -> None:
    data = jar({f"{number}.jar": b"PK\x03\x04" for number in range(3000)})
    kept = distil("x.jar", data, LIMITS)
    assert len(kept) < 20_000
    assert (
        why("x.jar", data)[-1] == ("x.jar", "more of what is in it cannot be read")
        or len(why("x.jar", data)) == 101
    )


def test_quines_end() -> None:
    data = jar({"a.jar": b""})
    for _ in range(20):
        data = jar({"a.jar": data, "b.jar": data}, zipfile.ZIP_STORED)
        if len(data) > 1 << 20:
            break
    before = time.monotonic()
    assert any("nested too deeply" in reason for _, reason in why("x.jar", data))
    assert time.monotonic() - before < 10


def test_what_is_kept_is_small_and_always_the_same() -> None:
    members = {f"org/a/p{number}/C{number}.class": bytes(50) for number in range(3000)}
    one = jar({**poms("org.a:a:1", "org.b:b:2"), **members, "x.jar": jar(poms("org.c:c:3"))})
    other = jar({"x.jar": jar(poms("org.c:c:3")), **members, **poms("org.b:b:2", "org.a:a:1")})
    assert distil("a.jar", one, LIMITS) == distil("b/a.jar", other, LIMITS)
    assert len(distil("a.jar", one, LIMITS)) < 4000


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    for item in [*parse("a.jar", data), *parse("a.jar", b"PK\x03\x04" + data), *packages("a.jar", data)]:
        assert isinstance(item, Package | Problem)


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
def test_any_json(value: object) -> None:
    kept = {"format": 1, "archives": value, "unread": value}
    for document in (value, kept, {**kept, "archives": [value]}, {**kept, "archives": []}):
        for item in packages("a.jar", json.dumps(document).encode()):
            assert isinstance(item, Package | Problem)


WHOLE = jar(
    {
        **poms("org.a:a:1.0", "org.b:b:2.0"),
        **mf(Implementation_Title="a", Implementation_Version="1.0"),
        "META-INF/maven/org.c/c/pom.xml": "<project><artifactId>c</artifactId><version>3</version></project>",
        "lib/d-4.0.jar": jar(poms("org.d:d:4.0")),
        "org/a/A.class": b"",
    },
    zipfile.ZIP_STORED,
)


@given(
    st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=8),
    st.integers(0, len(WHOLE)),
)
def test_noise(changes: list[tuple[int, int]], length: int) -> None:
    data = bytearray(WHOLE)
    for at, value in changes:
        data[at] = value
    for path, piece in (
        ("a-1.0.jar", bytes(data)),
        ("a-1.0.jar", bytes(data[:length])),
        ("x.par", bytes(data[length:])),
    ):
        for item in parse(path, piece):
            assert isinstance(item, Package | Problem)
            assert "\n" not in str(item)


@given(st.binary(max_size=300))
def test_any_text(data: bytes) -> None:
    assert all(isinstance(value, str) for value in manifest(data).values())
    assert len(properties(b"version=" + data)) == 3
    with suppress(ValueError):
        assert len(pom(b"<project>" + data)) == 3


@given(st.text(max_size=60), st.lists(st.text(max_size=8), max_size=3))
def test_any_file_name(name: str, versions: list[str]) -> None:
    way = read(f"{name}.jar", versions, [])
    assert way.artifact in name
    assert read(f"{name}-1.2.3.jar", ["1.2.3"], []).version == "1.2.3" or not name or "-" in name


@pytest.mark.parametrize(
    "name", ["-linux" * 40, "-linux_a" * 30 + "!", "a-1" * 80, "-" * 250, "a_1.1.1" * 35]
)
def test_file_names_take_no_time(name: str) -> None:
    before = time.monotonic()
    named(f"{name}.jar", Implementation_Version="1", classes=["org/a"])
    assert time.monotonic() - before < 2


# ---------------------------------------------------------------- in an image


def test_archives_of_an_image(tmp_path: Path) -> None:
    inner = jar(poms("org.b:lib:2.0"))
    app = jar(
        {**poms("org.a:app:1.0"), "BOOT-INF/lib/lib-2.0.jar": inner, "static/x": b"x" * 100_000},
        zipfile.ZIP_STORED,
    )
    built = image([images.files({"opt/app-1.0.jar": app, "srv/x.txt": app, "opt/broken.jar": app[:-30]})])
    found = inventory(file_view(built, Limits(retained_bytes=20_000)), built)
    assert [(package.purl, package.path) for package in found.packages] == [
        ("pkg:maven/org.a/app@1.0", "opt/app-1.0.jar"),
        ("pkg:maven/org.b/lib@2.0", "opt/app-1.0.jar!/BOOT-INF/lib/lib-2.0.jar"),
    ]
    assert [problem.subject for problem in found.problems] == ["opt/broken.jar"]
    (tmp_path / "a.jar").write_bytes(app)
    with open_image(f"dir:{tmp_path}") as folder:
        found = inventory(file_view(folder, Limits(retained_bytes=20_000)), folder)
    assert {package.name for package in found.packages} == {"org.a:app", "org.b:lib"}
