"""Writes docs/rules from rules/: `python scripts/rules.py [FOLDER]`, or `make docs`. A test fails when it is stale."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from secpipe.lint.rules import known_codes
from secpipe.pipeline.rules import Page, page

TARGET = Path(__file__).parents[1] / "docs" / "rules"
_FAMILIES = {
    "DL": "hadolint's, with its codes and levels.",
    "SP": "Our own.",
}
_FIXES = {"safe": "`--fix`", "unsafe": "`--fix --unsafe-fixes`", "no": ""}


def contents() -> dict[str, str]:
    """Every file of the folder by name."""
    pages = [page(code) for code in known_codes()]
    files = {f"{each.rule.code}.md": "\n".join(_page(each)) + "\n" for each in pages}
    return {"README.md": "\n".join(_index(pages)) + "\n", **files}


def _index(pages: list[Page]) -> Iterator[str]:
    yield "<!-- Written by `make docs` from rules/; edit there. -->"
    yield ""
    yield "# The rules of `secpipe lint`"
    yield ""
    yield "`secpipe rules` lists them, `secpipe rules CODE` shows one. The shell in RUN is checked by ShellCheck, whose"
    yield "rules (SC…) are in [its wiki](https://www.shellcheck.net/wiki/)."
    for family, title in _FAMILIES.items():
        yield from (
            "",
            f"## {family}",
            "",
            title,
            "",
            "| code | level | | what to do | fixed by |",
            "|---|---|---|---|---|",
        )
        for each in pages:
            rule = each.rule
            if rule.code.startswith(family):
                state = "" if rule.enabled else "off by itself"
                cells = (f"[{rule.code}]({rule.code}.md)", str(rule.level), state, _cell(rule.summary))
                yield f"| {' | '.join((*cells, _FIXES[each.fixable]))} |"


def _page(each: Page) -> Iterator[str]:
    rule = each.rule
    assert each.bad is not None
    assert each.good is not None
    yield f"<!-- Written by `make docs` from rules/{rule.code}.yaml; edit there. -->"
    yield ""
    yield f"# {rule.code}: {_text(rule.summary)}"
    yield ""
    facts = [f"`{rule.name}`", str(rule.level), "on by itself" if rule.enabled else "off by itself"]
    if each.fixable != "no":
        facts.append(f"fixed by {_FIXES[each.fixable]}")
    yield " · ".join(facts)
    yield from ("", "## Why", "", _text(rule.rationale))
    yield from ("", "## Instead", "", _text(rule.remedy))
    yield from ("", "## Examples")
    if each.settings:
        import yaml

        yield from (
            "",
            "With these settings:",
            "",
            *_block("yaml", yaml.safe_dump(each.settings, sort_keys=True)),
        )
    yield from ("", f"Bad, {_places(each)}:", "", *_block("dockerfile", each.bad.dockerfile))
    if each.bad.fixed is not None:
        yield from ("", "Fixed:", "", *_block("dockerfile", each.bad.fixed))
    yield from ("", "Good:", "", *_block("dockerfile", each.good))
    yield from ("", "## To leave it out", "")
    yield f"In one place, with a comment above it: `# secpipe ignore={rule.code}` and the reason."
    yield f"Everywhere: `--ignore {rule.code}`."
    if each.references:
        yield from ("", "## See also", "", *(f"- <{link}>" for link in each.references))


def _places(each: Page) -> str:
    assert each.bad is not None
    places = list(dict.fromkeys(f"{region.line}:{region.column}" for region in each.bad.regions))
    return f"found at {' and '.join(filter(None, [', '.join(places[:-1]), places[-1]]))}"


def _block(language: str, text: str) -> Iterator[str]:
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    yield fence + language
    yield from text.rstrip("\n").split("\n")
    yield fence


def _text(text: str) -> str:
    """Text whose only markup is code in backticks, as Markdown."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(
        part if part.startswith("`") else re.sub(r"([\\<>*_\[\]])", r"\\\1", part) for part in parts
    )


def _cell(text: str) -> str:
    return _text(text).replace("|", "\\|")


def main(folder: Path) -> None:
    """Write every page, and remove those of rules that are no more."""
    files = contents()
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.md"):
        if stale.name not in files:
            stale.unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET)
