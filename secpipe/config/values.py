"""What a value of the configuration may be: the same readers for files, variables and options.

A reader takes a node and gives the value, or raises `UsageError` that names the place, what is wrong and what was meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from secpipe.documents.node import Node
from secpipe.errors import UsageError
from secpipe.lint.options import LABEL_TYPES, PRESETS
from secpipe.lint.rules import is_known, known_codes, nearest
from secpipe.model.severity import Level

TRUE = frozenset({"1", "y", "yes", "on", "true"})
FALSE = frozenset({"0", "n", "no", "off", "false"})
LEVELS = {str(level): level for level in sorted(Level, reverse=True)}
THRESHOLDS = LEVELS | {"none": Level.IGNORE}
SHELLCHECK = ("auto", "on", "off")


def text(node: Node) -> str:
    """A scalar as it is spelt, not empty."""
    if isinstance(node.value, tuple | Mapping) or node.value is None:
        raise wrong_type(node, "one value")
    if not node.text.strip():
        raise UsageError(f"{node.where}: an empty value", "give a value, or remove the key")
    return node.text.strip()


def boolean(node: Node) -> bool:
    """True or false, in any of the usual words."""
    word = "" if isinstance(node.value, tuple | Mapping) else node.text.strip().lower()
    if word not in TRUE | FALSE:
        raise wrong_type(node, "true or false")
    return word in TRUE


def count(node: Node) -> int:
    """A whole number from 1 on."""
    word = "" if isinstance(node.value, bool | tuple | Mapping) else node.text.strip()
    if not (word.isdecimal() and len(word) < 7 and int(word)):
        raise wrong_type(node, "a whole number from 1 on")
    return int(word)


def number(node: Node) -> int:
    """A whole number from 0 on."""
    word = "" if isinstance(node.value, bool | tuple | Mapping) else node.text.strip()
    if not (word.isdecimal() and len(word) < 7):
        raise wrong_type(node, "a whole number from 0 on")
    return int(word)


def items(node: Node) -> tuple[Node, ...]:
    """The items of a list; one value stands for a list of it."""
    if isinstance(node.value, tuple):
        return node.value
    if isinstance(node.value, Mapping) or node.value is None:
        raise wrong_type(node, "a list")
    return (node,)


def entries(node: Node) -> Mapping[str, Node]:
    """The entries of a mapping."""
    if not isinstance(node.value, Mapping):
        raise wrong_type(node, "a mapping")
    return node.value


def texts(node: Node) -> tuple[str, ...]:
    """A list of texts, in order, each once."""
    return tuple(dict.fromkeys(text(item) for item in items(node)))


def choice(node: Node, known: Iterable[str], what: str) -> str:
    """One of the known words, in any case."""
    word, known = text(node).lower(), list(known)
    if word not in known:
        raise UsageError(
            f"{node.where}: {text(node)!r} is no {what}",
            near(word, known) or f"use one of {', '.join(known)}",
        )
    return word


def threshold(node: Node) -> Level:
    """The level of a failure threshold."""
    return THRESHOLDS[choice(node, THRESHOLDS, "level")]


def shellcheck(node: Node) -> str:
    """When ShellCheck runs; YAML's on and off, and what they are in TOML."""
    if isinstance(node.value, bool):
        return "on" if node.value else "off"
    return choice(node, SHELLCHECK, "use of ShellCheck")


def code(node: Node) -> str:
    """The code of a rule."""
    word = text(node).upper()
    if not is_known(word):
        raise _unknown_code(node, word)
    return word


def ignored(node: Node) -> str:
    """The code of a rule, or how some begin."""
    word = text(node).upper()
    if not _begins_any(word):
        raise _unknown_code(node, word)
    return word


def selected(node: Node) -> str:
    """A preset, the code of a rule, or how some begin."""
    word = text(node).lower()
    if word in PRESETS:
        return word
    if not _begins_any(word.upper()) and (preset := near(word, PRESETS)):
        raise UsageError(f"{node.where}: {text(node)!r} is no rule and no preset", preset)
    return ignored(node)


def codes(read: Callable[[Node], str]) -> Callable[[Node], frozenset[str]]:
    """A reader of lists of what `read` reads."""
    return lambda node: frozenset(read(item) for item in items(node))


def selection(node: Node) -> frozenset[str]:
    """What is selected; a lint of no rule at all would find every file clean."""
    found = codes(selected)(node)
    if not found:
        raise UsageError(f"{node.where}: this selects no rule", "name a rule, or default")
    return found


def format_of(node: Node) -> str:
    """A format for the report of a lint."""
    from secpipe.report import check

    name = text(node)
    try:
        return check(name, "lint")
    except UsageError as error:
        raise UsageError(f"{node.where}: {error.message}", error.hint) from error


def levels(node: Node) -> dict[str, Level]:
    """Codes and the levels that they get."""
    found = {}
    for name, level in entries(node).items():
        known = code(Node(name, name, level.where))
        found[known] = LEVELS[choice(level, LEVELS, "level")]
    return found


def label_schema(node: Node) -> dict[str, str]:
    """Labels and the types of their values."""
    return {name: choice(kind, LABEL_TYPES, "type of a label") for name, kind in entries(node).items()}


def wrong_type(node: Node, wanted: str) -> UsageError:
    """The error for a value of another kind."""
    found = (
        "a list"
        if isinstance(node.value, tuple)
        else "a mapping"
        if isinstance(node.value, Mapping)
        else "nothing"
        if node.value is None
        else repr(node.text)
    )
    return UsageError(f"{node.where}: {found} instead of {wanted}", f"give {wanted}")


def near(word: str, known: Iterable[str]) -> str:
    """The question whether the nearest known word is meant, '' when none is near."""
    from difflib import get_close_matches

    found = get_close_matches(word, list(known), 1)
    return f"did you mean {found[0]}?" if found else ""


def _begins_any(word: str) -> bool:
    """Whether a rule's code begins so; ShellCheck's are not listed anywhere."""
    if is_known(word):
        return True
    shellcheck = word[:2] == "SC" and len(word) <= 6 and (word[2:] or "0").isdecimal()
    return len(word) >= 2 and (shellcheck or any(known.startswith(word) for known in known_codes()))


def _unknown_code(node: Node, word: str) -> UsageError:
    found = nearest(word)
    return UsageError(
        f"{node.where}: {word} is no rule",
        f"did you mean {found}?" if found else "codes look like DL3008 or SC2086",
    )
