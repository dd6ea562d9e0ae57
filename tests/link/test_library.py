"""What importing the websocket library may cost."""

import subprocess
import sys

COSTLY = ("importlib.metadata", "email", "zipfile", "csv", "websockets.asyncio", "cryptography")


def run(program: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60
    ).stdout


def test_the_link_imports_nothing_costly():
    program = f"import sys; import chargepointd.link.connection; print([m for m in {COSTLY} if m in sys.modules])"
    assert run(program).strip() == "[]"


def test_what_was_put_off_can_be_imported_afterwards():
    program = "import chargepointd.link.library, importlib.metadata as m; print(m.version('websockets'))"
    assert run(program).startswith("17.")


def test_what_was_imported_before_stays():
    program = (
        "import importlib.metadata as m, sys; import chargepointd.link.library; print(sys.modules[m.__name__] is m)"
    )
    assert run(program).strip() == "True"


def test_who_uses_it_meanwhile_gets_the_real_one():
    program = (
        "import importlib, sys; from chargepointd.link.library import put_off\n"
        "with put_off(importlib, 'metadata'):\n"
        "    import importlib.metadata\n"
        "    assert 'email' not in sys.modules\n"
        "    from importlib.metadata import version\n"
        "    print(version('websockets'))\n"
        "print(importlib.metadata.version is version)"
    )
    first, second = run(program).split()
    assert first.startswith("17.")
    assert second == "True"
