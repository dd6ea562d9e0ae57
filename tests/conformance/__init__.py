"""Conformance: one test a case of the certification programme, named by its id, on the real process.

    make conformance                    the table: version, profile, cases, passed, failed, not applicable; key figures
    pytest tests/conformance -k b_01    one case; its transcript is shown when it fails

cases.tsv of a version lists the cases; `not_applicable.py` says of which and why a station like ours has no test.
`tester.py` (1.6: `v16/tester.py`) has what the tester does and expects, in the words of the test cases: `T>` the
tester sends, `S>` the station sends; `bench.py` what is the same in all versions. `stations.py` has the stations: of
four DC outlets, and what single cases need besides.
"""
