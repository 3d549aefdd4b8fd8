"""Bash text to simple commands, by tree-sitter-bash.

A query finds the nodes (in C, without recursion, so depth costs nothing). What the grammar gets wrong is mended here:
words behind a redirection, heredocs (taken out first), and the text next to a syntax error.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING

from secpipe.dockerfile.ast import Word
from secpipe.dockerfile.bashheredoc import Body, take_heredocs
from secpipe.dockerfile.joined import Joined, join

if TYPE_CHECKING:
    from tree_sitter import Language, Node, Parser, Query

Words = tuple[Word, ...]

_MAX_NESTING = 4
"""Scripts within scripts (`sh -c "sh -c …"`)."""
_QUERY = """
[(command) (declaration_command) (unset_command)] @command
(pipeline) @pipeline
(file_redirect) @redirect
(ERROR) @error
"""
_SPECIAL = re.compile(rb"[\\'\"$`]")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED_IN_QUOTES = re.compile(r'\\(["\\$`\n])')
_ANSI = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "v": "\v"}
_SHELLS = frozenset({"sh", "bash", "ash", "dash", "zsh", "ksh", "mksh"})
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_VALUED: dict[str, frozenset[str]] = {
    "exec": frozenset({"-a"}),
    "env": frozenset({"-u", "--unset", "-C", "--chdir", "-S", "--split-string"}),
    "sudo": frozenset({"-C", "-D", "-g", "-h", "-p", "-R", "-r", "-T", "-t", "-U", "-u"})
    | frozenset({"--user", "--group", "--host", "--prompt", "--chdir", "--chroot"}),
}
_TRANSPARENT = frozenset({"builtin", "busybox", "command", "env", "exec", "nohup", "time"})


@dataclass(frozen=True, slots=True)
class Parsed:
    """Commands as words, name first, and pipelines, both in source order; `complete`: without a syntax error."""

    commands: tuple[Words, ...]
    pipelines: tuple[tuple[int, int], ...]
    complete: bool


def is_shell(program: str) -> bool:
    """Whether a program, by name or path, is a shell of the Bourne family."""
    return program.rpartition("/")[2] in _SHELLS


def script_argument(words: Sequence[Word]) -> int:
    """The index of the script in `sh -c script`, 0 when the words are no such command."""
    if not words or not is_shell(words[0].value):
        return 0
    found, skip = False, False
    for index, word in enumerate(words[1:], 1):
        value = word.value
        if skip:
            skip = False
        elif value[:1] in ("-", "+") and len(value) > 1 and value != "--":
            found = found or (value[0] == "-" and value[1] != "-" and "c" in value)
            skip = value[1] != "-" and value[-1] in "oO"
        elif value != "--":
            return index if found else 0
    return 0


def parse(text: Joined, nesting: int = 0) -> Parsed:
    """The commands of a text. Never raises."""
    bodies: tuple[Body, ...] = ()
    if "<<" in text.text:
        text, bodies = take_heredocs(text)
    tree = _Tree(text)
    found: list[Words] = []
    scripts: list[Joined] = []
    for command in tree.commands():
        words = tree.words(command)
        for index in _command_starts(words):
            found.append(words[index:])
            inner = script_argument(words[index:])
            script = tree.literal(command.nodes[index + inner]) if inner else None
            if script:
                scripts.append(script)
    scripts += [body.text for body in bodies if _reads_script(found, body)]
    complete = not tree.has_error
    for script in scripts if nesting < _MAX_NESTING else ():
        parsed = parse(script, nesting + 1)
        found += parsed.commands
        complete = complete and parsed.complete
    # What stands in `sh -c "$(x)"` is found twice.
    unique = {(words[0].start, words[-1].end, words[0].value): words for words in found}
    return Parsed(tuple(unique[key] for key in sorted(unique)), tree.pipelines(), complete)


@dataclass(frozen=True, slots=True)
class _Command:
    """The nodes of a command, name first."""

    nodes: tuple[Node, ...]


class _Tree:
    """One parsed text."""

    def __init__(self, text: Joined) -> None:
        self.text = text
        self.data = text.text.encode("utf-8", "replace")
        root = _parser().parse(self.data).root_node
        self.has_error: bool = root.has_error
        self._found = _captures(root)
        # Byte offsets are character offsets as long as everything is ASCII.
        self._at: list[int] | None = None
        if len(self.data) != len(text.text):
            widths = (len(char.encode("utf-8", "replace")) for char in text.text)
            self._at = [i for i, width in enumerate(widths) for _ in range(width)] + [len(text.text)]

    def commands(self) -> list[_Command]:
        """The commands outside of syntax errors."""
        errors = _Errors(self._found.get("error", ()), self.data) if self.has_error else None
        tails = self._words_behind_redirections()
        commands = []
        for node in self._found.get("command", ()):
            if node.type == "command":
                name = node.child_by_field_name("name")
                nodes = (name, *node.children_by_field_name("argument")) if name else ()
            else:
                nodes = tuple(node.children)
            if nodes and nodes[0].end_byte > nodes[0].start_byte and not (errors and errors.touch(node)):
                commands.append(_Command(nodes + tails.get(node.id, ())))
        return commands

    def words(self, command: _Command) -> Words:
        """Name and arguments as words."""
        return tuple(self._word(node) for node in command.nodes)

    def literal(self, node: Node) -> Joined | None:
        """The text of one argument as a script of its own, None when it is put together."""
        kind = node.type
        start, end = self._char(node.start_byte), self._char(node.end_byte)
        if kind == "raw_string":
            return self.text.slice(start + 1, end - 1)
        if kind == "string":
            pieces: list[tuple[int, str]] = []
            at = start + 1
            for match in _ESCAPED_IN_QUOTES.finditer(self.text.text, at, end - 1):
                pieces += self.text.slice(at, match.start()).pieces()
                at = match.start(1)
            return join((*pieces, *self.text.slice(at, end - 1).pieces()))
        return self.text.slice(start, end) if kind == "word" else None

    def pipelines(self) -> tuple[tuple[int, int], ...]:
        """The places of the pipelines of two or more commands, in the file."""
        spans = {
            (self.text.start(self._char(node.start_byte)), self.text.end(self._char(node.end_byte)))
            for node in self._found.get("pipeline", ())
        }
        return tuple(sorted(spans))

    def _words_behind_redirections(self) -> dict[int, tuple[Node, ...]]:
        """In `a >x b` the grammar takes b for a second target of the redirection: such words, by the id of `a`'s node."""
        tails: dict[int, tuple[Node, ...]] = {}
        for node in self._found.get("redirect", ()):
            behind = node.children_by_field_name("destination")[1:]
            statement = node.parent if behind else None
            body = statement.child_by_field_name("body") if statement else None
            if body:
                tails[body.id] = tails.get(body.id, ()) + tuple(behind)
        return tails

    def _char(self, byte: int) -> int:
        return byte if self._at is None else self._at[byte]

    def _word(self, node: Node) -> Word:
        start, end = node.start_byte, node.end_byte
        value = self._value(node) if _SPECIAL.search(self.data, start, end) else None
        return self.text.word(self._char(start), self._char(end), value)

    def _value(self, node: Node) -> str:
        """The node's text without quotes and escapes."""
        kind = node.type
        text = self.data[node.start_byte : node.end_byte].decode("utf-8", "replace")
        if kind == "word":
            return _ESCAPED.sub(r"\1", text)
        if kind == "raw_string":
            return text[1:-1]
        if kind == "string":
            return _ESCAPED_IN_QUOTES.sub(r"\1", text[1:-1])
        if kind == "translated_string":
            return _ESCAPED_IN_QUOTES.sub(r"\1", text[2:-1])
        if kind == "ansi_c_string":
            return _ESCAPED.sub(lambda m: _ANSI.get(m[1], m[1]), text[2:-1])
        if kind in ("command_name", "concatenation", "variable_assignment"):
            return self._joined_children(node)
        return text

    def _joined_children(self, node: Node) -> str:
        parts, at = [], node.start_byte
        for child in node.children:
            parts.append(self.data[at : child.start_byte].decode("utf-8", "replace"))
            parts.append(self._value(child))
            at = child.end_byte
        return "".join(parts) + self.data[at : node.end_byte].decode("utf-8", "replace")


