"""What the tests of the schemes share: ordered tables, made-up versions, and asking another program."""

from __future__ import annotations

import random
import subprocess

from secpipe.versions import InvalidVersion, Scheme


def sign(scheme: Scheme, left: str, right: str) -> str:
    """`<`, `=`, `>`, or `?` where the scheme cannot parse one of the two."""
    try:
        a, b = scheme.key(left), scheme.key(right)
    except InvalidVersion:
        return "?"
    return "<" if a < b else ">" if b < a else "="


def table(text: str) -> list[tuple[str, str, str]]:
    """Lines `a < b = c < d` as (left, sign, right) of every pair of neighbours."""
    rows: list[tuple[str, str, str]] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        words = line.split()
        rows.extend((words[i], words[i + 1], words[i + 2]) for i in range(0, len(words) - 2, 2))
    return rows


def pairs(rng: random.Random, words: str, count: int) -> list[tuple[str, str]]:
    """Pairs of made-up versions from numbers, separators and `words`: strangers and neighbours, whole and damaged."""
    return [_pair(rng, words.split()) for _ in range(count)]


def _pair(rng: random.Random, words: list[str]) -> tuple[str, str]:
    left = _made_up(rng, words)
    right = _made_up(rng, words) if rng.random() < 0.3 else _damaged(rng, left, words)
    return left, _damaged(rng, right, words) if rng.random() < 0.2 else right


def _made_up(rng: random.Random, words: list[str]) -> str:
    numbers = [str(rng.choice((0, 0, 1, 2, 3, 9, 10, 20, 100, 2021))) for _ in range(rng.randint(1, 4))]
    text = ".".join(numbers)
    while rng.random() < 0.5:
        text += rng.choice(("-", "-", ".", "+", "_", "")) + rng.choice(words)
        if rng.random() < 0.5:
            text += rng.choice(("", ".", "-")) + str(rng.randint(0, 12))
    return text


def _damaged(rng: random.Random, text: str, words: list[str]) -> str:
    at = rng.randrange(len(text) + 1)
    put = rng.choice(
        (".", "-", "0", "1", "00", ".0", "-0", ".1", "v", "", rng.choice(words), "-" + rng.choice(words))
    )
    return (text[:at] + put + text[at + rng.randrange(2) :]) or "0"


def told(command: list[str], asked: list[tuple[str, str]]) -> list[str]:
    """What a program says of the pairs, a line each: `<`, `=`, `>`, or `?` where it parses one of the two not."""
    lines = "".join(f"{left} {right}\n" for left, right in asked)
    done = subprocess.run(command, check=True, input=lines, text=True, stdout=subprocess.PIPE)
    return done.stdout.split()


def disagreements(
    scheme: Scheme, asked: list[tuple[str, str]], answers: list[str]
) -> list[tuple[str, str, str, str]]:
    """(left, right, the program's sign, our sign) of every pair that is not answered alike."""
    return [
        (*pair, answer, ours)
        for pair, answer in zip(asked, answers, strict=True)
        if (ours := sign(scheme, *pair)) != answer
    ]
