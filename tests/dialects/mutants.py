"""A valid example of every message, and the same with one thing changed at a time, made from the official schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

PACKAGES = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}
_GONE = object()


def schema_files(version: str) -> list[Path]:
    library = find_spec("ocpp")
    assert library is not None and library.submodule_search_locations
    return sorted(Path(library.submodule_search_locations[0], PACKAGES[version], "schemas").glob("*.json"))


def read(path: Path) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8-sig"))
    return schema


def resolve(part: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in part:
        part = whole["definitions"][part["$ref"].removeprefix("#/definitions/")]
    return part


def example(part: dict[str, Any], whole: dict[str, Any], full: bool = True) -> Any:
    """With every field there is, or with those that must be."""
    part = resolve(part, whole)
    if "enum" in part:
        return part["enum"][0]
    match part.get("type"):
        case "object":
            names = part.get("properties", {}) if full else part.get("required", ())
            return {name: example(part["properties"][name], whole, full) for name in names}
        case "array":
            return [example(part["items"], whole, full) for _ in range(max(1, part.get("minItems", 0)))]
        case "string":
            return {"date-time": "2026-11-24T03:31:50Z", "uri": "ftp://a.example/b"}.get(part.get("format", ""), "x")
        case "integer":
            return int(part.get("minimum", part.get("maximum", 7)))
        case "number":
            return part.get("minimum", part.get("maximum", 8.1))
        case "boolean":
            return True
        case _:
            return {"any": ["thing", None]}


def mutants(whole: dict[str, Any]) -> Iterator[Any]:
    """The full example, then the least one with one change. Changed in place: look before asking for the next."""
    yield example(whole, whole)
    holder = [example(whole, whole, full=False)]
    for _ in _inside(whole, holder, 0, whole, set()):
        yield holder[0]


def _inside(part: dict[str, Any], holder: Any, key: Any, whole: dict[str, Any], seen: set[int]) -> Iterator[None]:
    """A reference to a schema seen before is tried with a wrong type only: the rest of it is the same everywhere."""
    part = resolve(part, whole)
    new = id(part) not in seen
    seen.add(id(part))
    for _ in _with(holder, key, example(part, whole, full=False)):
        yield
        for changed in _replacements(part) if new else (None,):
            yield from _with(holder, key, changed)
        if new and part.get("type") == "object":
            yield from _fields(part, holder[key], whole, seen)
        if new and part.get("type") == "array":
            yield from _lengths(part, holder[key])
            yield from _inside(part["items"], holder[key], 0, whole, seen)


def _fields(part: dict[str, Any], value: dict[str, Any], whole: dict[str, Any], seen: set[int]) -> Iterator[None]:
    for name in part.get("required", ()):
        yield from _with(value, name, _GONE)
    yield from _with(value, "surplus", 1)
    yield from _with(value, "", "x")
    for name, inner in part.get("properties", {}).items():
        yield from _inside(inner, value, name, whole, seen)


def _lengths(part: dict[str, Any], value: list[Any]) -> Iterator[None]:
    before = list(value)
    least, most = part.get("minItems", 0), part.get("maxItems", 5)
    for length in sorted({0, max(0, least - 1), least, most, most + 1}):
        value[:] = before[:1] * length
        yield
    value[:] = before


def _replacements(part: dict[str, Any]) -> Iterator[Any]:
    yield from (None, True, 3, 1.0, 1.5, "text", [], {}, [1], {"a": 1})
    if "maxLength" in part:
        yield from ("x" * part["maxLength"], "x" * (part["maxLength"] + 1), "é" * part["maxLength"])
    if "enum" in part:
        yield from (*part["enum"], part["enum"][0].lower(), part["enum"][0] + " ", "")
    if part.get("type") in ("integer", "number"):
        yield from (-1, 0, 100, 101, 2**31, -0.1, 100.5, 8.15, 48.30, 1e-9, 7.9, 0.3)
    if "format" in part:
        yield from ("2026-11-24", "2026-02-30T00:00:00Z", "2026-11-24T03:31:50.1234567+05:30", "http://", "http://x")


def _with(container: Any, key: Any, changed: Any) -> Iterator[None]:
    there = key in container if isinstance(container, dict) else True
    before = container[key] if there else _GONE
    if changed is _GONE:
        del container[key]
    else:
        container[key] = changed
    yield
    if before is _GONE:
        del container[key]
    else:
        container[key] = before
