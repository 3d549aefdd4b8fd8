"""DL3002: a stage that ends as root."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Stage
from secpipe.lint.check import STAGE, Found, check, quoted
from secpipe.lint.scope import Context


@check(STAGE)
def last_user(stage: Stage, context: Context) -> Iterator[Found]:
    """The last USER of the stage is root, by name or number."""
    users = [i for i in context.instructions(stage.index) if i.keyword == "USER" and i.words]
    for user in users[-1:]:
        name = user.words[0].value.partition(":")[0].strip()
        if name == "root" or (name and not name.strip("0")):
            yield (
                user.words[0],
                f"The last USER of the stage is {quoted(name)}: end with one that is not root",
            )
