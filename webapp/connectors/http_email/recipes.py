"""What an endpoint, and what stands in front of it, may answer, as problems."""

from __future__ import annotations

from typing import Final

from webapp.connectors.recipe import Recipe
from webapp.domain.text import T

_LOG: Final = T("Look into the log of your endpoint: it knows more than it answered.")
_WORDS: Final = T("Read the endpoint's own words below.")
_ADDRESS: Final = T("Compare the address with the one that your endpoint is published at, letter by letter.")
_SHAPE: Final = T("The guide shows the request that Postroom makes, and an endpoint that takes it.")

_OPEN: Final[dict[str, Recipe]] = {
    "http-email.only_reached": Recipe(
        T("Only the way there was checked"),
        T(
            "“%(host)s” can be reached. Whether the endpoint takes mail shows in a test send alone: any other request "
            "could set something off there, and would prove nothing."
        ),
        (T("Send a test before you save."),),
    ),
    "http-email.key_in_address": Recipe(
        T("The endpoint's address carries a key"),
        T("Its parameter “%(name)s” looks like one. Who may read the setup, an export or a log can read the address."),
        (T("If your endpoint takes it in a header, put it into the authorization header, which stays secret here."),),
    ),
    "http-email.sender_missing": Recipe(
        T("A finished mail needs a sender"),
        T("Mails are made here and handed over finished, but nothing says who they come from."),
        (T("Fill in From, or send the values instead."),),
    ),
    "http-email.answered_with_page": Recipe(
        T("The endpoint answered with a web page"),
        T("“%(host)s” said that all went well, but with a page for a browser. A website may be answering there."),
        (_ADDRESS, T("Make sure that the mail arrived.")),
    ),
}

_DOORS: Final[dict[str, Recipe]] = {
    "http-email.authorization_refused": Recipe(
        T("The endpoint does not accept the authorization"),
        T("“%(host)s” answered %(status)s: the authorization header is missing, or not what it expects."),
        (
            T("Put the whole value of the header in, with the word before the token, such as Bearer and a blank."),
            T("Compare the token with the one that your endpoint knows; copy it again without blanks at its ends."),
            _LOG,
        ),
    ),
    "http-email.signature_refused": Recipe(
        T("The endpoint does not accept the signature"),
        T("“%(host)s” answered %(status)s: it checked the signature of the request, and it did not fit."),
        (
            T("Use the same signing secret on both sides, with whsec_ before it."),
            T("Check the signature over the body as it came, byte for byte, before anything reads it as JSON."),
            T("Compare the clocks: a request is mostly good for five minutes."),
        ),
    ),
    "http-email.forbidden": Recipe(
        T("The endpoint does not let this request in"),
        T("“%(host)s” answered %(status)s: it, or what stands in front of it, refuses who asks."),
        (
            _WORDS,
            T("If it lets certain addresses in only, add the one that Postroom connects from."),
            T("If it wants a key or a token, put it into the authorization header."),
        ),
    ),
    "http-email.behind_a_login": Recipe(
        T("A login of the provider stands in front of the endpoint"),
        T("“%(host)s” answered %(status)s: the request never got to your code, because the provider asks who it is."),
        (
            T(
                "Publish the function for callers without an account of the provider, and check the authorization "
                "header or the signature in it instead."
            ),
            _WORDS,
        ),
    ),
    "http-email.blocked_by_firewall": Recipe(
        T("A firewall in front of the endpoint blocks the request"),
        T("“%(host)s” answered %(status)s: its protection takes Postroom for a robot, or does not know its address."),
        (
            T("Add a rule there that lets POST requests to this path pass, or those from Postroom's address."),
            T("Switch checks that need a browser off for this path."),
        ),
    ),
    "http-email.form_protection": Recipe(
        T("The endpoint takes the request for a form"),
        T("“%(host)s” answered %(status)s: its protection of forms (CSRF) wants a token that only its own pages have."),
        (T("Switch this protection off for the path of the endpoint, and check the authorization header instead."),),
    ),
}

