"""A passkey's other half in software: a device that signs what a page asks it to, as browsers pass it on."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import encode_cbor


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@dataclass
class Authenticator:
    """Keeps one passkey. What it says of itself and of the page can be bent, to see it refused."""

    origin: str
    recognises: bool = True
    """Whether it has asked who holds it."""
    counter: int = 0
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()), repr=False)
    handle: str = ""

    def create(self, options: str, **bent: Any) -> str:
        """Answer ``navigator.credentials.create`` with a new passkey."""
        asked = json.loads(options)
        self.handle = asked["user"]["id"]
        numbers = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + encode_cbor(public)
        about = self._about(asked["rp"]["id"], attested)
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": about})
        said = self._said("webauthn.create", asked["challenge"], bent)
        return self._answer({"attestationObject": _text(attestation), "clientDataJSON": _text(said), "transports": []})

    def get(self, options: str, **bent: Any) -> str:
        """Answer ``navigator.credentials.get`` by signing the challenge."""
        asked = json.loads(options)
        self.counter += 1
        about, said = self._about(asked["rpId"]), self._said("webauthn.get", asked["challenge"], bent)
        signature = self.key.sign(about + hashlib.sha256(said).digest(), ec.ECDSA(hashes.SHA256()))
        response = {"authenticatorData": _text(about), "clientDataJSON": _text(said), "signature": _text(signature)}
        return self._answer({**response, "userHandle": bent.get("handle", self.handle)})

    def _about(self, party: str, attested: bytes = b"") -> bytes:
        flags = 1 | (4 if self.recognises else 0) | (64 if attested else 0)
        return hashlib.sha256(party.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4, "big") + attested

    def _said(self, kind: str, challenge: str, bent: dict[str, Any]) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said | {name: value for name, value in bent.items() if name in said}).encode()

    def _answer(self, response: dict[str, Any]) -> str:
        name = _text(self.credential_id)
        return json.dumps({"id": name, "rawId": name, "type": "public-key", "response": response})
