"""Where a revision came from, in words."""

import pytest

from webapp.services.origins import origin_words


@pytest.mark.parametrize(
    ("origin", "detail", "transfer", "said"),
    [
        ("save", None, None, "Saved"),
        ("restore", "3", None, "Restored from revision 3"),
        ("delete", None, None, "Connector deleted"),
        ("import", None, None, "Imported"),
        ("import", None, {"file": "setup.yaml", "hash": "sha256:0"}, "Imported from setup.yaml"),
        ("import", None, {"file": "list.json", "system": "Logto"}, "Imported from list.json"),
        ("import", None, {"system": "Logto"}, "Imported from Logto"),
        ("promote", "dev", None, "Promoted from dev"),
        ("promote", "dev", {"from": "dev", "revision": 7}, "Promoted from dev, revision 7"),
        (
            "promote",
            "dev",
            {"from": "dev", "revision": 7, "only": ["/templates"], "approvedBy": "bob@example.com"},
            "Promoted from dev, revision 7, in part, approved by bob@example.com",
        ),
        (
            "promote",
            "dev",
            {"from": "dev", "revision": 7, "kept": ["/defaultLanguage"]},
            "Promoted from dev, revision 7, kept its own where both had changed",
        ),
        ("duplicate", "dev", {"from": "dev", "revision": 2}, "Begun as a copy of dev, revision 2"),
        ("duplicate", "dev", None, "Begun as a copy of dev"),
        ("of a version to come", None, None, "of a version to come"),
    ],
)
def test_each_has_its_words(origin, detail, transfer, said):
    assert ", ".join(map(str, origin_words(origin, detail, transfer))) == said
