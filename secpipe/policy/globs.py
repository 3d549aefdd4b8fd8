"""Globs over paths and references: `*` and `?` stay within a segment, `**` crosses `/`, all else stands for itself."""

from __future__ import annotations

_ACROSS, _WITHIN, _ONE = "**", "*", "?"


def matches(pattern: str, text: str) -> bool:
    """Whether the glob holds all of the text. Takes time by the product of the lengths, whatever the pattern."""
    tokens = _tokens(pattern)
    states = _after({0}, tokens)
    for character in text:
        states = _after(
            {moved for state in states if (moved := _step(state, tokens, character)) is not None}, tokens
        )
        if not states:
            return False
    return len(tokens) in states


def _tokens(pattern: str) -> list[str]:
    tokens: list[str] = []
    for character in pattern:
        if character == "*" and tokens and tokens[-1] in (_WITHIN, _ACROSS):
            tokens[-1] = _ACROSS
        else:
            tokens.append(character)
    return tokens


def _after(states: set[int], tokens: list[str]) -> set[int]:
    """The states and those that stars, which may stand for nothing, lead to."""
    found = set(states)
    for state in states:
        while state < len(tokens) and tokens[state] in (_WITHIN, _ACROSS):
            state += 1
            found.add(state)
    return found


def _step(state: int, tokens: list[str], character: str) -> int | None:
    if state == len(tokens):
        return None
    token = tokens[state]
    if token in (_WITHIN, _ACROSS):
        return state if token == _ACROSS or character != "/" else None
    return state + 1 if token == character or (token == _ONE and character != "/") else None
