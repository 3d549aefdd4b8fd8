"""Inventories as rows, and back exactly: whatever texts are in them, of which no database takes all (NUL, lone surrogates).

MessagePack, in which every text is the bytes of its UTF-8 with surrogates passed; columns beside it have what is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import pairwise
from operator import attrgetter
from typing import Any, Final

from secpipe.catalog import Inventory
from secpipe.model.package import Distribution, LayerRef, Package, Source
from secpipe.model.problem import Problem
from secpipe.model.text import wellformed

_KEY = 16
_FIELDS: Final = tuple(name for name in Package.__struct_fields__ if name != "layer")
facts: Final = attrgetter(*_FIELDS)
"""All that a package is but for its layer, as a tuple that tells one from another."""
_SOURCE: Final = _FIELDS.index("source")
_QUALIFIERS: Final = _FIELDS.index("qualifiers")


def key(*parts: bytes) -> bytes:
    """The digest of some parts, each told from the next: 16 bytes."""
    digest = blake2b(digest_size=_KEY)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


def digest(text: str) -> str:
    """What stands for a long text that many rows have."""
    return key(raw(text)).hex()


def raw(text: str) -> bytes:
    """A text of whatever characters as bytes."""
    return text.encode("utf-8", "surrogatepass")


def clean(text: str) -> str:
    """A text as every database takes it."""
    return text.replace("\0", "\\x00") if text.isascii() else wellformed(text).replace("\0", "\\x00")


def of_package(told: tuple[Any, ...]) -> bytes:
    """The `facts` of a package."""
    values: list[object] = [raw(value) if isinstance(value, str) else value for value in told]
    source = told[_SOURCE]
    values[_SOURCE] = source and [raw(source.name), raw(source.version)]
    values[_QUALIFIERS] = [[raw(name), raw(value)] for name, value in told[_QUALIFIERS]]
    return _packed(values)


def to_package(value: bytes, layer: LayerRef | None) -> Package:
    """The package of which `of_package` made the value, in that layer."""
    values: dict[str, Any] = {
        name: _text(part) if isinstance(part, bytes) else part
        for name, part in zip(_FIELDS, _unpacked(value), strict=True)
    }
    if values["source"] is not None:
        values["source"] = Source(*map(_text, values["source"]))
    values["qualifiers"] = tuple((_text(name), _text(told)) for name, told in values["qualifiers"])
    return Package(**values, layer=layer)


def of_place(layer: LayerRef | None) -> bytes:
    """A layer as a package names it."""
    if layer is None:
        return b""
    instruction = None if layer.instruction is None else raw(layer.instruction)
    return _packed([raw(layer.digest), layer.index, instruction, raw(layer.file), layer.line])


def to_place(value: bytes) -> LayerRef | None:
    """The layer of which `of_place` made the value."""
    if not value:
        return None
    digest, index, instruction, file, line = _unpacked(value)
    return LayerRef(
        _text(digest), index, None if instruction is None else _text(instruction), _text(file), line
    )


def of_head(inventory: Inventory, arrangement: Sequence[int] | None) -> bytes:
    """What an inventory has besides packages, and their order where it is not that of `order`."""
    system = inventory.distribution
    problems = [
        [raw(p.code), raw(p.subject), raw(p.message), raw(p.hint), p.coverage] for p in inventory.problems
    ]
    return _packed(
        [
            system and [raw(system.id), raw(system.version_id), raw(system.name)],
            problems,
            None if arrangement is None else list(arrangement),
        ]
    )


def to_inventory(head: bytes, packages: list[Package]) -> Inventory:
    """The inventory of which `of_head` made the value, of these packages in any order."""
    system, problems, arrangement = _unpacked(head)
    packages.sort(key=order)
    return Inventory(
        Distribution(*map(_text, system)) if system is not None else None,
        tuple(packages if arrangement is None else (packages[index] for index in arrangement)),
        tuple(
            Problem(_text(code), _text(subject), _text(message), _text(hint), coverage)
            for code, subject, message, hint, coverage in problems
        ),
    )


def order(package: Package) -> tuple[Any, ...]:
    """An order of packages in which no two of them that differ are alike; that of an inventory, as far as this has one."""
    return (
        package.type,
        package.name,
        package.version,
        package.arch,
        package.path,
        package.purl,
        package.layer.index if package.layer else -1,
        _rest(package),
    )


class _rest:
    """What is left to tell two packages apart, computed only where it is needed."""

    __slots__ = ("package",)

    def __init__(self, package: Package) -> None:
        self.package = package

    def _key(self) -> tuple[bytes, bytes]:
        return of_place(self.package.layer), of_package(facts(self.package))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _rest) and (self.package is other.package or self._key() == other._key())

    def __lt__(self, other: _rest) -> bool:
        return self._key() < other._key()

    __hash__ = None  # type: ignore[assignment]


def arrangement(packages: Sequence[Package]) -> list[int] | None:
    """Where the packages are among their distinct ones in the order of `order`; None where they are these."""
    keys = list(map(order, packages))
    if all(one < other for one, other in pairwise(keys)):
        return None
    places = {package: index for index, package in enumerate(sorted(set(packages), key=order))}
    return [places[package] for package in packages]


def texts(values: Iterable[str]) -> str:
    """Some texts in one column."""
    return "\n".join(clean(value).replace("\n", " ") for value in values)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogatepass")


def _packed(value: object) -> bytes:
    import msgspec

    return msgspec.msgpack.encode(value)


def _unpacked(value: bytes) -> Any:
    import msgspec

    return msgspec.msgpack.decode(value)
