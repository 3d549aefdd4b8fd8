"""Installed gems."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.catalog import file_view, inventory, ruby
from secpipe.model.limits import Limits
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.oci.target import open_image
from secpipe.unpack.view import File
from tests.support.images import Entry, files, tar
from tests.support.layers import image

RUBY = shutil.which("ruby")
FOLDER = "usr/lib/ruby/gems/3.1.0/specifications"


def parse(text: str | bytes, file: str = "x.gemspec") -> list[Package | Problem]:
    return list(ruby.parse(File(f"{FOLDER}/{file}", text.encode() if isinstance(text, str) else text)))


def gem(name: str, version: str, platform: str = "", file: str = "x.gemspec") -> list[Package]:
    qualifiers = (("platform", platform),) if platform else ()
    return [Package(name, version, "gem", f"{FOLDER}/{file}", qualifiers=qualifiers)]


RAKE = """# -*- encoding: utf-8 -*-
# stub: rake 13.0.6 ruby lib

Gem::Specification.new do |s|
  s.name = "rake".freeze
  s.version = "13.0.6"

  s.required_rubygems_version = Gem::Requirement.new(">= 1.3.2".freeze) if s.respond_to? :required_rubygems_version=
  s.metadata = { "changelog_uri" => "https://example.org/v13.0.6" } if s.respond_to? :metadata=
  s.authors = ["Hiroshi SHIBATA".freeze]
  s.description = "s.name = 'other'".freeze
  s.rubygems_version = "3.3.5".freeze
  s.installed_by_version = "3.3.5" if s.respond_to? :installed_by_version
  s.version = "0"
end
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (RAKE, gem("rake", "13.0.6")),
        (RAKE.replace("\n", "\r\n"), gem("rake", "13.0.6")),
        (
            'spec.name="n"\nspec.version = Gem::Version.new("1.2.rc1")\nspec.platform = "java".freeze\n',
            gem("n", "1.2.rc1", "java"),
        ),
        (
            "  gem.name = 'n'\n  gem.version = Gem::Version.new '1'\n  gem.platform = Gem::Platform::RUBY\n",
            gem("n", "1"),
        ),
        (
            "s.name = %q{n}\ns.version = %q<1.2>\ns.platform = Gem::Platform.new('x86_64-linux')\n",
            gem("n", "1.2", "x86_64-linux"),
        ),
        ("s.name = %q(n)\ns.version = %[2]\ns.platform = 'ruby'\n", gem("n", "2")),
        ("# stub: nokogiri 1.15.4 x86_64-linux lib\n", gem("nokogiri", "1.15.4", "x86_64-linux")),
        ("# s.name = 'no'\n# stub: a 1 ruby lib\ns.name = NAME\ns.version = File.read 'V'\n", gem("a", "1")),
        ("# stub: a 1 ruby lib\ns.name = \"#{x}\"\ns.version = '2'\n", gem("a", "2")),
    ],
)
def test_what_specifications_say(text: str, expected: list[Package]) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("file", "name", "version", "platform"),
    [
        ("rails-html-sanitizer-1.6.0.gemspec", "rails-html-sanitizer", "1.6.0", ""),
        ("nokogiri-1.15.4-x86_64-linux-gnu.gemspec", "nokogiri", "1.15.4", "x86_64-linux-gnu"),
        ("net-http2-0.18.4.pre.gemspec", "net-http2", "0.18.4.pre", ""),
    ],
)
@pytest.mark.parametrize("text", ["", b"\xff\0", "Gem::Specification.new\n"])
def test_the_name_of_the_file_counts_where_it_says_nothing(
    file: str, name: str, version: str, platform: str, text: str | bytes
) -> None:
    assert parse(text, file) == gem(name, version, platform, file)


@pytest.mark.parametrize("file", ["x.gemspec", "1.gemspec", "x-y.gemspec", "-1.gemspec"])
@pytest.mark.parametrize("text", ["", "s.name = 'a'\n", "s.name = 'a b'\ns.version = 'x'\n", bytes(9)])
def test_what_says_nothing_is_told(file: str, text: str | bytes) -> None:
    (problem,) = parse(text, file)
    assert isinstance(problem, Problem)
    assert (problem.code, problem.subject) == ("unreadable-metadata", f"{FOLDER}/{file}")


def test_in_an_image() -> None:
    bundle = "app/vendor/bundle/ruby/3.2.0"
    contents = {
        f"{FOLDER}/default/json-2.6.1.gemspec": "",
        f"{bundle}/specifications/ffi-1.16.3-x86_64-linux.gemspec": "s.platform = 'x86_64-linux'\n",
        f"{bundle}/gems/ffi-1.16.3/ffi.gemspec": "s.name = 'ffi'",
        f"{FOLDER}/old-1.gemspec": "",
    }
    built = image([files(contents), tar([Entry(f"{FOLDER}/.wh.old-1.gemspec")])])
    found = inventory(file_view(built, Limits()), built)
    assert [package.purl for package in found.packages] == [
        "pkg:gem/ffi@1.16.3?platform=x86_64-linux",
        "pkg:gem/json@2.6.1",
    ]
    assert found.problems == ()


# ---------------------------------------------------------------- from Git repositories

