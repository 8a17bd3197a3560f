"""Money is never a float: neither in a type, nor in a constant, nor on the way through a calculation."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from kazoo_operator.core import money

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "operator" / "kazoo_operator"
PURE = ("core", "rules", "kinds")
TIMES = {"at", "clock", "now", "_tried", "_shares", "_PAUSES", "HIDDEN_FOR", "KEPT_FOR"}
TIMES |= {"deadline", "create_deadline", "requests_per_second"}
"""Names that hold seconds, or how often in a second, in the modules that handle money."""


def _modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if "sandbox" not in path.relative_to(PACKAGE).parts:
            yield path, ast.parse(path.read_text())


def _handles_money(path: Path, tree: ast.Module) -> bool:
    """Whether it stands among prices, imports what knows of money, or is that itself."""
    imported = {
        f"{node.module}.{name.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    suspects = r"kazoo_operator\.core\.(money|pricing|ledger|spending|calling|charges)\b"
    return path.stem == "money" or "pricing" in path.parts or any(re.match(suspects, one) for one in imported)


HANDLING = {path: tree for path, tree in _modules() if _handles_money(path, tree)}


def _named(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(PACKAGE)}:{getattr(node, 'lineno', 0)}: {ast.unparse(node)}"


def _within(tree: ast.AST, kinds: tuple[type[ast.AST], ...]) -> set[int]:
    """Everything that stands in nodes of these kinds."""
    return {id(one) for node in ast.walk(tree) if isinstance(node, kinds) for one in ast.walk(node)}


def test_the_modules_that_handle_money_are_found() -> None:
    names = {str(path.relative_to(PACKAGE)) for path in HANDLING}
    assert {"booking.py", "budget.py", "charge_gate.py", "core/ledger.py", "core/money.py"} <= names
    assert {"backend/ledgers.py", "core/spending.py", "core/pricing/estimate.py", "standing.py"} <= names


def test_no_constant_of_money_is_a_float() -> None:
    found = []
    for path, tree in HANDLING.items():
        times: set[int] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and {ast.unparse(one) for one in node.targets} <= TIMES:
                times |= {id(one) for one in ast.walk(node)}
        found += [
            _named(path, node)
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, float) and id(node) not in times
        ]
    assert found == []


def test_no_name_of_money_is_declared_a_float() -> None:
    found = []
    for path, tree in HANDLING.items():
        for node in ast.walk(tree):
            name = getattr(node, "arg", None) or ast.unparse(getattr(node, "target", ast.Constant("")))
            if isinstance(node, ast.arg | ast.AnnAssign) and name.removeprefix("self.") not in TIMES:
                said = ast.unparse(node.annotation) if node.annotation is not None else ""
                found += [_named(path, node)] if re.search(r"\bfloat\b", said) else []
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
                found += [_named(path, node.returns)] * ("float" in ast.unparse(node.returns))
    assert found == []


def test_no_module_that_handles_money_makes_a_float_and_what_does_so_is_known() -> None:
    """A Decimal becomes one on the wire alone; the others are seconds (all in kube) and what YAML holds."""
    calls = {
        str(path.relative_to(PACKAGE))
        for path, tree in _modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float"
    }
    assert {one for one in calls if not one.startswith("kube/")} == {
        "backend/envelope.py", "core/duration.py", "manifests/scalars.py"
    }  # fmt: skip
    assert calls.isdisjoint(str(path.relative_to(PACKAGE)) for path in HANDLING)


def test_what_is_divided_is_decimal_or_whole() -> None:
    """`/` of two ints is a float; one side has to be a Decimal, and to say so."""
    decimals = {"self.difference * (days - day.day + 1) / days"}
    found = [
        _named(path, node)
        for path, tree in HANDLING.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Div)
        and not ast.unparse(node.left).startswith("Decimal(")
        and ast.unparse(node) not in decimals
    ]
    assert found == []


def test_what_is_pure_asks_for_floats_only_to_refuse_them() -> None:
    found = []
    for path, tree in HANDLING.items():
        if path.relative_to(PACKAGE).parts[0] in PURE:
            asked = _within(tree, (ast.Call,))
            found += [
                _named(path, node)
                for node in ast.walk(tree)
                if isinstance(node, ast.Name) and node.id == "float" and id(node) not in asked
            ]
    assert found == []


def test_an_amount_is_an_int_whatever_it_was_read_from() -> None:
    assert money.Amount is int
    for text in ("0", "25.5", "-0.0001", "999999999.9999"):
        assert type(money.from_text(text)) is int
        assert money.from_text(money.to_text(money.from_text(text))) == money.from_text(text)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "crds").glob("*.kazoo-operator.io.yaml")), ids=lambda path: path.stem
)
def test_no_field_of_a_crd_is_a_number_with_a_point(path: Path) -> None:
    def types(schema: object) -> Iterator[str]:
        if isinstance(schema, dict):
            yield from (one for one in (schema.get("type"), schema.get("format")) if isinstance(one, str))
            for member in schema.values():
                yield from types(member)
        elif isinstance(schema, list):
            for member in schema:
                yield from types(member)

    assert set(types(yaml.safe_load(path.read_text())["spec"])).isdisjoint({"number", "float", "double"})
