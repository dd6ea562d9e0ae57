"""One OCPP schema -> the source of one Python module, by way of fastjsonschema.

fastjsonschema writes correct code, but puts the schema into every `raise` (4.5 MB for OCPP 2.0.1), imports itself and
`decimal`, and builds the text of the path at every nested object even when nothing is wrong. Its code is therefore
rewritten as a syntax tree: same order of checks, short raises of our own exception, paths handed on as tuples.
What the rewriting does not know it refuses, so that a new schema or a new fastjsonschema stops the build.
"""

from __future__ import annotations

import ast
import re
from typing import Any, TypeVar

from fastjsonschema import compile_to_code

Schema = dict[str, Any]
Node = TypeVar("Node", bound=ast.stmt)

_DROPPED = {"description", "javaType", "comment", "default", "title", "$id", "$schema", "definitions"}
_OF_TYPE = {
    "object": {"properties", "required", "additionalProperties"},
    "array": {"items", "minItems", "maxItems"},
    "string": {"enum", "maxLength", "format"},
    "integer": {"minimum", "maximum"},
    "number": {"minimum", "maximum", "multipleOf"},
    "boolean": set[str](),
}
_FORMATS = {"date-time": "is_time", "uri": "is_uri"}
_LARGEST = 1.7976931348623157e308


class UnknownSchema(Exception):
    """The schema, or what fastjsonschema made of it, has something this build does not know. A person must look."""


def module_source(schema: Schema, title: str) -> str:
    """The module for a whole message; `validate(data)` in it raises Invalid. `title` becomes its docstring."""
    tree = ast.parse(compile_to_code(normalise(schema), use_default=False, formats=dict.fromkeys(_FORMATS, bool)))
    rewrite = _Rewrite(draft_4="draft-04" in schema["$schema"])
    functions = [rewrite.function(node) for node in tree.body if isinstance(node, ast.FunctionDef)]
    code = "\n\n\n".join(ast.unparse(function) for function in functions)
    if left := re.search(r"JsonSchema|Decimal|custom_formats|name_prefix|locals|REGEX|NoneType", code):
        raise UnknownSchema(f"{title}: {left[0]} is left in the generated code")
    names = [name for name in ("Invalid", "is_time", "is_uri") if name + "(" in code]
    return f'"""{title}"""\n\nfrom chargepointd.dialects.validators import {", ".join(names)}\n\n\n{code}\n'


def normalise(schema: Schema) -> Schema:
    """The schema without prose, and without the keywords that can have no effect where they stand."""
    draft = schema.get("$schema", "")
    if draft not in ("http://json-schema.org/draft-04/schema#", "http://json-schema.org/draft-06/schema#"):
        raise UnknownSchema(f"$schema {draft!r}")
    definitions = {name: _part(part, name) for name, part in schema.get("definitions", {}).items()}
    if len({name.lower() for name in definitions}) < len(definitions):
        raise UnknownSchema("definitions that differ in case only would become one function")
    whole = {"$schema": draft, **_part(schema, "payload"), "definitions": definitions}
    for reference in re.findall(r"'\$ref': '([^']*)'", repr(whole)):
        if reference.removeprefix("#/definitions/") not in definitions:
            raise UnknownSchema(f"$ref {reference!r}")
    return whole


def _part(part: Schema, where: str) -> Schema:
    if "$ref" in part:
        return {"$ref": part["$ref"]}
    rest = {key: value for key, value in part.items() if key not in _DROPPED}
    kind = rest.get("type")
    if kind is None and not rest:
        return {}  # anyType, as in DataTransfer
    if not isinstance(kind, str) or kind not in _OF_TYPE:
        raise UnknownSchema(f"{where}: type {kind!r}")
    if kind != "object" and rest.get("additionalProperties") is False:
        del rest["additionalProperties"]
    if rest.get("additionalItems") is False and isinstance(rest.get("items", {}), dict):
        del rest["additionalItems"]  # of effect only beside a list of item schemas (draft 6, 6.10)
    if surplus := rest.keys() - _OF_TYPE[kind] - {"type"}:
        raise UnknownSchema(f"{where}: {sorted(surplus)} in a schema of type {kind}")
    return _checked(rest, where)


def _checked(part: Schema, where: str) -> Schema:
    if part.get("additionalProperties", False) is not False or part.get("multipleOf", 0.1) != 0.1:
        raise UnknownSchema(f"{where}: additionalProperties or multipleOf of an unknown kind")
    if part.get("format", "uri") not in _FORMATS:
        raise UnknownSchema(f"{where}: format {part['format']!r}")
    properties = part.get("properties", {})
    plain = {name.replace("_", "") for name in properties}  # as fastjsonschema names its variables
    if len(plain) < len(properties) or not all(re.fullmatch("[A-Za-z0-9]+", name) for name in plain):
        raise UnknownSchema(f"{where}: property names that are no plain words, or too much alike")
    out = dict(part)
    if "properties" in part:
        out["properties"] = {name: _part(value, f"{where}.{name}") for name, value in properties.items()}
    if "items" in part:
        out["items"] = _part(part["items"], f"{where}[]")
    return out


