"""The generated validators say what the reference implementation says of the official schemas."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import traceback
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, Draft6Validator, FormatChecker

from chargepointd.dialects import validators
from chargepointd.dialects.validators import build, compile
from tests.dialects.mutants import PACKAGES, example, mutants, read, schema_files

FILES = [(version, path) for version in PACKAGES for path in schema_files(version)]
FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time")
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or value in (
        "2026-11-24T03:31:50Z",
        "2026-11-24T03:31:50.1234567+05:30",
    )


@FORMATS.checks("uri")
def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or value.partition("://")[2] != "" or value.startswith("http:/")


def reference(schema: dict[str, Any]) -> Draft4Validator | Draft6Validator:
    kind = Draft4Validator if "draft-04" in schema["$schema"] else Draft6Validator
    return kind(schema, format_checker=FORMATS)


def loaded(version: str, stem: str) -> validators.Validator:
    action, response = stem.removesuffix("Request").removesuffix("Response"), stem.endswith("Response")
    validate = validators.load(version, action, response)
    assert validate is not None
    return validate


def verdict(validate: validators.Validator, payload: Any) -> tuple[str, str] | None:
    try:
        validate(payload)
    except validators.Invalid as invalid:
        return invalid.rule, invalid.path
    return None


def in_decimals(value: Any) -> Any:
    return json.loads(json.dumps(value), parse_float=Decimal)


def dotted(path: Any) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


@pytest.mark.parametrize(("version", "path"), FILES, ids=lambda value: value.stem if isinstance(value, Path) else value)
def test_a_change_is_judged_as_the_schema_judges_it(version: str, path: Path) -> None:
    schema = read(path)
    # 8.1 is no multiple of 0.1 in binary: where that is asked, the reference gets the decimals of the JSON text
    exact = in_decimals if "draft-04" in schema["$schema"] else lambda value: value
    validate, judge = loaded(version, path.stem), reference(exact(schema))
    verdicts = set()
    for payload in mutants(schema):
        faults = {(error.validator, dotted(error.absolute_path)) for error in judge.iter_errors(exact(payload))}
        ours = verdict(validate, payload)
        assert ours in faults if faults else ours is None, (ours, faults, payload)
        verdicts.add(ours is None)
    assert verdicts == {True, False}


def test_the_changes_reach_every_refusal_in_the_code() -> None:
    """What the reference is asked above is all that a validator can say."""
    for version, path in FILES:
        reached = {line_of_refusal(loaded(version, path.stem), payload) for payload in mutants(read(path))}
        raises = {node.lineno for node in ast.walk(generated(version, path)) if isinstance(node, ast.Raise)}
        assert raises == reached - {None}, path


def line_of_refusal(validate: validators.Validator, payload: Any) -> int | None:
    try:
        validate(payload)
    except validators.Invalid as invalid:
        *_, (_, line) = traceback.walk_tb(invalid.__traceback__)
        return line
    return None


def generated(version: str, path: Path) -> ast.Module:
    name = path.stem.removesuffix("Request")
    return ast.parse(Path(validators.__path__[0], PACKAGES[version], f"{name}.py").read_text())


@pytest.mark.parametrize(
    ("limit", "fits"),
    [(8.1, True), (8, True), (0.3, True), (48.3, True), (1e6 + 0.1, True), (8.15, False), (0.01, False), (-6.3, True)],
)
def test_a_limit_of_1_6_has_one_decimal(limit: float, fits: bool) -> None:
    schema = read(next(path for path in schema_files("1.6") if path.stem == "SetChargingProfile"))
    payload = example(schema, schema)
    payload["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] = limit
    at = "csChargingProfiles.chargingSchedule.chargingSchedulePeriod[0].limit"
    assert verdict(loaded("1.6", "SetChargingProfile"), payload) == (None if fits else ("multipleOf", at))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 10**400])
def test_what_is_no_json_number_is_refused(value: float) -> None:
    payload = {"value": value}
    message = {"timestamp": "2026-11-24T03:31:50Z", "sampledValue": [payload]}
    at = ("type", "meterValue[0].sampledValue[0].value")
    assert verdict(loaded("2.0.1", "MeterValues"), {"evseId": 1, "meterValue": [message]}) == at


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 1e300])
def test_an_integer_beyond_64_bits_is_refused(value: float) -> None:
    for version in ("2.0.1", "2.1"):
        assert verdict(loaded(version, "GetBaseReport"), {"requestId": value, "reportBase": "FullInventory"}) == (
            "type",
            "requestId",
        )
    assert verdict(loaded("1.6", "UnlockConnector"), {"connectorId": value}) == ("type", "connectorId")


def test_custom_data_is_free_but_for_its_vendor() -> None:
    validate = loaded("2.0.1", "Heartbeat")
    assert verdict(validate, {"customData": {"vendorId": "a", "more": {"and": [1, None]}}}) is None
    assert verdict(validate, {"customData": {"more": 1}}) == ("required", "customData")


def test_the_message_names_what_is_wrong() -> None:
    validate = loaded("2.0.1", "GetVariables")
    with pytest.raises(validators.Invalid, match=r"^getVariableData\[1\]: component, variable missing$"):
        validate({"getVariableData": [{"component": {"name": "a"}, "variable": {"name": "b"}}, {}]})
    with pytest.raises(validators.Invalid, match=r"^payload: a, b not allowed$"):
        loaded("2.0.1", "Heartbeat")({"b": 1, "a": 2})


@pytest.mark.parametrize(
    "action",
    [
        "",
        ".",
        "..build",
        "__init__",
        "BootNotificationResponse",
        "BootNotificationRequest",
        "bootNotification",
        "../a",
        "\0",
    ],
)
@pytest.mark.parametrize("version", PACKAGES)
def test_only_an_action_of_that_version_has_a_validator(version: str, action: str) -> None:
    assert validators.load(version, action) is None
    assert validators.load(version, action, response=True) is None


def test_every_version_knows_its_own_actions() -> None:
    assert len(validators.actions("1.6")) == 39
    assert len(validators.actions("2.0.1")) == 64
    assert {
        "SignedUpdateFirmware",
        "GetLog",
        "SecurityEventNotification",
        "ExtendedTriggerMessage",
    } <= validators.actions("1.6")
    assert "NotifyPeriodicEventStream" in validators.actions("2.1") - validators.actions("2.0.1")
    assert validators.load("2.1", "NotifyPeriodicEventStream", response=True) is None


def test_missing_validators_say_how_to_make_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validators, "__path__", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "chargepointd.dialects.validators.v16", raising=False)
    with pytest.raises(RuntimeError, match=r"run python -m chargepointd\.dialects\.validators\.build v16"):
        validators.actions("1.6")


def test_a_validator_loads_no_library_and_no_other_message() -> None:
    code = (
        "import sys; from chargepointd.dialects import rpc;"
        "assert rpc.check('2.0.1', 'Heartbeat', {}, 'request') is None;"
        "print(*(name for name in sys.modules if 'validators.v' in name or name.partition('.')[0] in"
        " {'fastjsonschema', 'ocpp', 'jsonschema', 'decimal', 'orjson', 'asyncio'}))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True).stdout
    assert shown.split() == [
        "chargepointd.dialects.validators.v201",
        "chargepointd.dialects.validators.v201.Heartbeat",
    ]


def test_what_is_built_is_what_is_there_and_always_the_same(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from chargepointd.dialects.validators.build import build;"
        "build(pathlib.Path(sys.argv[1]), ['v16'])"
    )
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", code, str(tmp_path / seed)], env=environment, timeout=60, check=True)
    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / seed / "v16").glob("*.py")} for seed in ("1", "2")
    )
    there = {path.name: path.read_bytes() for path in Path(validators.__path__[0], "v16").glob("*.py")}
    assert first == second
    assert first == there, "stale: run python -m chargepointd.dialects.validators.build"
    assert len(first) == 79


def test_a_failed_build_leaves_the_old_validators(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "v16" / "Reset.py"
    old.parent.mkdir()
    old.write_text("old")
    broken = tmp_path / "Reset.json"
    broken.write_text('{"$schema": "http://json-schema.org/draft-04/schema#", "type": "object", "not": {}}')
    monkeypatch.setattr(build, "_schemas", lambda package: [broken])
    with pytest.raises(compile.UnknownSchema, match=r"Reset\.json: payload: \['not'\]"):
        build.build(tmp_path, ["v16"])
    assert old.read_text() == "old"


@pytest.mark.parametrize(
    "field",
    [
        {"type": "string", "pattern": "a"},
        {"type": "string", "format": "email"},
        {"type": ["string", "null"]},
        {"type": "number", "multipleOf": 0.01},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "object", "properties": {"a b": {"type": "string"}}},
        {"type": "object", "properties": {"a_b": {"type": "string"}, "ab": {"type": "string"}}},
        {"type": "array", "items": [{"type": "string"}], "additionalItems": False},
        {"enum": ["a"]},
        {"$ref": "#/definitions/missing"},
        {"$ref": "http://a.example/schema.json"},
    ],
)
def test_a_schema_with_something_new_stops_the_build(field: dict[str, Any]) -> None:
    schema = {"$schema": "http://json-schema.org/draft-06/schema#", "type": "object", "properties": {"field": field}}
    with pytest.raises(compile.UnknownSchema):
        compile.module_source(schema, "A title.")


def test_an_unknown_draft_stops_the_build() -> None:
    with pytest.raises(compile.UnknownSchema, match=r"\$schema"):
        compile.module_source({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"}, "A title.")


def test_generated_code_is_plain() -> None:
    for version, path in FILES:
        tree = generated(version, path)
        imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert imported == {"chargepointd.dialects.validators"}, path
        assert not [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.Global, ast.Try))], path


@pytest.mark.parametrize(
    ("text", "is_uri"),
    [
        ("ftp://user:pw@host/dir", True),
        ("https://a.example/x?y=%20", True),
        ("urn:x", True),
        ("", False),
        ("no-scheme", False),
        ("http:", False),
        ("1ftp://a", False),
        (":x", False),
        ("http://a b", False),
        ("http://a\n", False),
    ],
)
def test_a_uri_has_a_scheme_and_no_white_space(text: str, is_uri: bool) -> None:
    assert validators.is_uri(text) is is_uri
