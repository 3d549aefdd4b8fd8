"""The contract's exit codes."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from secpipe.errors import UsageError
from secpipe.model.package import Origin
from secpipe.model.problem import Problem
from secpipe.model.scan import Finding, Suppression
from secpipe.model.severity import Severity
from secpipe.policy.endoflife import System
from secpipe.policy.gate import FailOn, Gate, decide, feeds_of, gate_of
from tests.support.reports import finding, package

GAP = Problem("no-advisories", "PyPI", "no advisories for PyPI")
FAULT = Problem("unreadable-database", "status", "cannot be parsed", coverage=False)


def found(*severities: Severity) -> list[Finding]:
    return [finding(f"CVE-1-{n}", package("a", "1"), severity) for n, severity in enumerate(severities)]


@pytest.mark.parametrize(
    ("severities", "problems", "fail_on", "allow", "code"),
    [
        ([], [], FailOn.ANY, False, 0),
        ([Severity.NEGLIGIBLE], [], FailOn.ANY, False, 1),
        ([Severity.UNKNOWN], [], FailOn.ANY, False, 1),
        ([Severity.CRITICAL], [], FailOn.NONE, False, 0),
        ([Severity.MEDIUM], [], FailOn.HIGH, False, 0),
        ([Severity.HIGH], [], FailOn.HIGH, False, 1),
        ([Severity.CRITICAL], [], FailOn.HIGH, False, 1),
        ([Severity.UNKNOWN], [], FailOn.CRITICAL, False, 3),
        ([Severity.UNKNOWN], [], FailOn.CRITICAL, True, 0),
        ([Severity.UNKNOWN, Severity.CRITICAL], [], FailOn.CRITICAL, False, 1),
        ([], [GAP], FailOn.ANY, False, 3),
        ([], [GAP], FailOn.ANY, True, 0),
        ([], [GAP], FailOn.NONE, False, 3),
        ([], [FAULT], FailOn.ANY, True, 3),
        ([Severity.LOW], [GAP, FAULT], FailOn.LOW, False, 1),
        ([Severity.LOW], [GAP], FailOn.HIGH, False, 3),
    ],
)
def test_exit_code(
    severities: list[Severity], problems: list[Problem], fail_on: FailOn, allow: bool, code: int
) -> None:
    decision = decide(found(*severities), problems, fail_on, allow_incomplete=allow)
    assert decision.exit_code == code
    assert decision.verdict == {0: "clean", 1: "failed", 3: "undecided"}[code]
    assert decision.reason
    assert set(problems) <= set(decision.problems), "an accepted gap is still told"


def test_findings_in_unpackaged_programs_count_only_where_the_gate_asks() -> None:
    program = finding("CVE-1", replace(package("node", "20"), evidence="node.js/v20"), Severity.HIGH)
    unrated = finding("CVE-2", program.package, Severity.UNKNOWN)
    for gate in (["any"], ["high"], ["fixable"], ["high", "critical"], ["critical,unpackaged"]):
        decision = decide([program], [], gate_of(gate))
        assert (decision.exit_code, decision.problems) == (0, ())
    assert decide([program, unrated], [], FailOn.HIGH).exit_code == 0
    reason = decide([program, unrated], [], FailOn.HIGH).reason
    assert reason == (
        "2 findings, none at the gate (high); 2 in unpackaged programs, which count only where the gate says unpackaged"
    )
    for gate in (["unpackaged"], ["critical", "high,unpackaged"]):
        assert decide([program], [], gate_of(gate)).exit_code == 1
    assert decide([unrated], [], gate_of(["high,unpackaged"])).exit_code == 3
    # The word asks for nothing else.
    assert decide(found(Severity.HIGH), [], gate_of(["unpackaged"])).exit_code == 0


def test_a_stricter_gate_never_passes_what_a_laxer_one_fails() -> None:
    order = [
        FailOn.NONE,
        FailOn.CRITICAL,
        FailOn.HIGH,
        FailOn.MEDIUM,
        FailOn.LOW,
        FailOn.NEGLIGIBLE,
        FailOn.ANY,
    ]
    for severities in itertools.combinations(Severity, 2):
        failed = [decide(found(*severities), [], gate).exit_code == 1 for gate in order]
        assert failed == sorted(failed)


ACCEPTED = Suppression("ignore", "accepted", "f")


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        ([], 1),
        (["high"], 1),
        (["fixable"], 1),
        (["critical"], 0),
        (["high,fixable"], 0),
        (["low, FIXABLE"], 1),
        (["critical", "low,fixable"], 1),
        (["critical", "medium,fixable"], 0),
        (["any,fixable"], 1),
        (["none"], 0),
    ],
)
def test_conditions_hold_together_and_options_are_alternatives(texts: list[str], code: int) -> None:
    findings = [
        finding("CVE-1-1", package("a", "1"), Severity.HIGH, fixed=None),
        finding("CVE-1-2", package("a", "1"), Severity.LOW, fixed="2"),
    ]
    assert decide(findings, [], gate_of(texts)).exit_code == code


@pytest.mark.parametrize(
    ("texts", "fixed", "code"),
    [
        (["high,fixable"], "2", 3),
        (["high,fixable"], None, 0),
        (["high", "fixable"], "2", 1),
        (["high", "fixable"], None, 3),
        (["fixable"], None, 0),
    ],
)
def test_an_unknown_severity_is_a_gap_where_it_would_decide(
    texts: list[str], fixed: str | None, code: int
) -> None:
    unrated = finding("CVE-1-1", package("a", "1"), Severity.UNKNOWN, fixed=fixed)
    assert decide([unrated], [], gate_of(texts)).exit_code == code


@pytest.mark.parametrize("gate", [FailOn.ANY, FailOn.HIGH, gate_of(["fixable"])])
def test_what_is_suppressed_does_not_count_and_is_counted(gate: FailOn | Gate) -> None:
    findings = [replace(one, suppression=ACCEPTED) for one in found(Severity.CRITICAL, Severity.UNKNOWN)]
    decision = decide(findings, [], gate)
    assert (decision.exit_code, decision.problems) == (0, ())
    assert decision.reason == "2 findings, all of them suppressed"
    assert decide(findings, [GAP], gate).reason.endswith("no-advisories; 2 suppressed")
    other = finding("CVE-2-1", package("b", "1"))
    failed = decide([*findings, other], [], gate)
    assert failed.exit_code == 1
    assert failed.reason.startswith("1 finding at ")
    assert failed.reason.endswith(": CVE-2-1; 2 suppressed")


def test_a_gap_names_what_it_leaves_open_and_no_more() -> None:
    unrated = finding("CVE-1-1", package("a", "1"), Severity.UNKNOWN, fixed=None)
    others = finding("CVE-1-2", package("b", "1"), Severity.LOW)
    strict, loose = gate_of(["critical", "high,fixable", "kev"], "here:1"), gate_of(["none"], "here:2")
    decision = decide(
        [unrated, others],
        [],
        strict,
        feeds={"kev": ""},
        of=lambda found: strict if found is unrated else loose,
    )
    (problem,) = decision.problems
    assert "(CVE-1-1): the gate critical, from here:1 cannot be decided for them" in problem.message


ENDED = {"": System("debian 9", True, "2022-06-30")}
ALIVE = {"": System("debian 12", False, "2028-06-30")}
UNKNOWN = {"": System("plan9 4", None)}


def age(new: bool | None) -> Finding:
    return replace(finding("CVE-1-1", package("a", "1")), new=new)


def of(origin: Origin) -> Finding:
    return finding("CVE-1-1", replace(package("a", "1"), origin=origin))


@pytest.mark.parametrize(
    ("found", "texts", "code", "problem"),
    [
        (age(True), ["new"], 1, ""),
        (age(False), ["new"], 0, ""),
        (age(None), ["new"], 3, "no-baseline"),
        (age(None), ["new", "high"], 1, ""),
        (age(None), ["new,critical"], 0, ""),
        (age(None), ["new", "critical"], 3, "no-baseline"),
        (of("app"), ["app"], 1, ""),
        (of("base"), ["app"], 0, ""),
        (of(""), ["app,high"], 3, "unknown-origin"),
        (of("base"), ["app,new"], 0, ""),
    ],
)
def test_what_nobody_can_decide_never_passes(
    found: Finding, texts: list[str], code: int, problem: str
) -> None:
    decision = decide([found], [], gate_of(texts), allow_incomplete=True)
    assert decision.exit_code == code
    assert [p.code for p in decision.problems] == [problem] * bool(problem)
    if problem:
        assert all(p.hint.count("--ba") == 1 and not p.coverage for p in decision.problems)
    assert decide([], [], gate_of(texts)).exit_code == 0


@pytest.mark.parametrize(
    ("systems", "texts", "code"),
    [
        (ENDED, ["eol"], 1),
        (ALIVE, ["eol"], 0),
        (UNKNOWN, ["eol"], 3),
        (ENDED, ["critical", "eol"], 1),
        (ENDED, ["critical,eol"], 0),
        (ALIVE, ["critical", "eol"], 0),
        (ENDED, ["high,eol"], 1),
        (ALIVE, ["high,eol"], 0),
        (UNKNOWN, ["high,eol"], 3),
        (UNKNOWN, ["high"], 1),
    ],
)
def test_the_end_of_life_is_the_images(systems: dict[str, System], texts: list[str], code: int) -> None:
    gate = gate_of(texts)
    assert decide(found(Severity.HIGH), [], gate, systems=systems).exit_code == code
    assert decide([], [], gate, systems=systems).exit_code == (code if "eol" in texts else 0)


def test_each_platform_has_a_distribution_of_its_own() -> None:
    arm = finding("CVE-1-2", replace(package("a", "1"), platform="linux/arm64"))
    systems = {"linux/amd64": ENDED[""], "linux/arm64": ALIVE[""]}
    assert decide([arm], [], gate_of(["high,eol"]), systems=systems).exit_code == 0
    decision = decide([arm], [], gate_of(["eol"]), systems=systems)
    assert decision.reason == "debian 9 has had no updates since 2022-06-30 (eol)"


def test_the_verdict_tells_what_was_met_and_where_it_is_written() -> None:
    gate = gate_of(["critical", "new,fixable", "eol"], ".secpipe.yaml:3")
    decision = decide([age(True)], [], gate, systems=ENDED)
    assert decision.reason == (
        "1 finding at the gate (fixable and new, from .secpipe.yaml:3): CVE-1-1; "
        "debian 9 has had no updates since 2022-06-30 (eol, from .secpipe.yaml:3)"
    )


_GATES = st.lists(
    st.lists(
        st.sampled_from(["any", "low", "high", "fixable", "new", "app", "eol"]),
        min_size=1,
        max_size=4,
        unique=True,
    ),
    min_size=1,
    max_size=3,
).filter(lambda gate: all(len(set(one) & {"any", "low", "high"}) < 2 for one in gate))


@given(_GATES, st.data())
def test_an_unknown_is_undecided_exactly_where_its_answer_counts(
    gate: list[list[str]], data: st.DataObject
) -> None:
    """Kleene's logic against trying both answers for all that is unknown."""
    asked = gate_of([",".join(one) for one in gate])
    severity = data.draw(st.sampled_from([Severity.UNKNOWN, Severity.LOW, Severity.CRITICAL]))
    new = data.draw(st.sampled_from([None, True, False]))
    origin: Origin = data.draw(st.sampled_from(["", "base", "app"]))
    origins: list[Origin] = [origin] if origin else ["base", "app"]
    unknown = replace(of(origin), severity=severity, new=new)
    codes = {
        decide(
            [replace(unknown, severity=s, new=n, package=replace(unknown.package, origin=o))],
            [],
            asked,
            systems=ALIVE,
        ).exit_code
        for s in ([severity] if severity else [Severity.NEGLIGIBLE, Severity.CRITICAL])
        for n in ([new] if new is not None else [True, False])
        for o in origins
    }
    code = decide([unknown], [], asked, systems=ALIVE).exit_code
    assert code == (3 if len(codes) > 1 else codes.pop())


