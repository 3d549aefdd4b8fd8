"""Which of two records of one id counts, a feed's or one's own: the later `modified`, separately for each ecosystem.

One's own counts where neither is later, and where it has no time at all: it was written to say something else. The same goes
for an own record that is withdrawn, which takes the feed's away. An older one of one's own has been overtaken.
"""

from __future__ import annotations

from collections.abc import Sequence

from secpipe.advisories.shard import OpenShard, Told


def of_feed(entries: Sequence[Told], replacing: Sequence[OpenShard]) -> list[Told]:
    """The entries of a feed's records that no own record stands in the place of; `replacing` are the shards of those."""

    def counts(entry: Told) -> bool:
        own = (shard.replaces(entry.id, entry.ecosystem) for shard in replacing)
        return all(at is None or "" < at < entry.advisory.modified for at in own)

    return [entry for entry in entries if counts(entry)]


def of_own(entries: Sequence[Told], own: OpenShard, feed: OpenShard) -> list[Told]:
    """The entries of own records that the feed has no later record of."""
    theirs = feed.records({entry.id for entry in entries})

    def counts(entry: Told) -> bool:
        at = own.replaces(entry.id, entry.ecosystem)
        newer = entry.id in theirs and at is not None and "" < at < theirs[entry.id].modified
        return not (newer and feed.names(entry.id, entry.ecosystem))

    return [entry for entry in entries if counts(entry)]
