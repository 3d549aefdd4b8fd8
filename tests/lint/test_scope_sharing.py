"""What stages inherit is shared, and yet every stage has its own."""

from __future__ import annotations

from secpipe.lint.scope import Scope


def test_a_child_changes_only_its_own() -> None:
    parent = Scope()
    parent.variables.update(a="1", b="2")
    first, second = parent.inherit(), parent.inherit()
    first.variables["a"] = "changed"
    first.environment["a"] = None
    assert (parent.variables["a"], second.variables["a"], first.expand("$a$b")) == ("1", "1", "changed2")
    assert "a" not in second.environment


def test_a_long_line_of_stages_keeps_what_all_of_them_set() -> None:
    scope = Scope()
    for number in range(500):
        scope = scope.inherit()
        scope.variables[f"v{number}"] = str(number)
    assert [scope.expand(f"$v{number}") for number in (0, 250, 499)] == ["0", "250", "499"]
    assert len(scope.variables) == 500


def test_many_children_cost_no_copies() -> None:
    class Counted(dict[str, "str | None"]):
        def __iter__(self):  # type: ignore[no-untyped-def]  # as that of dict
            raise AssertionError("copied")

        def keys(self):  # type: ignore[no-untyped-def]  # as that of dict
            raise AssertionError("copied")

    parent = Scope(variables=Counted(a="1"))
    assert all(parent.inherit().variables.get("a") == "1" for _ in range(1000))
