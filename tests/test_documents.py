"""The documents name everything there is: every key of a configuration, every module of a package with a layout."""

from pathlib import Path
from re import MULTILINE, findall, search
from typing import Any, get_args, get_type_hints

import pytest

from chargepointd.ctl.arguments import COMMANDS, SIM_COMMANDS
from chargepointd.sections import Config, DriverConfig

ROOT = Path(__file__).parents[1]
LAYOUTS = (
    "chargepointd/core", "chargepointd/daemon", "chargepointd/hardware", "chargepointd/jobs", "chargepointd/link",
    "chargepointd/storage", "chargepointd/control", "chargepointd/csms", "chargepointd/ctl",
    "chargepointd/dialects", "chargepointd/dialects/v16", "chargepointd/dialects/v2", "hal",
)  # fmt: skip


def keys(of: Any) -> set[str]:
    """The keys of a section and of the sections in it."""
    found = set[str]()
    for key, hint in get_type_hints(of).items():
        inner = [each for each in (hint, *get_args(hint)) if hasattr(each, "_fields")]
        found |= {key}.union(*map(keys, inner))
    return found


def test_every_configuration_key_is_explained() -> None:
    code = " ".join(findall(r"`([^`\n]+)`", (ROOT / "docs/configuration.md").read_text("utf-8")))
    wanted = keys(Config) - keys(DriverConfig)
    assert [key for key in sorted(wanted) if not search(rf"\b{key}\b", code)] == []


@pytest.mark.parametrize("package", LAYOUTS)
def test_a_layout_names_every_module(package: str) -> None:
    text = (ROOT / package / "__init__.py").read_text("utf-8")
    modules = [file.name for file in (ROOT / package).glob("*.py") if file.name != "__init__.py"]
    assert [name for name in sorted(modules) if name not in text] == []


def test_manual_and_completion_have_every_command() -> None:
    manual = (ROOT / "docs/man/chargepointctl.1").read_text("utf-8").replace("\\-", "-")
    completion = (ROOT / "etc/completion/chargepointctl.bash").read_text("utf-8")
    words = [command.name for command in COMMANDS] + [f"sim {command.name}" for command in SIM_COMMANDS]
    assert [word for word in words if word not in manual] == []
    assert [word for word in words if word.removeprefix("sim ") not in completion] == []


@pytest.mark.parametrize("page", ["chargepointctl.1", "chargepointd.8"])
def test_no_line_of_a_manual_leaves_a_quotation_open(page: str) -> None:
    lines = (ROOT / "docs/man" / page).read_text("utf-8").splitlines()
    assert [line for line in lines if line.startswith(".") and line.count('"') % 2] == []


def test_of_each_invariant_it_is_said_which_tests_hold_it() -> None:
    text = (ROOT / "docs/invariants.md").read_text("utf-8")
    sentences = findall(r"^- \*\*([A-Z]\d)\. ", text, MULTILINE)
    held = dict(findall(r"^\| ([A-Z]\d) \| (.*) \|$", text, MULTILINE))
    assert sentences == list(held)
    files = {name: findall(r"`(tests/[\w/]+\.py)`", by) for name, by in held.items()}
    assert [name for name, named in files.items() if not named] == []
    assert [file for named in files.values() for file in named if not (ROOT / file).exists()] == []
