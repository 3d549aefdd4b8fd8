"""What a gate can ask of a finding besides its severity, each with three answers: yes, no, and nobody knows (None)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from secpipe.model.named import NamedTuple
from secpipe.model.scan import Finding
from secpipe.policy.endoflife import System


class Term(StrEnum):
    """A word of `--fail-on`; the order is that in which a verdict tells them."""

    FIXABLE = "fixable"
    """a fixed version is known"""
    NEW = "new"
    """the baseline does not have it"""
    APP = "app"
    """it is in what the application brought, not in the base image"""
    EOL = "eol"
    """the distribution gets no updates any more"""
    KEV = "kev"
    """CISA knows that it is exploited"""
    UNPACKAGED = "unpackaged"
    """it is in a program that no package manager installed; without this word such a finding meets no gate"""


EPSS = "epss"
"""With a number behind it, `epss:0.5`: it is exploited within 30 days at least that probably, as FIRST estimates."""
Systems = Mapping[str, System]
"""By platform ('' where only one image was scanned): the distribution that the packages are of."""
Feeds = Mapping[str, str]
"""`kev`, `epss` → why that feed cannot be relied on, '' where it can; where there is none, nothing."""
_ABSENT = "there is none beside the advisory database"


class Known(NamedTuple):
    """What is known besides the findings."""

    systems: Systems
    feeds: Feeds

    def lacking(self, feed: str) -> str:
        """Why a feed tells nothing of what it does not have; '' for one that is whole and fresh."""
        return self.feeds.get(feed, _ABSENT)


_Ask = Callable[[Finding, Known], bool | None]


def _app(finding: Finding, known: Known) -> bool | None:
    return {"app": True, "base": False}.get(finding.package.origin)


def _eol(finding: Finding, known: Known) -> bool | None:
    found = known.systems.get(finding.package.platform)
    return found.ended if found else None


def _kev(finding: Finding, known: Known) -> bool | None:
    return True if finding.kev else None if known.lacking(Term.KEV) else False


def likely(finding: Finding, least: float, known: Known) -> bool | None:
    """Whether it is exploited at least that probably. What EPSS gives no probability is not: it has none for what has no
    CVE, and that is told where the feed is read."""
    if known.lacking(EPSS):
        return None
    return finding.epss is not None and finding.epss >= least


ASK: Mapping[Term, _Ask] = {
    Term.FIXABLE: lambda finding, _: finding.fixed_version is not None,
    Term.NEW: lambda finding, _: finding.new,
    Term.APP: _app,
    Term.EOL: _eol,
    Term.KEV: _kev,
    Term.UNPACKAGED: lambda finding, _: bool(finding.package.evidence),
}


class Gap(NamedTuple):
    """How it is told that nobody knows: the problem's code, what findings lack, what to do about it."""

    code: str
    lacking: str
    hint: str
    coverage: bool = True


GAPS: Mapping[str, Gap] = {
    "severity": Gap(
        "unknown-severity",
        "without a severity in the advisories",
        "use --fail-on any to fail on them, or --allow-incomplete to let them pass",
    ),
    # Without these a gate that was asked for does not exist: that is no gap in what was examined.
    Term.NEW: Gap(
        "no-baseline",
        "of which nobody knows whether they are new",
        "name what to compare with: --baseline REPORT, or an image",
        coverage=False,
    ),
    Term.APP: Gap(
        "unknown-origin",
        "of which nobody knows whether they are the application's",
        "name the image that it was built from: --base IMAGE",
        coverage=False,
    ),
    Term.EOL: Gap(
        "unknown-end-of-life",
        "in a distribution of which nobody knows how long it gets updates",
        "look up its end of life, and leave `eol` out for this image, or use --allow-incomplete to let them pass",
    ),
    Term.KEV: Gap(
        "unknown-kev",
        "of which CISA's catalogue of exploited vulnerabilities cannot tell",
        "run: secpipe db update --kev, or use --allow-incomplete to let them pass",
    ),
    EPSS: Gap(
        "unknown-epss",
        "of which EPSS cannot tell how likely they are exploited",
        "run: secpipe db update --epss, or use --allow-incomplete to let them pass",
    ),
}
"""By term, `severity` and `epss`."""
