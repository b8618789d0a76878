"""Marked strings: texts written below the entry points and translated at the edge."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence to translate, its values kept apart.

    The template uses ``%(name)s``. ``str()`` gives English; the web and the API give the reader's language.
    """

    template: str
    values: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return self.template % dict(self.values) if self.values else self.template


def T(template: str, /, **values: object) -> Text:  # noqa: N802  the field's habit for marking a string is one capital letter
    """Mark a sentence for translation and bind its values."""
    return Text(template, tuple((name, str(value)) for name, value in values.items()))


NOTHING: Final = Text("")
