"""Resource folders are found in a checkout and, the wheel being built so, in an installed package."""

import pytest

from webapp.resources import resource


@pytest.mark.parametrize("name", ["templates", "static", "migrations"])
def test_each_folder_is_found(name: str) -> None:
    assert resource(name).is_dir()
