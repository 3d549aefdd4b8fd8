"""Releases past their end of life: the data is whole, and tags are read as their images mean them."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secpipe.lint.endoflife import ended
from secpipe.lint.image import split
from secpipe.model.releases import AS_OF, CODENAMES, CURRENT, ENDED


def test_the_data_holds_nothing_that_had_not_ended() -> None:
    days = [day for releases in ENDED.values() for day in releases.values()]
    assert max(days) < AS_OF
    assert all(datetime.date.fromisoformat(day) for day in days)
    assert ENDED.keys() == CURRENT.keys() >= {product for product, _ in CODENAMES.values()}
    assert all(not ENDED[product].keys() & set(CURRENT[product]) for product in ENDED)


@pytest.mark.parametrize(
    ("image", "release"),
    [
        ("debian:buster-20240101-slim", "Debian 10"),
        ("docker.io/library/alpine:3.10.2", "Alpine 3.10"),
        ("alpine:3.1", "Alpine 3.1"),
        ("arm64v8/node:14", "Node.js 14"),
        ("public.ecr.aws/docker/library/python:2-slim", "Python 2"),
        ("postgres:9-alpine", "PostgreSQL 9"),
        ("rust:1-slim-stretch", "Debian 9"),
        ("centos:latest", "CentOS 8"),
        ("alpine:3", ""),
        ("alpine:3.100", ""),
        ("alpine:edge", ""),
        ("ubuntu", ""),
        ("me/python:2.7", ""),
        ("centos@sha256:00", ""),
        ("python:2.7rc1", ""),
    ],
)
def test_what_had_ended(image: str, release: str) -> None:
    found = ended(split(image))
    assert (f"{found.product} {found.release}" if found else "") == release


@given(st.sampled_from(["debian", "centos", "node", "x/y"]), st.text())
def test_any_tag_is_read(name: str, tag: str) -> None:
    found = ended(split(f"{name}:{tag}"))
    assert found is None or found.day < AS_OF
