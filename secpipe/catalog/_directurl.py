"""Where a Python distribution was installed from, when that was no index: `direct_url.json` (PEP 610, pip's and uv's).

It is told as qualifiers of the package's URL: `vcs_url` for a commit, `download_url` for an archive or a folder (purl-spec
1.0, qualifiers), `editable=true` for the folder of somebody who works on it. Builders of conda packages and others leave the
folder that they built in there, so a folder alone does not tell a release from a project.
"""

from __future__ import annotations

import re

from secpipe.catalog._json import UnreadableError, members, text
from secpipe.model.pattern import lazy

NAME = "direct_url.json"
EDITABLE = ("editable", "true")
_LONGEST = 2048
_USER = lazy(r"(?i)^([a-z][a-z0-9+.-]*://)[^/?#]*@")
_VCS = lazy(r"[a-z]{2,10}")
_COMMIT = lazy(r"[\w.-]{1,200}", re.ASCII)


def qualifiers(data: bytes) -> tuple[tuple[str, str], ...]:
    """What the file tells, by key and sorted. Raises UnreadableError, which says why it tells nothing."""
    found = members(data, "url", "vcs_info", "dir_info", "archive_info")
    # Installers are to leave passwords out. Those that did not are none of a report's business.
    url = _USER.sub(r"\1", text(found.get("url")))
    if not url or len(url) > _LONGEST or not url.isprintable() or " " in url:
        raise UnreadableError("no valid url")
    folder, vcs = found.get("dir_info"), found.get("vcs_info")
    if isinstance(vcs, dict):
        kind, commit = text(vcs.get("vcs")), text(vcs.get("commit_id"))
        if not (_VCS.fullmatch(kind) and _COMMIT.fullmatch(commit)):
            raise UnreadableError("no valid vcs and commit_id")
        return (("vcs_url", f"{kind}+{url}@{commit}"),)
    if isinstance(folder, dict) and folder.get("editable") is True:
        return ("download_url", url), EDITABLE
    return (("download_url", url),)
