"""Applications of Erlang and Elixir."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.catalog import erlang
from secpipe.model.limits import Limits
from secpipe.model.package import Package
from secpipe.model.problem import Problem
from secpipe.unpack.view import File, open_view
from tests.support.images import files
from tests.support.layers import image

PATH = "app/lib/cowboy-2.10.0/ebin/cowboy.app"


def parse(text: str | bytes) -> list[Package | Problem]:
    return list(erlang.parse(File(PATH, text.encode() if isinstance(text, str) else text)))


COWBOY = """%% {application, no, [{vsn, "0"}]}.
{application,cowboy,
             [{description,"Small, fast; {vsn,\\"9\\"} {application,x,"},
              {vsn,"2.10.0"},
              {modules,['cowboy','Elixir.Vsn','a{\\'vsn']},
              {applications,[kernel,stdlib,crypto,cowlib,ranch]},
              {mod,{cowboy_app,[]}},
              {env,[{vsn,"3"}]}]}.
"""


@pytest.mark.parametrize(
    ("text", "name", "version", "type_"),
    [
        (COWBOY, "cowboy", "2.10.0", "hex"),
        (COWBOY.replace("\n", "\r\n"), "cowboy", "2.10.0", "hex"),
        ("{application , 'phoenix' ,[{ vsn , % the version\n \"1.7.10\" }]}.", "phoenix", "1.7.10", "hex"),
        (
            '{application,ssl,[{vsn,"11.1"},{runtime_dependencies,["stdlib-4.1"]}]}.',
            *("ssl", "11.1", "otp"),
        ),
        ('{application,logger,[{applications,[elixir]},{vsn,"1.15.7"}]}.', "logger", "1.15.7", "otp"),
        ("{application,'my-app',[{vsn,\"git-1f\"}]}.", "my-app", "git-1f", "hex"),
    ],
)
def test_applications(text: str, name: str, version: str, type_: str) -> None:
    assert parse(text) == [Package(name, version, type_, PATH)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{application,cowboy,[]}.",
        '{application,cowboy,[{vsn,""}]}.',
        '{application,cowboy,[{vsn,"1 2"}]}.',
        '[{vsn,"1"}].',
        '{application,"a",[{vsn,"1"}]}.',
        '{application,a,[{vsn,"1',
        COWBOY[:150],
        bytes(50),
        "{application,a,[{vsn,git}]}",
    ],
)
def test_damage_is_told(text: str | bytes) -> None:
    (problem,) = parse(text)
    assert isinstance(problem, Problem)
    assert (problem.code, problem.subject) == ("unreadable-metadata", PATH)


@pytest.mark.parametrize("piece", [b'\\"', b"'", b'"\\', b"{", b"a", b"%", b"a{,"])
def test_no_text_takes_long(piece: bytes) -> None:
    start = time.process_time()
    assert parse(b'{"' + piece * ((3 << 20) // len(piece)))
    assert time.process_time() - start < 10


def test_places() -> None:
    names = [PATH, "usr/lib/rabbitmq/lib/rabbitmq_server-3.10.8/plugins/recon-2.5.2/ebin/recon.app"]
    others = ["src/a.app", "app/lib/a-1/ebin/a.beam", "app/a.app/ebin/x"]
    built = image([files(dict.fromkeys([*names, *others], ""))])
    found = open_view(built, erlang.GLOBS, Limits()).files(*erlang.GLOBS)
    assert [file.path for file in found] == names


@given(st.binary() | st.text("{}[],aplictonvs\"'\\% 1\n", max_size=80).map(str.encode))
def test_arbitrary_bytes_give_one_answer(data: bytes) -> None:
    assert len(parse(data)) == 1
