"""What became of each case, gathered while pytest runs, and the table of it."""

from collections.abc import Iterable, Iterator, Mapping

import pytest

from tests.conformance.catalogue import Case, case_id

RED, GREEN, BOLD, PLAIN = "\33[31m", "\33[32m", "\33[1m", "\33[0m"


class Gathered:
    """A pytest plugin: the outcome of every case; with xdist it stands in the process that hears all reports.

    A case with several variants has passed when all of them have. A skipped one has not passed.
    """

    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}
        """by case: "" for passed, else what went wrong"""
        self.strays: list[str] = []
        """what else failed: tests of no case, files that cannot be read"""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        id_ = case_id(report.nodeid.rpartition("::")[2].partition("[")[0])
        wrong = "" if report.passed else self._what(report)
        if id_ is None:
            self.strays += [f"{report.nodeid}: {wrong}"] if wrong else []
        elif not self.outcomes.get(id_):
            self.outcomes[id_] = wrong

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.strays.append(f"{report.nodeid}: cannot be collected")

    def _what(self, report: pytest.TestReport) -> str:
        variant = report.nodeid.partition("[")[2].rstrip("]")
        where = f" [{variant}]" if variant else ""
        if report.skipped:
            return f"skipped{where}"
        crash = getattr(report.longrepr, "reprcrash", None)
        return f"{crash.message.splitlines()[0] if crash else report.when}{where}"


def table(cases: Mapping[str, Case], outcomes: Mapping[str, str], reasons: Mapping[str, str], *, colour: bool) -> str:
    """A row a profile; then what failed, and what does not apply, each with its reason."""
    failed = {id_: outcomes.get(id_, "no result") for id_ in cases if id_ not in reasons and outcomes.get(id_, "-")}
    rows = [("profile", "cases", "passed", "failed", "not applicable")]
    for profile in dict.fromkeys(case.profile for case in cases.values()):
        rows.append((profile, *_counts([c for c in cases.values() if c.profile == profile], failed, reasons)))
    rows.append(("all", *_counts(cases.values(), failed, reasons)))
    lines = list(_aligned(rows))
    lines[0] = _paint(lines[0], BOLD, colour)
    lines[-1] = _paint(lines[-1], RED if failed else GREEN, colour)
    lines += _listed("Failed", cases, failed)
    lines += _listed("Not applicable", cases, {id_: reasons[id_] for id_ in cases if id_ in reasons})
    return "\n".join(lines)


def _counts(cases: Iterable[Case], failed: Mapping[str, str], reasons: Mapping[str, str]) -> tuple[str, ...]:
    ids = [case.id for case in cases]
    bad, out = sum(id_ in failed for id_ in ids), sum(id_ in reasons for id_ in ids)
    return str(len(ids)), str(len(ids) - bad - out), str(bad), str(out)


def _listed(title: str, cases: Mapping[str, Case], why: Mapping[str, str]) -> Iterator[str]:
    if why:
        yield f"\n{title}:"
        for id_, reason in why.items():
            yield f"  {id_}  {cases[id_].name}\n              {reason}"


def _aligned(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for first, *numbers in rows:
        yield "  ".join([first.ljust(widths[0]), *map(str.rjust, numbers, widths[1:])])


def _paint(text: str, paint: str, colour: bool) -> str:
    return f"{paint}{text}{PLAIN}" if colour else text
