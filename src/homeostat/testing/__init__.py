"""Shipped for users: simulated clocks and state, faults, and a conformance suite per port.

To check a backend of your own, subclass a suite in your tests and give its one fixture::

    from homeostat.testing.ledger_conformance import LedgerConformance

    class TestMyLedger(LedgerConformance):
        @pytest.fixture
        def open_ledger(self, tmp_path):
            return lambda model: MyLedger(tmp_path / "state", model)
"""
