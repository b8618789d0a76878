from tests.services.conftest import PASSWORD


class TestSaving:
    def test_before_the_first_save_there_are_templates_and_no_connector(self, setups, dev):
        active = setups.active(dev)

        assert active.number == 0
        assert active.document["connector"] is None
        assert len(active.document["templates"]) == 9

    def test_what_was_saved_is_live_at_once(self, setups, ada, document):
        saved = setups.save(ada, document(), base=0)

        assert saved.created
        assert setups.active(ada.tenant).number == 1
        assert setups.active(ada.tenant).document["connector"]["config"]["host"] == "smtp.example.com"

    def test_saving_what_is_there_makes_no_revision(self, setups, ada, document):
        setups.save(ada, document(), base=0)

        again = setups.save(ada, document(), base=1)

        assert not again.created
        assert setups.active(ada.tenant).number == 1

    def test_the_stored_secret_is_used(self, setups, ada, document):
        setups.save(ada, document(), base=0)

        resolved = setups.resolve(ada.tenant)

        assert resolved.config.auth.password.get_secret_value() == PASSWORD
