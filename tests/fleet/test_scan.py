"""What makes an inventory of the same image another one."""

from __future__ import annotations

from pathlib import Path

from secpipe.fleet.scan import FleetOptions, catalogers
from secpipe.model.limits import Limits
from secpipe.pipeline.scan import ScanOptions


def of(limits: Limits) -> str:
    return catalogers(FleetOptions(ScanOptions("", Path("db"), limits=limits), ""))


def test_only_limits_that_decide_what_is_read_count() -> None:
    assert of(Limits(cache_bytes=1)) == of(Limits(fleet_names=5)) == of(Limits())
    assert of(Limits(file_bytes=1)) != of(Limits())
    assert of(Limits(packages=1)) != of(Limits())
