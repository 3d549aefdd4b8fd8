"""SP1002: a secret's value in the Dockerfile."""

from __future__ import annotations

from collections.abc import Iterator

from secpipe.dockerfile.ast import Instruction
from secpipe.lint.check import Found, check
from secpipe.lint.run import Run
from secpipe.lint.scope import Context
from secpipe.lint.secrets import INSTRUCTIONS, by_format, by_name, texts


@check(*INSTRUCTIONS)
def secret_value(node: Instruction | Run, context: Context) -> Iterator[Found]:
    """What has the format of a key or token, and random values under the name of a secret."""
    instruction = node.instruction if isinstance(node, Run) else node
    for text in texts(instruction, context.dockerfile.source):
        found = list(by_format(text.text))
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
