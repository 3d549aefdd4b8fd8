"""Fixtures of all tests, and the word about tests that could not run."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.support.registry import SKIPPED, Registries, registries

# How long one example takes says how busy the machine is, not whether the program is right.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

__all__ = ["Registries", "registries"]


@pytest.fixture(scope="session", autouse=True)
def own_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the credentials, proxies and settings of whoever runs the tests out of them."""
    empty = str(tmp_path_factory.mktemp("nobody"))
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.lower().endswith("_proxy") or (
                name.startswith("SECPIPE_") and not name.startswith("SECPIPE_REQUIRE_")
            ):
                patch.delenv(name)
        patch.delenv("REGISTRY_AUTH_FILE", raising=False)
        for name in ("DOCKER_CONFIG", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"):
            patch.setenv(name, empty)
        patch.setenv("CONTAINERS_REGISTRIES_CONF", os.devnull)
        patch.setenv("SECPIPE_OFFLINE", "1")
        patch.setenv("SECPIPE_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever uses the registries is marked so, for `-m`."""
    for item in items:
        if "registries" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.registry)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say aloud that the registry was not tested."""
    skipped = terminalreporter.stats.get("skipped", [])
    missed = [report for report in skipped if SKIPPED in str(report.longrepr)]
    if missed:
        terminalreporter.section("REGISTRY TESTS SKIPPED", sep="!", red=True, bold=True)
        terminalreporter.line(
            f"{len(missed)} TESTS AGAINST THE REAL REGISTRY WERE SKIPPED: DOCKER-REGISTRY IS NOT INSTALLED "
            "(DEBIAN: APT-GET INSTALL DOCKER-REGISTRY)"
        )