class _Rewrite(ast.NodeTransformer):
    """From fastjsonschema's code to ours. Relies on what `_part` has made sure of: keywords only beside their type,
    whose check comes first and raises, so that later `isinstance` guards are always true."""

    def __init__(self, draft_4: bool) -> None:
        self._draft_4 = draft_4
        self._required: dict[str, list[str]] = {}

    def function(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.args = _parse("def f(data, path=()): pass", ast.FunctionDef).args
        node.body = node.body[:-1]  # return data
        self.generic_visit(node)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.Assign | None:
        name = ast.unparse(node.targets[0])
        if name.endswith(("_is_dict", "_is_list")):
            return None
        if name.endswith("__missing_keys"):
            [names] = [inner for inner in ast.walk(node.value) if isinstance(inner, ast.List)]
            self._required[name] = ast.literal_eval(names)
            return None
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.Expr:
        call = node.value
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            call.args = [call.args[0], _expression(_path(call.args[2]))]
        return node

    def visit_If(self, node: ast.If) -> Any:
        if isinstance(node.body[0], ast.Raise):
            return self._check(node, node.body[0])
        if node.orelse:
            return self._multiple_of(node)
        if ast.unparse(node.test).startswith("isinstance(") or ast.unparse(node.test).endswith(
            ("_is_dict", "_is_list")
        ):
            return self.generic_visit(node).body  # type: ignore[attr-defined]
        return self.generic_visit(node)

    def _multiple_of(self, node: ast.If) -> ast.If:
        """The decimal nearest to the number has one digit after the point: 8.1 has, 8.15 and 0.1 + 0.2 have not."""
        [inner] = node.body
        if not isinstance(inner, ast.If) or not isinstance(inner.body[0], ast.Raise):
            raise UnknownSchema(f"code not understood: {ast.unparse(node)[:200]}")
        return self._check(inner, inner.body[0])

    def _check(self, node: ast.If, raised: ast.Raise) -> ast.If:
        facts = {word.arg: word.value for word in raised.exc.keywords}  # type: ignore[union-attr]
        rule, value = ast.literal_eval(facts["rule"]), ast.unparse(facts["value"])
        limit = ast.literal_eval(facts["definition"]).get(rule)
        test, shown = self._test(rule, value, limit, node.test)
        return _parse(f"if {test}: raise Invalid({rule!r}, {_path(facts['name'])}{shown})", ast.If)

    def _test(self, rule: str, x: str, limit: Any, test: ast.expr) -> tuple[str, str]:
        """The condition that is to raise, and the argument that tells the limit."""
        match rule:
            case "type":
                return self._type(x, limit), f", {limit!r}"
            case "required":
                names = self._required[ast.unparse(test)]
                missing = " or ".join(f"{name!r} not in {x}" for name in names)
                return missing, f", [name for name in {names!r} if name not in {x}]"
            case "additionalProperties":
                return ast.unparse(test), f", sorted({ast.unparse(test)})"
            case "enum":
                return f"{x} not in {{{', '.join(map(repr, limit))}}}", ""
            case "format":
                return f"not {_FORMATS[limit]}({x})", f", {limit!r}"
            case "multipleOf":
                return f"round({x}, 1) != {x}", f", {limit!r}"
            case "maxLength" | "minItems" | "maxItems" | "minimum" | "maximum":
                return ast.unparse(test), f", {limit!r}"
            case _:
                raise UnknownSchema(f"rule {rule!r}")

    def _type(self, x: str, kind: str) -> str:
        match kind:
            case "integer":
                # 1.0 is an integer in draft 6, not in draft 4. OCPP's integers have 32 bits; what fits in 64 is let
                # through (some CSMS count their requests in milliseconds), beyond that SQLite could not keep it.
                whole = "" if self._draft_4 else f" and not (isinstance({x}, float) and {x}.is_integer())"
                bounds = f"not {-(2**63)} <= {x} < {2**63}"
                return f"not isinstance({x}, int){whole} or isinstance({x}, bool) or {bounds}"
            case "number":  # NaN and infinity are floats to Python, but not numbers to JSON
                bounds = f"not {-_LARGEST!r} <= {x} <= {_LARGEST!r}"
                return f"not isinstance({x}, (int, float)) or isinstance({x}, bool) or {bounds}"
            case _:
                python = {"object": "dict", "array": "list", "string": "str", "boolean": "bool"}[kind]
                return f"not isinstance({x}, {python})"


def _path(node: ast.expr) -> str:
    """`"" + (name_prefix or "data") + ".items[{x}]".format(**locals())` becomes `(path, ".items[", x, "]")`."""
    parts = [repr(text) if fixed else text for text, fixed in _pieces(node) if text]
    return f"({', '.join(parts)})" if parts[1:] else parts[0]


def _pieces(node: ast.expr) -> list[tuple[str, bool]]:
    match node:
        case ast.BinOp(left, ast.Add(), right):
            return _pieces(left) + _pieces(right)
        case ast.BoolOp(ast.Or(), [ast.Name("name_prefix"), _]):
            return [("path", False)]
        case ast.Constant(str(text)):
            return [(text, True)]
        case ast.Call(ast.Attribute(ast.Constant(str(text)), "format"), [], [ast.keyword(None)]):
            return [(piece, i % 2 == 0) for i, piece in enumerate(re.split(r"\{(\w+)\}", text))]
        case _:
            raise UnknownSchema(f"path not understood: {ast.unparse(node)}")


def _expression(code: str) -> ast.expr:
    return ast.parse(code, mode="eval").body


def _parse(code: str, kind: type[Node]) -> Node:
    [node] = ast.parse(code).body
    assert isinstance(node, kind)
    return node
