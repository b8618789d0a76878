"""Events about accounts and the installation in words: what follows the name of whoever did it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from webapp.domain.text import T, Text

ACCOUNT_DEEDS: Final[Mapping[str, tuple[Text, Text]]] = {
    "account.signed_in": (T("Signed in"), T("signed in")),
    "account.sessions_ended": (T("Ended all sessions"), T("signed out everywhere else")),
    "account.added": (T("Made an account"), T("made the account %(name)s")),
    "account.linked": (T("Came by the sign-in provider"), T("came by the sign-in provider for the first time")),
    "account.unlinked": (T("Forgot a sign-in"), T("had the old sign-in of %(name)s at the provider forgotten")),
    "account.switched_off": (T("Switched an account off"), T("switched the account %(name)s off")),
    "account.switched_on": (T("Switched an account on"), T("switched the account %(name)s on again")),
    "account.made_administrator": (T("Made an administrator"), T("made %(name)s an administrator")),
    "account.unmade_administrator": (T("Unmade an administrator"), T("made %(name)s no administrator any more")),
    "account.kept_as_last_administrator": (
        T("Kept the last administrator"),
        T("left %(name)s an administrator, the last one, although their groups no longer say so"),
    ),
    "account.link_made": (T("Made a link to an account"), T("made a one-time link for %(name)s")),
    "account.password_changed": (T("Changed a password"), T("changed a password")),
    "account.app_added": (T("Set up an authenticator app"), T("set up an authenticator app")),
    "account.app_removed": (T("Removed an authenticator app"), T("removed their authenticator app")),
    "account.passkey_added": (T("Added a passkey"), T("added the passkey “%(name)s”")),
    "account.passkey_renamed": (T("Renamed a passkey"), T("renamed a passkey to “%(name)s”")),
    "account.passkey_removed": (T("Removed a passkey"), T("removed the passkey “%(name)s”")),
    "account.recovery_codes_made": (T("Made recovery codes"), T("made new recovery codes")),
    "account.recovery_code_used": (T("Used a recovery code"), T("came in by a recovery code")),
    "account.second_factor_reset": (T("Reset a second step"), T("took the second step from an account")),
    "keys.rotated": (T("Rotated the keys"), T("encrypted all secrets anew under the newest key")),
    "keys.pruned": (T("Removed old keys"), T("removed keys that nothing needs any more")),
}