BUNDLE = "app/vendor/bundle/ruby/3.1.0/bundler/gems"
WRITTEN = """# -*- encoding: utf-8 -*-
# stub: mygem 1.2.3 ruby lib

Gem::Specification.new do |s|
  s.name = "mygem".freeze
  s.version = "1.2.3"

  s.require_paths = ["lib".freeze]
  s.rubygems_version = "3.3.15".freeze

  s.installed_by_version = "3.3.15" if s.respond_to? :installed_by_version
end
"""
COMPUTED = """require_relative "lib/mygem/version"
Gem::Specification.new do |spec|
  spec.name = "mygem"
  spec.version = Mygem::VERSION
end
"""
LITERAL = COMPUTED.replace("Mygem::VERSION", "'1.2.3'")


def inventoried(contents: dict[str, str]) -> tuple[list[tuple[str, str, str]], list[tuple[str, str]]]:
    built = image([files(contents)])
    found = inventory(file_view(built, Limits()), built)
    told = [(problem.code, problem.subject) for problem in found.problems]
    return [(package.name, package.version, package.path) for package in found.packages], told


@pytest.mark.parametrize(
    "folder",
    [
        BUNDLE,
        "usr/local/bundle/bundler/gems",
        "app/vendor/cache",
        "bundler/gems",
        "root/.bundle/ruby/3.1.0/bundler/gems",
    ],
)
@pytest.mark.parametrize("place", ["mygem.gemspec", "sub/mygem.gemspec"])
@pytest.mark.parametrize("text", [WRITTEN, LITERAL])
def test_gems_of_a_checkout(folder: str, place: str, text: str) -> None:
    path = f"{folder}/repo-5ce3002ff665/{place}"
    assert inventoried({path: text}) == ([("mygem", "1.2.3", path)], [])


def test_a_gem_of_a_checkout_that_computes_its_version_is_told() -> None:
    path = f"{BUNDLE}/repo-5ce3002ff665/mygem.gemspec"
    for text in (COMPUTED, "", "\xff"):
        assert inventoried({path: text}) == ([], [("unreadable-metadata", path)])


def test_other_specifications_in_a_checkout_are_no_gems() -> None:
    """What Bundler does not look for it does not write anew; a Gemfile's `glob` may lead further down."""
    checkout = f"{BUNDLE}/repo-5ce3002ff665"
    fixtures = {
        f"{checkout}/test/fixtures/a/x.gemspec": COMPUTED,
        f"{checkout}/test/fixtures/b/x.gemspec": LITERAL,
        f"{checkout}/test/fixtures/c/x.gemspec": WRITTEN.replace("installed_by_version", "other"),
        "app/vendor/cache/stuff/x.gemspec": WRITTEN,
        "app/vendor/cache/x.gemspec": WRITTEN,
        "app/gems/repo-5ce3002ff665/x.gemspec": WRITTEN,
    }
    assert inventoried(fixtures) == ([], [])
    path = f"{checkout}/deep/er/x.gemspec"
    assert inventoried({path: WRITTEN, **fixtures}) == ([("mygem", "1.2.3", path)], [])


def test_specifications_of_a_bundle_below_a_checkout() -> None:
    path = f"{BUNDLE}/repo-5ce3002ff665/vendor/specifications/a-1.gemspec"
    assert inventoried({path: ""}) == ([("a", "1", path)], [])


@pytest.mark.skipif(not RUBY, reason="ruby is not installed")
def test_what_bundler_itself_checks_out(tmp_path: Path) -> None:
    """A gem whose version is computed, from a repository, into a bundle."""
    repository, app = tmp_path / "repo", tmp_path / "app"
    for folder in (repository / "lib", app):
        folder.mkdir(parents=True)
    (repository / "lib" / "version.rb").write_text("module Mygem\n  VERSION = '1.2.3'\nend\n")
    lines = (
        *("require_relative 'lib/version'", "Gem::Specification.new do |s|", "s.name = 'mygem'"),
        *("s.version = Mygem::VERSION", "s.authors = ['a']", "s.summary = 'b'", "s.files = []", "end"),
    )
    (repository / "mygem.gemspec").write_text("\n".join(lines))
    (app / "Gemfile").write_text(f"gem 'mygem', git: '{repository}'\n")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "BUNDLE_PATH": str(app / "vendor/bundle"),
    }
    environment |= {
        f"GIT_{who}_{what}": "a@b.c" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }

    def run(*command: str, folder: Path = app) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60
        )

    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        assert run("git", *command, folder=repository).returncode == 0
    program = "require 'bundler'; require 'bundler/cli'; Bundler::CLI.start(['install'])"
    if run(str(RUBY), "-e", "require 'bundler'; require 'bundler/cli'").returncode:
        pytest.skip("Bundler is not installed")
    done = run(str(RUBY), "-e", program)
    assert done.returncode == 0, done.stderr
    with open_image(f"dir:{tmp_path}") as root:
        found = inventory(file_view(root, Limits()), root)
    assert [(package.name, package.version) for package in found.packages] == [("mygem", "1.2.3")]
    assert found.problems == ()


@given(st.binary() | st.text("s.namevrio =\"'%q{}\n1", max_size=80).map(str.encode))
def test_arbitrary_bytes_give_one_answer(data: bytes) -> None:
    assert len(parse(data)) == 1
