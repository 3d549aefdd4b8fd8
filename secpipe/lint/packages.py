"""The options of package managers that take the next argument as their value."""

from __future__ import annotations

APT_VALUED = (
    "-t",
    "--target-release",
    "--default-release",
    "-o",
    "--option",
    "-c",
    "--config-file",
    "-a",
    "--host-architecture",
    "-P",
    "--build-profiles",
    "--solver",
)
"""apt-get(8)."""

APK_VALUED = (
    "-p",
    "--root",
    "-t",
    "--virtual",
    "-X",
    "--repository",
    "--arch",
    "--cache-dir",
    "--cache-max-age",
    "--keys-dir",
    "--progress-fd",
    "--repositories-file",
    "--timeout",
    "--wait",
)
"""apk-add(8), apk(8)."""