class _Errors:
    """The stretches of a text that are no bash."""

    def __init__(self, nodes: Iterable[Node], data: bytes) -> None:
        spans = sorted((node.start_byte, node.end_byte) for node in nodes)
        self._starts = [start for start, _ in spans]
        # The furthest end of this and all before it, for errors nest.
        self._ends = list(accumulate((end for _, end in spans), max))
        self._data = data

    def touch(self, node: Node) -> bool:
        """Whether a command is within an error, has one within, or ends where one begins (its last words may be lost)."""
        before = bisect_right(self._starts, node.start_byte)
        if before and self._ends[before - 1] >= node.end_byte:
            return True
        if before == len(self._starts):
            return False
        start = self._starts[before]
        return start < node.end_byte or not self._data[node.end_byte : start].strip()


def _command_starts(words: Words) -> list[int]:
    """Where the commands begin in a list of words: behind wrappers, and behind sudo as well as at it."""
    starts, at = [], 0
    while at < len(words):
        name = words[at].value
        inner = _behind_wrapper(words, at) if name in _TRANSPARENT or name == "sudo" else 0
        if name == "sudo" or not inner:
            starts.append(at)
        if not inner:
            break
        at = inner
    return starts


def _behind_wrapper(words: Words, at: int) -> int:
    """The index of the command that `env`, `exec` and their like run, 0 when they run none."""
    name = words[at].value
    valued = _VALUED.get(name, frozenset())
    index = at + 1
    while index < len(words):
        value = words[index].value
        if value == "--":
            index += 1
            break
        if value in valued:
            index += 2
        elif value.startswith("-") and (name == "busybox" or (name == "command" and "v" in value.lower())):
            # Both only tell what there is to run.
            return 0
        elif value.startswith("-") or (name in ("env", "sudo") and _ASSIGNMENT.match(value)):
            index += 1
        else:
            break
    return index if index < len(words) else 0


