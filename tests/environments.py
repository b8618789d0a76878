"""Python environments of their own, in which packages are installed for real, without the network."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PATIENCE = 280.0


@dataclass(frozen=True)
class PythonEnvironment:
    """An environment that sees what this one has, and keeps what is installed into it to itself."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> PythonEnvironment:
        _run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
        environment = cls(folder)
        shared = [str(ROOT), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
        (environment.packages / "shared.pth").write_text("\n".join(shared))
        return environment

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    @property
    def packages(self) -> Path:
        (found,) = self.folder.glob("lib/python*/site-packages")
        return found

    def install(self, package: Path, scratch: Path) -> None:
        """Build a package and install it, from a copy, so that nothing is written beside the original."""
        source = scratch / package.name
        shutil.copytree(package, source, dirs_exist_ok=True)
        _run([*self._installer(), "--no-deps", "--no-build-isolation", "--no-index", str(source)])

    def run(self, *arguments: str, cwd: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
        """Run Python there, whatever comes of it."""
        return subprocess.run(
            [self.python, *arguments],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            cwd=cwd or self.folder,
            env=_clean() | more,
        )

    def postroom(self, *arguments: str, typed: str = "", **more: str) -> Any:
        """Run the command there, which has to succeed; gives what it printed."""
        command = [self.python, "-W", "error", "-c", "from webapp.cli import main; main(prog_name='postroom')"]
        return _run([*command, *arguments], typed=typed, cwd=self.folder, **more)

    def _installer(self) -> list[str]:
        if importlib.util.find_spec("pip"):
            return [sys.executable, "-m", "pip", "--python", self.python, "install", "--quiet"]
        uv = shutil.which("uv")
        # The environment that the tests run in was made by one of the two.
        assert uv, "There is neither pip nor uv to install a package with."
        return [uv, "pip", "install", "--quiet", "--offline", "--python", self.python]


def _clean() -> dict[str, str]:
    """The variables of this process, without those of Postroom and of an environment that is active."""
    ours = ("POSTROOM_", "DATABASE_URL", "VIRTUAL_ENV", "PYTEST_", "PYTHONPATH", "PIP_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _run(command: list[str], *, typed: str = "", cwd: Path | None = None, **more: str) -> str:
    done = subprocess.run(
        command, input=typed, capture_output=True, text=True, timeout=PATIENCE, cwd=cwd, env=_clean() | more
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout
