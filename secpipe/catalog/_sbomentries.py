"""What both formats of package lists tell, before anybody looks at the package URLs, and how their JSON is walked.

A member of another kind than the formats have is a problem, for nothing of a list may be passed over in silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from secpipe.model.named import NamedTuple
from secpipe.model.package import Distribution
from secpipe.model.problem import Problem
from secpipe.model.text import plural, printable

_NAMES = 5
_HINT = "make the list again with a current version of the tool that wrote it"


class Entry(NamedTuple):
    """One package: its whole name and version as the list has them, its URL, the first value of each property."""

    name: str
    version: str
    purl: str
    path: str
    properties: Mapping[str, str]


class Listing(Struct):
    """All that a list tells, as it is read. `what` is the list, for messages.

    `root` is what the list is about: its URL, version and properties, and whether it is an image. `told` are the
    problems that we ourselves wrote into the list, `tools` the names of who wrote it.
    """

    what: str
    entries: list[Entry] = field(default_factory=list)
    systems: list[Distribution] = field(default_factory=list)
    tools: set[str] = field(default_factory=set)
    told: list[str] = field(default_factory=list)
    root: Entry = field(default_factory=lambda: Entry("", "", "", "", {}))
    is_image: bool = False
    incomplete: bool = False
    full: bool = False
    _faults: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)

    def fault(self, code: str, why: str, name: str) -> None:
        """Note that something called `name` could not be understood; those of one kind are told together."""
        self._faults.setdefault((code, why), Counter())[printable(name[:200])] += 1

    def problems(self) -> list[Problem]:
        """What could not be understood."""
        found = []
        for (code, why), names in self._faults.items():
            count = names.total()
            some = ", ".join(sorted(names)[:_NAMES]) + (", …" if len(names) > _NAMES else "")
            message = f"{self.what}: {plural(count, 'entry', 'entries')} {why}: {some}"
            found.append(Problem(code, self.what, message, _HINT))
        return found

    def text(self, value: Mapping[str, Any], key: str) -> str:
        """The member as a text, empty where there is none."""
        member = value.get(key)
        if isinstance(member, str):
            return member
        if member is not None:
            self._other(key, "no text")
        return ""

    def mapping(self, value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """The member as an object, empty where there is none."""
        member = value.get(key)
        if isinstance(member, dict):
            return member
        if member is not None:
            self._other(key, "no object")
        return {}

    def mappings(self, value: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
        """The objects in the member, which is a list; empty where there is none."""
        member = value.get(key)
        if not isinstance(member, list):
            if member is not None:
                self._other(key, "no list")
            return ()
        found = [one for one in member if isinstance(one, dict)]
        if len(found) < len(member):
            self._other(key, "no list of objects")
        return found

    def _other(self, key: str, why: str) -> None:
        self.fault("malformed-sbom", f"of another kind than the format has ({why})", key)


def first_values(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Each name with the first of its values."""
    return dict(reversed(pairs))