def _reads_script(commands: Sequence[Words], body: Body) -> bool:
    """Whether the command that a heredoc is given to is a shell that reads its script from there."""
    owner = _owner(commands, body)
    if not owner or not is_shell(owner[0].value):
        return False
    options = [w.value for w in owner[1:]]
    script = script_argument(owner)
    plain = [v for v in options if v[:1] not in ("-", "+") or v == "-"]
    skipped = sum(1 for v in options if v[:1] in "-+" and v[1:2] != "-" and v[-1:] in ("o", "O"))
    return not script and (len(plain) - skipped <= 0 or plain[:1] == ["-"] or any(_is_s(v) for v in options))


def _is_s(option: str) -> bool:
    return option[:1] == "-" and option[1:2] != "-" and "s" in option


def _owner(commands: Sequence[Words], body: Body) -> Words | None:
    """The command that a heredoc's marker belongs to: the nearest before it, or else the one that follows."""
    before = [words for words in commands if words[0].start < body.marker]
    behind = [words for words in commands if words[0].start > body.marker]
    if before and not body.leads:
        return max(before, key=lambda words: words[0].start)
    return min(behind, key=lambda words: words[0].start, default=None)


@cache
def _parser() -> Parser:
    from tree_sitter import Parser

    return Parser(_language())


@cache
def _language() -> Language:
    import tree_sitter_bash
    from tree_sitter import Language

    return Language(tree_sitter_bash.language())


@cache
def _query() -> Query:
    from tree_sitter import Query

    return Query(_language(), _QUERY)


def _captures(root: Node) -> dict[str, list[Node]]:
    from tree_sitter import QueryCursor

    return QueryCursor(_query()).captures(root)