def test_the_verdict_says_what_was_asked_and_what_met_it() -> None:
    findings = found(*[Severity.CRITICAL] * 4)
    assert decide(findings, [], gate_of(["high,fixable", "critical"])).reason == (
        "4 findings at the gate (high and fixable or critical): CVE-1-0, CVE-1-1, CVE-1-2 …"
    )


@pytest.mark.parametrize(
    ("texts", "message", "hint"),
    [
        (["hihg"], "--fail-on hihg: no such value", "did you mean high?"),
        (["high,fixible"], "--fail-on high,fixible: no such value 'fixible'", "did you mean fixable?"),
        (["xyz"], "--fail-on xyz: no such value", "use one of any"),
        (["none", "eol"], "--fail-on none: nothing can stand beside it", "leave out"),
        ([""], "--fail-on : no such value", "use one of any"),
        (["high,"], "--fail-on high,: no such value ''", "use one of any"),
        (["high,low"], "--fail-on high,low: these cannot hold together", "one severity"),
        (["none,fixable"], "--fail-on none,fixable: these cannot", "one severity"),
        (["none", "high"], "--fail-on none: nothing can stand beside it", "leave out"),
    ],
)
def test_a_gate_that_cannot_be_meant_is_a_usage_error(texts: list[str], message: str, hint: str) -> None:
    with pytest.raises(UsageError) as error:
        gate_of(texts)
    assert error.value.message.startswith(message)
    assert hint in error.value.hint


