"""Files that somebody made to do harm, or spoilt on the way, and others that are only odd."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from tests.canary import CANARY
from tests.services.transfer.house import LONG
from webapp.domain.tenant_document import TenantDocument
from webapp.services.transfer.writing import as_json, as_yaml

PHRASE = f"{CANARY} paper boats"
_BEGINS, _ENDS = "-----BEGIN AGE ENCRYPTED FILE-----", "-----END AGE ENCRYPTED FILE-----"

Document = dict[str, Any]
Make = Callable[[Document], str | bytes]


def changed(document: Document, *path: str, to: Any) -> Document:
    """A document with another value at one place of its setup, and without the hash that does not fit any more."""
    setup = deepcopy(document["setup"])
    inner = setup
    for step in path[:-1]:
        inner = inner.setdefault(step, {})
    inner[path[-1]] = to
    return {"format": document["format"], "version": document["version"], "setup": setup}


def _put(*path: str, to: Any) -> Make:
    return lambda document: json.dumps(changed(document, *path, to=to))


def _top(**members: Any) -> Make:
    return lambda document: json.dumps({**document, **members})


def _text(text: str | bytes) -> Make:
    return lambda document: text


def _sealed(sealed: str) -> Make:
    return lambda document: json.dumps({**document, "secrets": sealed})


def heavy() -> str:
    """A sealed part whose opening would take 2^30 blocks of work."""
    raw = (
        b"age-encryption.org/v1\n-> scrypt "
        + b"A" * 22
        + b" 30\n"
        + b"B" * 43
        + b"\n--- "
        + b"C" * 43
        + b"\n"
        + b"D" * 99
    )
    return f"{_BEGINS}\n{base64.b64encode(raw).decode()}\n{_ENDS}"


BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)
CELL = {"contentType": "text/html", "subject": "Hello", "content": "{{code}}"}
_MAIL = ("templates", "Generic", "*")

REFUSED: dict[str, Make] = {
    "nothing": _text(" \n"),
    "truncated json": lambda document: as_json(TenantDocument.of(document))[:-40],
    "truncated in a string": lambda document: as_json(TenantDocument.of(document)).partition("smtp.")[0],
    "truncated yaml": lambda document: as_yaml(TenantDocument.of(document)).partition("host:")[0] + "   host: [",
    "a list": _text("[]"),
    "a number": _text("7"),
    "words": _text("Dear Sir or Madam"),
    "html": _text("<!doctype html><html><body>Sign in</body></html>"),
    "nested json": _text('{"format":"postroom/setup","version":1,"setup":' + '{"a":' * 100_000 + "1" + "}" * 100_001),
    "nested lists": _text("[" * 200_000),
    "nested yaml": _text("setup: " + "{a: " * 20_000),
    "nested dashes": _text("- " * 20_000),
    "aliases that explode": _text(BOMB),
    "an alias of itself": _text("a: &a [*a]\n"),
    "a merge key": _text("a: &a {b: 1}\nc:\n  <<: *a\n"),
    "a call": _text("!!python/object/apply:os.system [id]"),
    "a key twice": lambda document: json.dumps(document)[:-1] + ', "setup": {}}',
    "a key twice in yaml": lambda document: as_yaml(TenantDocument.of(document)) + "version: 1\n",
    "a key twice deep inside": lambda document: json.dumps(document).replace('"port":', '"port": 1, "port":', 1),
    "another format": _top(format="postroom/other"),
    "no format": _text('{"setup": {}}'),
    "a later version": _top(version=2),
    "an earlier version": _top(version=0),
    "a version as text": _top(version="1"),
    "a version that is true": _top(version=True),
    "an endless version": _text('{"format": "postroom/setup", "setup": {}, "version": ' + "9" * 5000 + "}"),
    "a setup that is a list": _top(setup=[]),
    "no setup": lambda document: json.dumps({"format": document["format"], "version": 1}),
    "another hash": _top(contentHash="sha256:" + "0" * 64),
    "a hash of another kind": _top(contentHash="md5:0"),
    "a hash that is a number": _top(contentHash=7),
    "changed after export": lambda document: json.dumps(document).replace("smtp.", "smtq.", 1),
    "a sealed part that is none": _sealed("secrets"),
    "a sealed part that is a list": _top(secrets=[]),
    "a sealed part of endless work": lambda document: json.dumps({**document, "secrets": heavy()}),
    "a sealed part without end": _sealed(_BEGINS + "\n" + "A" * 1_000_000),
    "not a number": _put("verificationCode", to={"length": float("nan")}),
    "nul bytes": _text(b"\x00" * 1000),
    "nul in a value": _put("connector", "config", "fromEmail", to="a\x00@example.com"),
    "half a character": _put(*_MAIL, to={**CELL, "subject": "\ud800"}),
    "a line break in a header": _put(*_MAIL, to={**CELL, "subject": "Hello\r\nBcc: mallory@example.org"}),
    "a control character in a host": _put("connector", "config", "host", to="smtp.example.com\x1b[2J"),
    "a bell in the text": _text(b'{"format": "postroom/setup\x07"}'),
    "utf-16": lambda document: json.dumps(document).encode("utf-16"),
    "utf-16 without a mark": lambda document: json.dumps(document).encode("utf-16-le"),
    "latin-1": lambda document: json.dumps(changed(document, "note", to="ü"), ensure_ascii=False).encode("latin-1"),
    "a picture": _text(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 10),
    "an archive": _text(b"PK\x03\x04" + bytes(range(256)) * 10),
    "__proto__ at the top": lambda document: json.dumps({**document, "__proto__": {"version": 1}}),
    "__proto__ in the setup": _put("__proto__", to={"connector": None}),
    "constructor in the config": _put("connector", "config", "constructor", to={"prototype": {"port": 1}}),
    "__proto__ as a usage type": _put("templates", "__proto__", to={"*": CELL}),
    "toString as a language": _put("templates", "Generic", "to_String_", to=CELL),
    "__class__ as a provider": _put("connector", "provider", to="__class__"),
    "a provider of nobody": _put("connector", "provider", to="../../etc/passwd"),
    "a secret of nowhere": _put("connector", "config", "host", to={"$secret": {"set": True}}),
    "a slot of another place": _put("connector", "config", "fromEmail", to={"$secret": {"slot": "smtp.auth.pass"}}),
    "a secret of the operator": _put(
        "connector", "config", "auth", "pass", to={"$secret": {"env": "POSTROOM_SECRET_KEYS"}}
    ),
    "an environment of its own": _put("environment", to="production"),
    "an allowlist of its own": _put("allowlist", to=["*@example.com"]),
    "members of its own": _top(members=[{"email": "mallory@example.org", "role": "owner"}]),
    "another tenant": _top(tenant="prod"),
    "a number of its own": _put("revision", to=99),
    "a hundred thousand keys": _put("connector", "config", "customHeaders", to={f"X-{n}": "1" for n in range(100_000)}),
    "a hundred thousand mails": _put("templates", "Generic", to={f"x{n}": {} for n in range(100_000)}),
    "a hundred thousand members": lambda document: json.dumps({**document, **{f"x{n}": 1 for n in range(100_000)}}),
    "a hundred thousand settings": _put("connector", "config", to={f"x{n}": 1 for n in range(100_000)}),
    "a hundred thousand addresses": _put("addressPolicy", "block", to=[f"{n}@example.com" for n in range(100_000)]),
    "a key of a million letters": _put("k" * 1_000_000, to=1),
    "five million letters in a host": _put("connector", "config", "host", to="a" * 4_900_000),
    "five million letters in a mail": _put(*_MAIL, to={**CELL, "content": "{{code}}" + "a" * 4_900_000}),
    "a host of many labels": _put("connector", "config", "host", to="a." * 500_000),
    "a sender of many brackets": _put("connector", "config", "fromEmail", to="(" * 1_000_000 + "a@example.com"),
    "a sender of many quotes": _put("connector", "config", "fromEmail", to='"\\' * 500_000 + "<a@example.com>"),
    "a sender of many at signs": _put("connector", "config", "fromEmail", to="a@" * 500_000),
    "a language of many parts": _put("defaultLanguage", to="en-" + "a-" * 500_000 + "!"),
    "an endless port": _put("connector", "config", "port", to="9" * 1_000_000),
    "a header of blanks": _put("connector", "config", "customHeaders", to={"X" + " " * 500_000: " " * 500_000 + "\n"}),
}  # fmt: skip
"""What is never taken. Each makes a file of a good document of the tenant."""

HARMLESS: dict[str, Make] = {
    "a byte order mark": lambda document: b"\xef\xbb\xbf" + as_yaml(TenantDocument.of(document)).encode(),
    "no hash": lambda document: json.dumps({key: part for key, part in document.items() if key != "contentHash"}),
    "windows line ends": lambda document: as_json(TenantDocument.of(document)).replace("\n", "\r\n"),
    "every letter escaped": lambda document: json.dumps(document, ensure_ascii=True),
    "a mail full of braces": _put(*_MAIL, to={**CELL, "content": "{{code}}" + "{{" * 100_000}),
    "a mail full of half placeholders": _put(*_MAIL, to={**CELL, "content": "{{code}}" + "{{ a." * 50_000}),
    "a mail full of blanks": _put(*_MAIL, to={**CELL, "content": "{{code}}{{" + " " * 200_000 + "!"}),
    "a mail full of tags": _put(*_MAIL, to={**CELL, "content": "{{code}}" + "<div><p>" * 25_000}),
    "a mail full of brackets": _put(*_MAIL, to={**CELL, "content": "{{code}}" + "<" * 200_000}),
    "a mail full of comments": _put(*_MAIL, to={**CELL, "content": "{{code}}" + "<!--" * 50_000}),
    "a mail full of entities": _put(*_MAIL, to={**CELL, "content": "{{code}}" + "&#" * 100_000}),
    "a thousand addresses": _put("addressPolicy", "block", to=[f"{n}@example.com" for n in range(1000)]),
    "a hundred languages": _put("templates", "Generic", to={
        "x" + "abcdefghij"[n // 10] + "abcdefghij"[n % 10]: CELL for n in range(99)
    }),
    "a script": _put(*_MAIL, to={**CELL, "subject": "<script>alert(1)</script>"}),
    "constructor as a header": _put("connector", "config", "customHeaders", to={"constructor": "__proto__"}),
}  # fmt: skip
"""What is odd and may be taken."""

_SLOW = ("a hundred thousand", "five million")
OVER_THE_WIRE = [name for name in REFUSED if LONG or name == "a hundred thousand keys" or not name.startswith(_SLOW)]
"""Those that are given to the API and to the page too."""
WORST = ("nested json", "aliases that explode", "a hundred thousand mails", "five million letters in a mail")
"""Those that take the most memory."""
