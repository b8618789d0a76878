"""What holds for every provider with an address of its own in each region, asked in the same words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from webapp.connectors.regional import RegionalConnector


class RegionalTests:
    """Inherit, and say which addresses are whose; each list has to have something in it."""

    regional: ClassVar[type[RegionalConnector[Any]]]
    complete: ClassVar[Mapping[str, Any]]
    same_place: ClassVar[tuple[Mapping[str, Any], ...]]
    """Changes of the settings that lead to another public endpoint of the provider."""
    other_places: ClassVar[tuple[str, ...]]
    """Endpoints that are not among the provider's public ones."""
    of_another_region: ClassVar[tuple[str, str]]
    """An endpoint of the provider in another region than the complete settings choose, and that region."""
    misspelt: ClassVar[tuple[tuple[str, str], ...]]
    """A region as typed, and the one that was meant."""

    def test_every_region_has_its_address(self):
        regions = self.regional.regions

        assert regions.known
        for region, _ in regions.known:
            assert regions.is_public(regions.address(region))
            assert regions.region_in(regions.address(region)) == region

    def test_another_region_is_the_same_place_for_the_secret(self):
        here = self.regional.destination(self.complete)

        assert self.same_place
        for other in self.same_place:
            assert self.regional.destination({**self.complete, **other}).keeps_secrets_of(here), other

    def test_every_other_endpoint_is_a_place_of_its_own(self):
        here = self.regional.destination(self.complete)

        assert self.other_places
        for endpoint in self.other_places:
            there = self.regional.destination({**self.complete, "endpoint": endpoint})
            assert not there.keeps_secrets_of(here), endpoint

    def test_an_endpoint_of_another_region_is_told_with_the_way_out(self):
        endpoint, region = self.of_another_region

        ((pointer, problem),) = self.regional.contradictions({**self.complete, "endpoint": endpoint})

        assert pointer == "/endpoint"
        path = f"/connector/config/{self.regional.regions.setting}"
        assert [each.to_json() for each in problem.patch] == [{"op": "add", "path": path, "value": region}]

    def test_an_unknown_region_is_told_with_the_likely_one(self):
        setting = self.regional.regions.setting

        assert self.misspelt
        for typed, meant in self.misspelt:
            ((pointer, problem),) = self.regional.contradictions({**self.complete, setting: typed})
            assert pointer == f"/{setting}"
            assert problem.patch[0].value == meant
            assert f"Did you mean {meant}?" in [str(step) for step in problem.steps]

    def test_an_unknown_region_with_an_endpoint_of_its_own_is_nobodys_business(self):
        settings = {
            **self.complete,
            self.regional.regions.setting: "xx-north-1",
            "endpoint": "https://proxy.example.net",
        }

        assert self.regional.contradictions(settings) == []
