"""A console in a process of its own, as an operator starts it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

from tests.peers.ports import free_port

_COMMAND = Path(sys.executable).with_name("postroom")
_PATIENCE = 60
_GUARD = '"$@" & exec >&- 2>&-; read -r _; kill $!; wait'
"""Ends the console when our end of the pipe is closed, so that a test run that is killed leaves none behind."""


class Console:
    """``postroom serve`` on a data directory; starting it again finds everything that was there."""

    def __init__(self, data_dir: Path, **environment: str) -> None:
        self.data_dir = data_dir
        self._heard = threading.Condition()
        port, self.sandbox_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {
            **os.environ,
            "POSTROOM_DATA_DIR": str(data_dir),
            "POSTROOM_PORT": str(port),
            "POSTROOM_SANDBOX_SMTP_PORT": str(self.sandbox_port),
            "POSTROOM_ALLOWED_NETWORKS": "127.0.0.0/8,::1/128",
            # All tests share one console, and most of them write to the same few addresses.
            "POSTROOM_TEST_SEND_LIMITS": "1000/10 minutes,10000/day",
            # Several processes are started in a run: only the first has to compile what it imports.
            "PYTHONDONTWRITEBYTECODE": "",
            **environment,
        }

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self._process = subprocess.Popen(
            ["sh", "-c", _GUARD, "sh", _COMMAND, "serve"],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._output, self._ended = "", False
        self._listener = threading.Thread(target=self._gather, args=(self._process,), daemon=True)
        self._listener.start()
        try:
            self._said(r"Postroom is at \S+\n")
        except AssertionError:
            self.stop()
            raise

    def stop(self) -> None:
        """End it as a service manager does."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(_PATIENCE)
        self._listener.join(_PATIENCE)

    @property
    def set_up_link(self) -> str:
        """The one-time link that an empty installation prints."""
        return self._said(r"(?<=\n)http://\S+/setup/\S+(?=\n)")

    def cli(self, *words: str, stdin: str = "") -> str:
        """Run another command beside it, as its operator."""
        done = subprocess.run(
            [_COMMAND, *words], input=stdin, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _said(self, pattern: str) -> str:
        """Wait until it has printed something."""
        with self._heard:
            assert self._heard.wait_for(lambda: re.search(pattern, self._output) or self._ended, _PATIENCE)
            found = re.search(pattern, self._output)
        assert found, f"the console printed only: {self._output}"
        return found[0]

    def _gather(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        with process.stdout as lines:
            for line in lines:
                with self._heard:
                    self._output += line
                    self._heard.notify_all()
        with self._heard:
            self._ended = True
            self._heard.notify_all()
