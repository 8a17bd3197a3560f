"""Regular expressions of other people: what they match, what they are not, and that none runs away."""

from __future__ import annotations

import pytest

from kazoo_operator.core.expression import LONGEST, NoExpression, matches, objection


@pytest.mark.parametrize(
    ("expression", "text", "found"),
    [
        ("^[A-Z]{2}-[0-9]{4} ", "US-0042 Acme", True),
        ("^[A-Z]{2}-[0-9]{4} ", "us-0042 Acme", False),
        ("(?i)acme", "The ACME Corp", True),
        ("^acme$", "acme\n", False),
        (r"^\p{L}+$", "Söhne", True),
    ],
)
def test_an_expression_is_searched_for(expression: str, text: str, found: bool) -> None:
    assert matches(expression, text) is found


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("^[A-Z", "unclosed character class"),
        ("(?!test)", "look-around, including look-ahead and look-behind, is not supported"),
        (r"(a)\1", "backreferences are not supported"),
        ("(x{1000}){1000}", "compiled regex exceeds size limit of 10485760 bytes"),
        ("x" * (LONGEST + 1), "longer than 256 characters"),
    ],
)
def test_what_is_none_is_told(expression: str, why: str) -> None:
    assert objection(expression) == why
    with pytest.raises(NoExpression, match=why[:20]):
        matches(expression, "x")


# An engine that tries again and again would take for ever.
@pytest.mark.timeout(60)
@pytest.mark.parametrize("expression", ["(a|a)*$", "(a+)+$", "(a*)*b", "(.*)(.*)(.*)(.*)(.*)x$"])
def test_none_runs_away(expression: str) -> None:
    assert objection(expression) == ""
    assert matches(expression, "a" * 128 + "!") is (expression == "(a|a)*$")
