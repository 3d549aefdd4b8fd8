"""Bash text to simple commands, by tree-sitter-bash where it is more than commands in a row.

What the grammar gets wrong is mended here:
words behind a redirection, heredocs (taken out first), a few ways to write, and the text next to a syntax error.
It sees ASCII alone, so that a byte of its tree is a character of the text.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from time import process_time
from typing import TYPE_CHECKING

from secpipe.dockerfile import plainshell
from secpipe.dockerfile.ast import Word
from secpipe.dockerfile.joined import Joined, join
from secpipe.dockerfile.wrappers import Words, command_starts, reads_script, script_argument
from secpipe.model.limits import Limits
from secpipe.model.named import NamedTuple
from secpipe.model.pattern import lazy

if TYPE_CHECKING:
    from types import ModuleType

    from tree_sitter import Language, Node, Parser

    from secpipe.dockerfile.bashheredoc import Body

_DEPTH, _ERRORS = "script-depth", "script-error-bytes"
_LIMITS = Limits()
_CHUNK = 1 << 16
"""Bytes handed over at a time to the parser when it is watched."""
_SECONDS_A_BYTE = 5e-6
"""Time after which a long text is read in parts, whose size bounds the time; one without errors takes a tenth or less."""
_PARTS, _LEAST_PART = 16, 256
"""How many parts as many bytes are read in as may be read in one, and how small parts may get."""
_SPECIAL = lazy(r"[\\'\"$`]")
_BEYOND_ASCII = lazy(r"[^\x00-\x7f]")
_STAND_IN = "\x7f"
"""What is read in place of a character beyond ASCII: neither letter nor blank nor sign, as all of them are to bash.

The grammar's scanner asks the C library about them: the answer depends on the locale, and is read from beyond the end
of a table where it calls `isdigit` (0.25.1, behind `{`), which crashes now and then.
"""
_ESCAPED = lazy(r"\\(.)", re.DOTALL)
_ESCAPED_IN_QUOTES = lazy(r'\\(["\\$`\n])')
_ANSI = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "v": "\v"}


class Parsed(NamedTuple):
    """Commands as words, name first, and pipelines, both in source order; `complete`: without a syntax error.

    `limit` is the name of the bound that kept a part from being read, '' for none. `fed` are the heredocs that a shell
    reads as its script: where they start and end, and that shell.
    """

    commands: tuple[Words, ...]
    pipelines: tuple[tuple[int, int], ...]
    complete: bool
    limit: str = ""
    fed: tuple[tuple[int, int, Words], ...] = ()


def parse(text: Joined, limits: Limits = _LIMITS, depth: int = 0) -> Parsed:
    """The commands of a text that stands `depth` scripts and substitutions deep. Never raises."""
    if depth > limits.script_depth:
        return Parsed((), (), False, _DEPTH)
    if plain := plainshell.read(text):
        return Parsed(plain.commands, plain.pipelines, True)
    bodies: tuple[Body, ...] = ()
    if "<<" in text.text:
        # Few texts have heredocs, and its expression takes its time to compile.
        from secpipe.dockerfile.bashheredoc import take_heredocs

        text, bodies = take_heredocs(text)
    trees, limit = _trees(text, limits, depth)
    found: list[Words] = []
    scripts: list[tuple[Joined, int]] = []
    for tree in trees:
        for nodes, inside in tree.commands():
            words = tree.words(nodes)
            for index in command_starts(words):
                found.append(words[index:])
                inner = script_argument(words[index:])
                script = tree.literal(nodes, words[index + inner]) if inner else None
                if script:
                    scripts.append((script, inside))
    found.sort(key=_place)
    fed: list[tuple[int, int, Words]] = []
    for body in bodies:
        owner = _owner(found, body)
        if reads_script(owner):
            scripts.append((body.text, depth))
            fed.append((body.text.start(0), body.text.end(len(body.text.text)), owner))
    complete = not limit and not any(tree.has_error for tree in trees)
    pipelines = {place for tree in trees for place in tree.pipelines()}
    limit = limit or next((tree.limit for tree in trees if tree.limit), "")
    for script, inside in scripts:
        parsed = parse(script, limits, inside + 1)
        found += parsed.commands
        complete = complete and parsed.complete
        limit = limit or parsed.limit
        pipelines |= set(parsed.pipelines)
        fed += parsed.fed
    if scripts:
        # What stands in `sh -c "$(x)"` is found twice.
        found = sorted({_place(words): words for words in found}.values(), key=_place)
    return Parsed(tuple(found), tuple(sorted(pipelines)), complete, limit, tuple(fed))


def _place(words: Words) -> tuple[int, int, str]:
    return words[0].start, words[-1].end, words[0].value


def _owner(commands: Sequence[Words], body: Body) -> Words:
    """The command that a heredoc's marker belongs to: the nearest before it, or else the one that follows."""
    index = bisect_right(commands, body.marker, key=lambda words: words[0].start)
    if index and not body.leads:
        return commands[index - 1]
    return commands[index] if index < len(commands) else ()