_PLACES: Final[dict[str, Recipe]] = {
    "http-email.nothing_there": Recipe(
        T("There is no endpoint at this address"),
        T("“%(host)s” answered %(status)s: it has nothing for a POST request to this path."),
        (_ADDRESS, T("Check that the path takes POST, and whether it ends with a slash."), _WORDS),
    ),
    "http-email.route_unknown": Recipe(
        T("The gateway knows no such path"),
        T(
            "“%(host)s” speaks of a missing token, but means the path: this gateway answers so whenever path, stage or "
            "method are not among its routes."
        ),
        (
            T("Put the whole address in, with stage and path, as the gateway shows it."),
            T("Check that the route takes POST, and deploy it again."),
        ),
    ),
    "http-email.not_deployed": Recipe(
        T("Nothing is published at this name"),
        T("“%(host)s” answered %(status)s: the provider knows the name, but no application behind it."),
        (T("Publish the application again, or put its new address in."), _ADDRESS),
    ),
    "http-email.not_listening": Recipe(
        T("The workflow does not listen"),
        T("“%(host)s” answered %(status)s: this webhook is not registered, so nobody takes the request."),
        (
            T("Switch the workflow on, and use its production address: a test address listens for a moment only."),
            T("Check that the webhook takes POST."),
        ),
    ),
    "http-email.gone": Recipe(
        T("The endpoint is gone"),
        T("“%(host)s” answered %(status)s: what was at this address has been taken away for good."),
        (T("Put the new address in, or make the endpoint again."),),
    ),
    "http-email.method_refused": Recipe(
        T("The address does not take POST"),
        T("“%(host)s” answered %(status)s: something is there, but not for POST requests."),
        (T("Let your endpoint take POST at exactly this path."), _ADDRESS),
    ),
    "http-email.redirected": Recipe(
        T("The address leads somewhere else"),
        T("“%(host)s” answered %(status)s and named another address. Postroom takes neither mail nor secrets there."),
        (
            T("Put the address in that answers itself. Mind the final slash, “www.” and the path."),
            T("If it leads to a page for signing in, the endpoint is not open for machines."),
        ),
    ),
}

_WORK: Final[dict[str, Recipe]] = {
    "http-email.media_type_refused": Recipe(
        T("The endpoint wants another kind of body"),
        T("“%(host)s” answered %(status)s: it does not take JSON."),
        (T("Let it read a body of the type application/json."), _SHAPE),
    ),
    "http-email.body_refused": Recipe(
        T("The endpoint does not accept what the request says"),
        T("“%(host)s” answered %(status)s: the body is not what it expects."),
        (
            _WORDS,
            _SHAPE,
            T("Check what is sent: the values, or the finished mail. It is one of the settings."),
        ),
    ),
    "http-email.rate_limited": Recipe(
        T("The endpoint gets too many requests"),
        T("“%(host)s” answered %(status)s: requests come faster than it takes them."),
        (
            _WORDS,
            T("Wait as long as it says, or a minute, and try again."),
            T("Raise its limit if this happens often."),
        ),
        temporary=True,
    ),
    "http-email.quota_used_up": Recipe(
        T("The plan of the endpoint's provider is used up"),
        T("“%(host)s” answered %(status)s: the provider takes no more requests until the plan opens or is raised."),
        (_WORDS, T("Look at the usage of the account there.")),
    ),
    "http-email.code_failed": Recipe(
        T("The code of the endpoint failed"),
        T("“%(host)s” answered %(status)s: the provider started your code, and it ended with an error."),
        (_LOG, T("Send the request that the guide shows to it by hand.")),
        temporary=True,
    ),
    "http-email.origin_down": Recipe(
        T("What stands behind the address is down"),
        T("“%(host)s” answered %(status)s: the network in front of the endpoint could not connect to it."),
        (
            T("Start the server, or the tunnel, and look whether it takes connections from that network."),
            T("Check its certificate and the address that the network has of it."),
        ),
        temporary=True,
    ),
}

RECIPES: Final[dict[str, Recipe]] = {**_OPEN, **_DOORS, **_PLACES, **_WORK}
"""Problem code to recipe."""
