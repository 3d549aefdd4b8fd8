"""Module streams of RPM distributions: `nodejs:18` and `nodejs:20` are built side by side, each with updates of its own.

An update of one stream says nothing about a package of another, nor about one that is in no module, whatever their versions.
Sources: Fedora's modularity documentation (the label `name:stream:version:context` of a package), and the advisories
themselves, which name the stream in their summary alone (`Moderate: nodejs:18 security update`).
"""

from __future__ import annotations

import re

from secpipe.model.advisory import Advisory, Affected
from secpipe.model.package import Package
from secpipe.model.pattern import lazy

_MODULAR = lazy(r"\.module[_+]")
"""In the release of every package that was built in a module."""


def concerns(advisory: Advisory, affected: Affected, package: Package) -> bool:
    """Whether the advisory is about the stream that the package belongs to, as far as both of them tell."""
    if package.type != "rpm":
        return True
    fixes = [event.version for item in affected.ranges for event in item.events if event.kind == "fixed"]
    if not fixes:
        return True
    is_modular = bool(package.module) or _MODULAR.search(package.version) is not None
    if is_modular != any(_MODULAR.search(fix) for fix in fixes):
        return False
    name, _, rest = package.module.partition(":")
    stream = rest.partition(":")[0]
    if not stream:
        return True
    told = re.findall(rf"(?<![\w.:+-]){re.escape(name)}:([\w.+-]+)", advisory.summary)
    return not told or stream in told
