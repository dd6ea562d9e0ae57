"""What became of each case, gathered while pytest runs, and the table of it."""

from collections.abc import Iterator, Mapping, Sequence

import pytest

from tests.conformance.catalogue import Programme, case_id

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


def failed(programme: Programme, outcomes: Mapping[str, str]) -> dict[str, str]:
    """What went wrong, by the case that should have passed."""
    due = (id_ for id_ in programme.cases() if id_ not in programme.not_applicable)
    return {id_: outcomes.get(id_, "no result") for id_ in due if outcomes.get(id_, "-")}


def table(programmes: Sequence[Programme], outcomes: Mapping[str, str], *, colour: bool) -> str:
    """A row a version and profile; then what failed, and what does not apply, each with its reason."""
    rows = [("OCPP", "profile", "cases", "passed", "failed", "not applicable")]
    bad = {programme.version: failed(programme, outcomes) for programme in programmes}
    for programme in programmes:
        cases = programme.cases().values()
        for profile in dict.fromkeys(case.profile for case in cases):
            here = [case.id for case in cases if case.profile == profile]
            rows.append((programme.version, profile, *_counts(here, bad[programme.version], programme.not_applicable)))
    rows.append(("all", "", *(str(sum(int(row[column]) for row in rows[1:])) for column in range(2, 6))))
    lines = list(_aligned(rows))
    lines[0] = _paint(lines[0], BOLD, colour)
    lines[-1] = _paint(lines[-1], RED if any(bad.values()) else GREEN, colour)
    for programme in programmes:
        lines += _listed("Failed", programme, bad[programme.version])
        lines += _listed("Not applicable", programme, programme.not_applicable)
    return "\n".join(lines)


def _counts(ids: Sequence[str], bad: Mapping[str, str], reasons: Mapping[str, str]) -> tuple[str, ...]:
    wrong, out = sum(id_ in bad for id_ in ids), sum(id_ in reasons for id_ in ids)
    return str(len(ids)), str(len(ids) - wrong - out), str(wrong), str(out)


def _listed(title: str, programme: Programme, why: Mapping[str, str]) -> Iterator[str]:
    if why:
        cases = programme.cases()
        yield f"\n{title}, OCPP {programme.version}:"
        for id_, reason in why.items():
            yield f"  {id_}  {cases[id_].name}\n              {reason}"


def _aligned(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for version, profile, *numbers in rows:
        texts = version.ljust(widths[0]), profile.ljust(widths[1])
        yield "  ".join([*texts, *map(str.rjust, numbers, widths[2:])])


def _paint(text: str, paint: str, colour: bool) -> str:
    return f"{paint}{text}{PLAIN}" if colour else text
