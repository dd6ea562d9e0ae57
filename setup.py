"""What pyproject.toml cannot say: the message validators are generated when the package is built."""

import shutil
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
VALIDATORS = "chargepointd/dialects/validators"
DEMO = "chargepointd/csms/demo.toml"
"""of an installed package, a copy of etc/demo.toml"""


class BuildWithValidators(build_py):
    """Writes them into the wheel, or beside the sources when the install is editable."""

    _generated: list[str] = []

    def run(self) -> None:
        sys.path.insert(0, str(ROOT))
        from chargepointd.dialects.validators.build import build, build_in_place  # need ocpp, hence not above

        super().run()
        if self.editable_mode:
            build_in_place()
        else:
            self._generated = [str(path) for path in build(Path(self.build_lib, VALIDATORS))]
            self._generated.append(shutil.copy(ROOT / "etc" / "demo.toml", Path(self.build_lib, DEMO)))

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        outputs: list[str] = super().get_outputs(include_bytecode)
        return sorted({*outputs, *self._generated})


setup(cmdclass={"build_py": BuildWithValidators})