FRESH = {"kev": "", "epss": ""}
OLD = {"kev": "what is here is old", "epss": "what is here is old"}


@pytest.mark.parametrize(
    ("texts", "feeds", "code"),
    [
        (["kev"], FRESH, 1),
        (["kev"], OLD, 1),
        (["kev,critical"], FRESH, 0),
        (["kev,high"], FRESH, 1),
        (["kev,fixable"], FRESH, 0),
        (["kev,fixable"], OLD, 3),
        (["kev,fixable"], {}, 3),
        (["kev,critical"], {}, 0),
        (["epss:0.5"], FRESH, 1),
        (["epss:0.51"], FRESH, 0),
        (["epss:0"], FRESH, 1),
        (["EPSS : 0.5, low"], FRESH, 1),
        (["epss:0.5"], OLD, 3),
        (["epss:0.5"], {"kev": ""}, 3),
        (["epss:0.9", "high"], {}, 1),
        (["critical,epss:0.9"], {}, 0),
        (["kev,epss:0.4"], FRESH, 0),
        (["epss:0.4,epss:0.6"], FRESH, 0),
    ],
)
def test_what_is_exploited_is_known_from_a_feed_that_is_there_and_fresh(
    texts: list[str], feeds: dict[str, str], code: int
) -> None:
    findings = [
        replace(finding("CVE-1-1", package("a", "1"), Severity.HIGH, fixed=None), kev=True),
        replace(finding("CVE-1-2", package("a", "1"), Severity.LOW, fixed="2"), epss=0.5),
        finding("GHSA-1", package("a", "1"), Severity.MEDIUM, fixed="2"),
    ]
    decision = decide(findings, [], gate_of(texts), feeds=feeds)
    assert decision.exit_code == code
    problems = decision.problems
    assert all(p.hint.startswith("run: secpipe db update --") for p in problems)
    if code == 3:
        (problem,) = problems
        name = problem.code.removeprefix("unknown-")
        assert problem.message.endswith(f"({feeds.get(name, 'there is none beside the advisory database')})")
        assert decide(findings, [], gate_of(texts), feeds=feeds, allow_incomplete=True).exit_code == 0