def _trees(text: Joined, limits: Limits, depth: int) -> tuple[list[_Tree], str]:
    """The tree of a text; or the trees of its parts, when errors make the parser slow, and the bound that one reached.

    The time to recover from errors can grow with the square of what is passed over.
    """
    data = _ascii(text.text)
    root, error = _root(data, limits)
    if root:
        return [_Tree(text, data, root, limits, depth)], ""
    trees: list[_Tree] = []
    size, limit = max(limits.script_error_bytes // _PARTS, _LEAST_PART), ""
    at, end = 0, _boundary(text.text, 0, error)
    while at < len(text.text):
        if end < 0:
            end = len(text.text) if len(text.text) - at <= size else _boundary(text.text, at, at + size)
        part = None
        if end >= 0:
            part = text.slice(at, end)
            data = _ascii(part.text)
            root, _ = _root(data, limits)
            if root:
                trees.append(_Tree(part, data, root, limits, depth))
        if part is None or not root:
            # Nothing here says where a command may end.
            limit, end = _ERRORS, text.text.find("\n", max(at, end)) + 1 or len(text.text)
        at, end = end, -1
    return trees, limit


def _ascii(text: str) -> bytes:
    return (text if text.isascii() else _BEYOND_ASCII.sub(_STAND_IN, text)).encode("ascii")


def _boundary(text: str, start: int, end: int) -> int:
    """The last place between two at which one command ends and another begins, as far as signs tell; -1 for none."""
    for sign in ("\n", ";", "&&", "||", "|"):
        place = text.rfind(sign, start, end)
        if place >= 0:
            return place + len(sign)
    return -1


class _Tree:
    """One parsed text: its commands (name node first), its pipelines, and where it is no bash."""

    def __init__(self, text: Joined, data: bytes, root: Node, limits: Limits, depth: int) -> None:
        self.text = text
        self.data = data
        self.limit = ""
        self._limits = limits
        if root.has_error:
            root = _mended(data, root, limits)
        self.has_error: bool = root.has_error
        self._commands: list[tuple[Node, list[Node], int]] = []
        self._pipelines: list[Node] = []
        self._tails: dict[int, list[Node]] = {}
        self._errors: list[int] = []
        self._walk(root, depth)

    def _walk(self, root: Node, depth: int) -> None:
        """Find what is asked for, outside of errors. No recursion, and no query: both suffer from hostile texts."""
        waiting = [(root, depth)]
        while waiting:
            node, depth = waiting.pop()
            kind = node.type
            children = node.children
            if kind == "command":
                self._commands.append((node, _name_and_arguments(children), depth))
            elif kind in ("declaration_command", "unset_command"):
                self._commands.append((node, children, depth))
            elif kind == "pipeline":
                self._pipelines.append(node)
            elif kind == "redirected_statement":
                self._take_words_behind(children)
            elif kind in ("command_substitution", "process_substitution"):
                depth += 1
                # Every one is part of the words around it, so depth costs memory.
                if depth > self._limits.script_depth:
                    self.has_error, self.limit = True, _DEPTH
                    continue
            for child in children:
                if self.has_error and child.type == "ERROR":
                    self._errors.append(child.start_byte)
                elif child.child_count:
                    waiting.append((child, depth))
        self._errors.sort()

    def _take_words_behind(self, children: list[Node]) -> None:
        """In `a >x b` the grammar takes b for a second target of the redirection."""
        for child in children[1:]:
            if child.type == "file_redirect" and child.child_count > 2:
                behind = child.children_by_field_name("destination")[1:]
                self._tails.setdefault(children[0].id, []).extend(behind)

    def commands(self) -> Iterator[tuple[list[Node], int]]:
        """The nodes of the commands outside of syntax errors, name first, and how deep they stand."""
        for node, nodes, depth in self._commands:
            if (
                nodes
                and nodes[0].end_byte > nodes[0].start_byte
                and not (self.has_error and self._broken(node))
            ):
                yield nodes + self._tails.get(node.id, []), depth

    def _broken(self, node: Node) -> bool:
        """Whether there is an error within a command, or right behind it, so that its last words may be lost."""
        end = node.end_byte
        index = bisect_left(self._errors, end)
        next_to = index < len(self._errors) and not self.data[end : self._errors[index]].strip()
        return next_to or node.has_error

    def words(self, nodes: Iterable[Node]) -> Words:
        """Nodes as words; nodes without a blank between them are one (the grammar splits `a-$B.c` now and then)."""
        words: list[Word] = []
        last = -1
        for node in nodes:
            start, end = node.start_byte, node.end_byte
            value = self._value(node) if _SPECIAL.search(self.text.text, start, end) else None
            word = self.text.word(start, end, value)
            if start == last:
                word = Word(words[-1].value + word.value, words.pop().start, word.end)
            words.append(word)
            last = end
        return tuple(words)

    def literal(self, nodes: Iterable[Node], word: Word) -> Joined | None:
        """The text of a word of a command as a script of its own, None when the word is put together."""
        for node in nodes:
            start, end = node.start_byte, node.end_byte
            if (self.text.start(start), self.text.end(end)) == (word.start, word.end):
                return self._literal(node.type, start, end)
        return None

    def _literal(self, kind: str, start: int, end: int) -> Joined | None:
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

    def pipelines(self) -> set[tuple[int, int]]:
        """The places of the pipelines of two or more commands, in the file."""
        return {(self.text.start(node.start_byte), self.text.end(node.end_byte)) for node in self._pipelines}

    def _value(self, node: Node) -> str:
        """The node's text without quotes and escapes."""
        kind = node.type
        text = self.text.text[node.start_byte : node.end_byte]
        if kind == "word":
            return _ESCAPED.sub(r"\1", text)
        if kind == "raw_string":
            return text[1:-1]
        if kind == "string":
            return _ESCAPED_IN_QUOTES.sub(r"\1", text[1:-1])
        if kind == "ansi_c_string":
            return _ESCAPED.sub(lambda m: _ANSI.get(m[1], m[1]), text[2:-1])
        if kind in ("command_name", "concatenation", "variable_assignment"):
            return self._joined_children(node)
        return text

    def _joined_children(self, node: Node) -> str:
        parts, at = [], node.start_byte
        for child in node.children:
            parts.append(self.text.text[at : child.start_byte])
            parts.append(self._value(child))
            at = child.end_byte
        return "".join(parts) + self.text.text[at : node.end_byte]


def _name_and_arguments(children: list[Node]) -> list[Node]:
    """What is left of a command without the assignments before it and the redirections."""
    found: list[Node] = []
    for child in children:
        kind = child.type
        if kind == "command_name" or (found and not kind.endswith("_redirect")):
            found.append(child)
    return found


def _root(data: bytes, limits: Limits) -> tuple[Node | None, int]:
    """The tree of a text; None when it has too long an error, and the place up to which it had none."""
    size = limits.script_error_bytes
    if len(data) <= size:
        return _parser().parse(data).root_node, 0
    error = 0
    end = process_time() + (size + len(data)) * _SECONDS_A_BYTE

    def enough(at: int, has_error: bool) -> bool:
        nonlocal error
        if not has_error:
            error = at
        if process_time() > end:
            error = 0
            return True
        return at - error > size

    def read(at: int, _: object) -> bytes:
        return data[at : at + _CHUNK]

    try:
        return _parser().parse(read, progress_callback=enough).root_node, 0
    except ValueError:
        _parser().reset()
        return None, error


def _mended(data: bytes, root: Node, limits: Limits) -> Node:
    """The tree of a text with an error, every place kept, once what the grammar does not know is written otherwise."""
    from secpipe.dockerfile.bashmend import rewritten

    for text in rewritten(data):
        other = _root(text, limits)[0]
        if other and not other.has_error:
            return other
    return root


@cache
def _parser() -> Parser:
    from tree_sitter import Parser

    return Parser(_language())


@cache
def _language() -> Language:
    from tree_sitter import Language

    return Language(_binding().language())


def _binding() -> ModuleType:
    """What makes the grammar, without the package around it: that loads `importlib.resources`, for queries unused here."""
    from importlib.machinery import PathFinder
    from importlib.util import find_spec, module_from_spec

    package = find_spec("tree_sitter_bash")
    spec = package and PathFinder.find_spec("tree_sitter_bash._binding", package.submodule_search_locations)
    if not spec or not spec.loader:
        import tree_sitter_bash

        return tree_sitter_bash
    binding = module_from_spec(spec)
    spec.loader.exec_module(binding)
    return binding
