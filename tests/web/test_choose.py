"""Choosing a provider: cards, search, and what a choice fills in."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.peers.ports import free_port
from tests.web.conftest import ADA, Browser, House
from tests.web.filling import FORM, VALUES, choose, fill, shown
from webapp.domain.roles import Role

CHOOSE = f"{FORM}/choose"


class TestCards:
    def test_each_provider_is_a_card_that_says_when_to_choose_it(self, ada: Browser) -> None:
        page = ada.get(CHOOSE).text

        assert page.count("Choose this ") == page.count("card-choice-summary")
        assert 'value="smtp:gmail"' in page
        assert "Something else, by SMTP" in page

    def test_providers_stand_in_groups_by_what_they_are(self, ada: Browser) -> None:
        page = ada.get(CHOOSE).text

        order = ["Sending services", "smtp:postmark", "Mailboxes", "smtp:gmail", "Everything else", 'value="smtp"']
        places = [page.index(each) for each in order]
        assert places == sorted(places)

    def test_a_group_without_a_hit_is_left_out(self, ada: Browser) -> None:
        page = ada.get(f"{CHOOSE}?q=fastmail").text

        assert "Mailboxes" in page
        assert "Sending services" not in page

    def test_the_search_works_without_scripts(self, ada: Browser) -> None:
        page = ada.get(f"{CHOOSE}?q=google+relay").text

        assert 'value="smtp:google-workspace-relay"' in page
        assert 'value="smtp:mailjet"' not in page

    def test_a_search_without_result_offers_something_else(self, ada: Browser) -> None:
        page = ada.get(f"{CHOOSE}?q=carrier+pigeon").text

        assert "No provider has these words" in page
        assert 'value="smtp"' in page

    def test_the_sandbox_comes_first_in_development_and_never_in_production(
        self, open_house: Callable[..., House]
    ) -> None:
        ada = open_house(sandbox_smtp_port=free_port()).signed_in(ADA)

        assert ada.get(CHOOSE).text.index("smtp:sandbox") < ada.page.index("smtp:gmail")
        assert "smtp:sandbox" not in ada.get("/t/prod/connector/choose").text

    def test_the_provider_that_is_chosen_is_marked(self, ada: Browser) -> None:
        choose(ada, "smtp:gmail")

        assert "Set up now" in ada.get(CHOOSE).text.partition('value="smtp:gmail"')[2].partition("</button>")[0]


class TestChoosing:
    def test_nothing_set_up_leads_to_the_cards(self, ada: Browser) -> None:
        assert ada.get(FORM).location == CHOOSE

    def test_a_preset_fills_in_what_is_known_and_speaks_the_providers_words(self, ada: Browser) -> None:
        choose(ada, "smtp:gmail")

        assert shown(ada)["host"] == "smtp.gmail.com"
        assert shown(ada)["auth.pass"] == ""
        assert "App password" in ada.page

    def test_the_sandbox_fills_in_everything(self, open_house: Callable[..., House]) -> None:
        port = free_port()
        ada = open_house(sandbox_smtp_port=port).signed_in(ADA)

        choose(ada, "smtp:sandbox")

        assert (shown(ada)["port"], shown(ada)["auth.user"]) == (str(port), "dev")
        assert "New, not saved yet" in ada.page
        assert ada.get(f"{FORM}/review").status_code == 200

    def test_the_sender_is_carried_over_and_credentials_are_not(self, ada: Browser) -> None:
        fill(ada)

        choose(ada, "smtp:gmail")

        assert shown(ada)["fromEmail"] == VALUES["fromEmail"]
        assert shown(ada)["auth.user"] == ""
        assert "New, not saved yet" not in ada.page

    def test_choosing_the_current_one_again_keeps_what_is_typed(self, ada: Browser) -> None:
        fill(ada)

        choose(ada, "smtp")

        assert shown(ada)["auth.user"] == "ada"

    def test_a_provider_that_does_not_exist_is_not_found(self, ada: Browser) -> None:
        ada.get(CHOOSE)

        assert ada.post(CHOOSE, {"provider": "pigeon"}).status_code == 404

    @pytest.mark.parametrize("slug", ["dev", "prod"])
    def test_a_viewer_may_not_choose(self, house: House, bob: Browser, slug: str) -> None:
        house.make_bob(Role.VIEWER)

        assert bob.get(f"/t/{slug}/connector/choose").status_code == 403
