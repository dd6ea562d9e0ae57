"""Core: regular charging sessions."""

from tests.conformance.v16.tester import TOKEN, Tester


def test_tc_003_cs(tester: Tester) -> None:
    """Regular Charging Session - Plugin First"""
    tester.occupied()
    tester.authorized()
    tester.started(idTag=TOKEN)
