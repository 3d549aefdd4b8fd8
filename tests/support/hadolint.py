"""The hadolint that the tests compare with: the one of the environment that they run in, or another by $HADOLINT."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

HADOLINT = os.environ.get("HADOLINT") or shutil.which(
    "hadolint", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
)
needs_hadolint = pytest.mark.skipif(HADOLINT is None, reason="hadolint is not installed")