def test_the_verdict_tells_the_probability_that_was_asked_for() -> None:
    likely = replace(finding("CVE-1-2", package("a", "1"), Severity.LOW), epss=0.5)
    assert decide([likely], [], gate_of(["low,epss:.10"]), feeds=FRESH).reason == (
        "1 finding at the gate (low and epss:0.1): CVE-1-2"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epss", "--fail-on epss: epss needs a probability"),
        ("epss:", "--fail-on epss:: epss needs a probability"),
        ("epss:high", "--fail-on epss:high: 'high' is no probability"),
        ("epss:50%", "--fail-on epss:50%: '50%' is no probability"),
        ("epss:1.1", "--fail-on epss:1.1: '1.1' is no probability"),
        ("epss:nan", "--fail-on epss:nan: 'nan' is no probability"),
        ("none,kev", "--fail-on none,kev: these cannot hold together"),
        ("none,epss:0.1", "--fail-on none,epss:0.1: these cannot hold together"),
        ("kve", "--fail-on kve: no such value"),
    ],
)
def test_a_probability_that_is_none_is_a_usage_error(text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        gate_of([text])
    assert error.value.message == message
    assert error.value.hint


def test_a_gate_tells_which_feeds_it_needs() -> None:
    assert feeds_of(gate_of(["kev,high", "epss:0.5"])) == {"kev", "epss"}
    assert feeds_of(gate_of(["high"])) == feeds_of(FailOn.HIGH) == frozenset()


@pytest.mark.parametrize(
    ("term", "failing"),
    [
        ("clair:Unknown", ["CRITICAL", "HIGH", "NEGLIGIBLE", "UNKNOWN"]),
        ("clair:negligible", ["CRITICAL", "HIGH", "NEGLIGIBLE"]),
        ("clair:High", ["CRITICAL", "HIGH"]),
        ("clair:Critical", ["CRITICAL"]),
    ],
)
def test_the_threshold_of_clair_scanner(term: str, failing: list[str]) -> None:
    """By its ranks: Critical 2, High 3, Medium 4, Low 5, Negligible 6, Unknown 7; what ranks behind `-t` is approved."""
    for severity in (Severity.CRITICAL, Severity.HIGH, Severity.NEGLIGIBLE, Severity.UNKNOWN):
        found = decide([finding("CVE-1", package("a", "1"), severity)], [], gate_of([term]))
        assert (found.exit_code, found.problems) == (int(severity.name in failing), ())


def test_what_clair_scanner_alone_knows() -> None:
    with pytest.raises(
        UsageError, match=r"--fail-on clair:Defcon1: clair-scanner's 'defcon1' is no severity here"
    ):
        gate_of(["clair:Defcon1"])
    assert str(gate_of(["clair:high,fixable"])[0]) == "clair:high and fixable"
    assert gate_of(["clair:unknown"]) == gate_of(["any"])
