"""SP1002: a secret's value in the Dockerfile."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check
from secpipe.lint.run import Run
from secpipe.lint.scope import Context
from secpipe.lint.secrets import INSTRUCTIONS, Marks, by_format, by_name, marks, texts


@check(*INSTRUCTIONS)
def secret_value(node: Instruction | Run, context: Context) -> Iterator[Found]:
    """What has the format of a key or token, and random values under the name of a secret."""
    instruction = node.instruction if isinstance(node, Run) else node
    marked: Marks | None = context.file_memory.get("SP1002")
    if marked is None:
        marked = context.file_memory["SP1002"] = marks(context.dockerfile)
    if not any(marked):
        return
    for text in texts(instruction, context.dockerfile.source, marked.may_be_in):
        found = list(by_format(text.text)) if marked.formats else []
        found += [
            secret
            for secret in by_name(text.text, environment=instruction.keyword == "ENV")
            if not any(secret.start < other.end and other.start < secret.end for other in found)
        ]
        for secret in found:
            yield (
                text.word(secret.start, secret.end),
                f"This looks like {secret.what}, for everyone with the image to read: revoke it, and use a secret mount",
            )
