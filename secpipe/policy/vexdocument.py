"""A VEX document in whichever format it is: OpenVEX, CSAF or CycloneDX, as JSON."""

from __future__ import annotations

from collections.abc import Mapping

from secpipe.documents.jsontree import parse_json
from secpipe.errors import UsageError
from secpipe.policy import csaf, cyclonedx, openvex
from secpipe.policy.vex import Document

_HINT = "name a document of OpenVEX, CSAF 2.0 or CycloneDX, as JSON"


def parse(data: bytes, source: str) -> Document:
    """What it states. Raises `UsageError` when it is no VEX document."""
    found = parse_json(data, source, _HINT)
    if isinstance(found, Mapping):
        if openvex.is_openvex(found):
            return openvex.parse(found, source)
        if csaf.is_csaf(found):
            return csaf.parse(found, source)
        if cyclonedx.is_cyclonedx(found):
            return cyclonedx.parse(found, source)
    raise UsageError(f"{source} is no VEX document of a format that we know", _HINT)
