"""python -m chargepointd.dialects.validators.build [v16] [v201] [v21]: write the validators beside this file.

Needs `ocpp` for the schemas and `fastjsonschema`. Deterministic: the same libraries write the same bytes.
"""

from __future__ import annotations

import json
import py_compile
import shutil
import sys
from collections.abc import Iterable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from chargepointd.dialects.validators.compile import UnknownSchema, module_source

PACKAGES = ("v16", "v201", "v21")


def build(target: Path, packages: Iterable[str] = PACKAGES) -> list[Path]:
    """Write the packages below `target`, replacing what is there; gives the files. Raises UnknownSchema, OSError."""
    return [path for package in packages for path in _package(target / package, _schemas(package))]


def build_in_place(packages: Iterable[str] = PACKAGES) -> list[Path]:
    """Beside this file, and compiled to bytecode: nobody else does that for a source tree, and compiling costs more
    of the start than all else about a validator."""
    files = build(Path(__file__).parent, packages)
    for path in files:
        py_compile.compile(str(path), doraise=True)
    return files


def _schemas(package: str) -> list[Path]:
    library = find_spec("ocpp")
    if library is None or not library.submodule_search_locations:
        raise UnknownSchema("the library `ocpp` with the schemas is not installed: pip install ocpp")
    found = sorted(Path(library.submodule_search_locations[0], package, "schemas").glob("*.json"))
    if not found:
        raise UnknownSchema(f"the installed library `ocpp` has no schemas for {package}")
    return found


def _package(target: Path, schemas: list[Path]) -> list[Path]:
    """All modules are made before the first is written, so that a failure leaves the old ones in place."""
    sources = {_module(path.stem): _source(path, target.name) for path in schemas}
    if len(sources) < len(schemas):
        raise UnknownSchema(f"{target.name}: two schemas for one message")
    sources["__init__"] = _index(sources)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name, source in sources.items():
        (target / f"{name}.py").write_text(source, encoding="utf-8")
    return [target / f"{name}.py" for name in sources]


def _module(schema: str) -> str:
    """2.x names the file of a request ResetRequest, 1.6 names it Reset."""
    return schema.removesuffix("Request")


def _source(path: Path, package: str) -> str:
    made = f"ocpp {version('ocpp')} and fastjsonschema {version('fastjsonschema')}"
    title = f"Generated from {package}/schemas/{path.name} by {made}."
    try:
        return module_source(json.loads(path.read_text(encoding="utf-8-sig")), title)
    except UnknownSchema as unknown:
        raise UnknownSchema(f"{path}: {unknown}") from unknown


def _index(modules: Iterable[str]) -> str:
    names = sorted(modules)
    requests = [name for name in names if not name.endswith("Response")]
    responses = [name.removesuffix("Response") for name in names if name.endswith("Response")]
    lines = [f"ACTIONS = frozenset({requests!r})", f"RESPONSES = frozenset({responses!r})"]
    return '"""Generated: the messages there are."""\n\n' + "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    if unknown := set(arguments) - set(PACKAGES):
        print(f"unknown {', '.join(sorted(unknown))}: choose from {', '.join(PACKAGES)}", file=sys.stderr)
        return 2
    files = build_in_place(arguments or PACKAGES)
    print(f"{len(files)} files, {sum(path.stat().st_size for path in files) // 1000} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
