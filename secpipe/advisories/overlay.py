"""Which of two records of one id counts, a feed's or one's own: the later `modified`, separately for each ecosystem.

One's own counts where neither is later, and where it has no time at all: it was written to say something else. The same goes
for an own record that is withdrawn, which takes the feed's away. An older one of one's own has been overtaken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from secpipe.advisories.shard import OpenShard
from secpipe.model.advisory import Advisory, Affected

Pair = tuple[str, Affected]
"""The id of a record and one of its entries."""


def of_feed(
    pairs: Sequence[Pair], records: Mapping[str, Advisory], replacing: Sequence[OpenShard]
) -> list[Pair]:
    """The entries of a feed's records that no own record stands in the place of; `replacing` are the shards of those."""

    def counts(pair: Pair) -> bool:
        identifier, entry = pair
        own = (shard.replaces(identifier, entry.ecosystem) for shard in replacing)
        return all(at is None or "" < at < records[identifier].modified for at in own)

    return [pair for pair in pairs if counts(pair)]


def of_own(pairs: Sequence[Pair], own: OpenShard, feed: OpenShard) -> list[Pair]:
    """The entries of own records that the feed has no later record of."""
    theirs = feed.records({identifier for identifier, _ in pairs})

    def counts(pair: Pair) -> bool:
        identifier, entry = pair
        at = own.replaces(identifier, entry.ecosystem)
        newer = identifier in theirs and at is not None and "" < at < theirs[identifier].modified
        return not (newer and feed.names(identifier, entry.ecosystem))

    return [pair for pair in pairs if counts(pair)]
