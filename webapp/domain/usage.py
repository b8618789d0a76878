"""What a mail is for, and which end-user flows send it."""

from enum import StrEnum

from webapp.domain.text import T, Text


class UsageType(StrEnum):
    """The nine purposes of a mail; the names are those that identity systems send."""

    SIGN_IN = "SignIn"
    REGISTER = "Register"
    FORGOT_PASSWORD = "ForgotPassword"  # noqa: S105  a usage type, not a password
    ORGANIZATION_INVITATION = "OrganizationInvitation"
    GENERIC = "Generic"
    USER_PERMISSION_VALIDATION = "UserPermissionValidation"
    BIND_NEW_IDENTIFIER = "BindNewIdentifier"
    MFA_VERIFICATION = "MfaVerification"
    BIND_MFA = "BindMfa"

    @property
    def title(self) -> Text:  # type: ignore[override]  # str has a method of this name
        return _TITLES[self]

    @property
    def purpose(self) -> Text:
        """When this mail goes out, in a sentence for the admin."""
        return _PURPOSES[self]

    @property
    def required_variable(self) -> str:
        """The variable without which this mail is useless: the link of an invitation, else the code."""
        return "link" if self is UsageType.ORGANIZATION_INVITATION else "code"


_TITLES = {
    UsageType.SIGN_IN: T("Sign in"),
    UsageType.REGISTER: T("Register"),
    UsageType.FORGOT_PASSWORD: T("Forgot password"),
    UsageType.ORGANIZATION_INVITATION: T("Organization invitation"),
    UsageType.GENERIC: T("Generic"),
    UsageType.USER_PERMISSION_VALIDATION: T("Permission check"),
    UsageType.BIND_NEW_IDENTIFIER: T("New email address"),
    UsageType.MFA_VERIFICATION: T("Second factor"),
    UsageType.BIND_MFA: T("Set up second factor"),
}

_PURPOSES = {
    UsageType.SIGN_IN: T("Someone signs in with a code instead of a password."),
    UsageType.REGISTER: T("Someone creates an account and proves the address."),
    UsageType.FORGOT_PASSWORD: T("Someone resets a forgotten password."),
    UsageType.ORGANIZATION_INVITATION: T("Someone is invited to an organization; carries a link, not a code."),
    UsageType.GENERIC: T("Everything without a template of its own falls back to this one."),
    UsageType.USER_PERMISSION_VALIDATION: T("A signed-in person confirms a sensitive action."),
    UsageType.BIND_NEW_IDENTIFIER: T("A signed-in person adds or changes the email address."),
    UsageType.MFA_VERIFICATION: T("A second factor is asked for at sign-in."),
    UsageType.BIND_MFA: T("A signed-in person turns on email as second factor."),
}

FLOW_USAGE_TYPES: dict[str, tuple[UsageType, ...]] = {
    "signUp": (UsageType.REGISTER,),
    "signIn": (UsageType.SIGN_IN,),
    "forgotPassword": (UsageType.FORGOT_PASSWORD,),
    "mfa": (UsageType.MFA_VERIFICATION, UsageType.BIND_MFA),
    "account": (UsageType.BIND_NEW_IDENTIFIER,),
    "organizationInvitation": (UsageType.ORGANIZATION_INVITATION,),
}
"""Flow to usage types. Generic and UserPermissionValidation are never gated by a flow."""

FLOW_TITLES: dict[str, Text] = {
    "signUp": T("Sign-up with email verification"),
    "signIn": T("Sign-in with an email code"),
    "forgotPassword": T("Password reset by email"),
    "mfa": T("Email as second factor"),
    "account": T("Changing the email address"),
    "organizationInvitation": T("Organization invitations"),
}
