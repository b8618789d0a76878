"""What commands print and how they end: results on standard output, everything else on standard error."""

from __future__ import annotations

import importlib
import json
import keyword
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Any, TypeVar

import click
from pydantic import ValidationError

from webapp.client import ClientError, RefusedError
from webapp.domain.errors import InputError, PostroomError
from webapp.settings import Settings, documented_settings

Command = TypeVar("Command", bound=Callable[..., Any])


class Exit(IntEnum):
    """How a command ended."""

    DONE = 0
    FAILED = 1
    BAD_INPUT = 2
    CHANGES = 3
    """A dry run that would change something."""


class FailedError(click.ClickException):
    """The thing failed. The message says what to do."""

    exit_code = Exit.FAILED

    def show(self, file: Any = None) -> None:
        tell(f"Error: {self.format_message()}")


class BadInputError(FailedError):
    """What was given cannot be used."""

    exit_code = Exit.BAD_INPUT


class Commands(click.Group):
    """A group whose commands raise what the services raise; it ends here, in words and an exit code."""

    def __init__(self, *args: Any, modules: Mapping[str, str], **options: Any) -> None:
        super().__init__(*args, **options)
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._modules:
            return None
        module = importlib.import_module(f"webapp.cli.{self._modules[cmd_name]}")
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(module, f"{name}_" if keyword.iskeyword(name) else name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PostroomError as exc:
            raise _of_service(exc) from exc
        except RefusedError as exc:
            raise _of_server(exc) from exc
        except ClientError as exc:
            raise FailedError(str(exc)) from exc


def json_option(command: Command) -> Command:
    """Let a command report as JSON."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(command)


def report(text: str) -> None:
    """Print a result."""
    click.echo(text)


def report_json(value: Any) -> None:
    """Print a result as JSON."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def tell(text: str) -> None:
    """Say how it goes; nothing a script reads."""
    click.echo(text, err=True)


def one_line(text: str) -> str:
    """What somebody wrote, as one line that can neither steer the terminal nor hide what follows it."""
    return "".join(char if char.isprintable() else "�" for char in " ".join(text.split()))


def table(rows: Iterable[Sequence[str]], heads: Sequence[str]) -> str:
    """Columns side by side, as wide as their widest cell."""
    cells = [list(heads), *([one_line(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )


def settings_error(error: ValidationError) -> BadInputError:
    """Name the environment variables that cannot be read."""
    variables = {name: row[0] for name, row in zip(Settings.model_fields, documented_settings(), strict=True)}
    said: dict[str, str] = {}
    for each in error.errors(include_url=False, include_input=False):
        # One line for each variable, in its own words, without the library's.
        words = each["msg"].removeprefix("Value error, ")
        said.setdefault(variables.get(str(each["loc"][0]), str(each["loc"][0])), words)
    return BadInputError("\n".join(f"{variable}: {words}." for variable, words in said.items()))


def _of_service(error: PostroomError) -> FailedError:
    errors = [{"pointer": each.pointer, "message": str(each.message)} for each in error.errors]
    words = _words(str(error.title), str(error.detail), error.code, errors)
    return BadInputError(words) if isinstance(error, InputError) or error.status == 400 else FailedError(words)


def _of_server(error: RefusedError) -> FailedError:
    problem = error.problem
    words = _words(
        str(problem.get("title", "")), str(problem.get("detail", "")), problem.get("code"), problem.get("errors", [])
    )
    return BadInputError(words) if error.status in (400, 422) else FailedError(words)


def _words(title: str, detail: str, code: str | None, errors: Iterable[dict[str, Any]]) -> str:
    head = title if detail in ("", title) else f"{title}. {detail}" if title else detail
    lines = [one_line(f"{head} ({code})" if code else head)]
    lines += [f"  {one_line(each['pointer']) or 'the whole'}: {one_line(each['message'])}" for each in errors]
    return "\n".join(lines)
