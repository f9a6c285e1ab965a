"""JUnit XML in the form that pytest writes by default (xunit2), which CI servers read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree

from trainband.results.pages.formats import printable

Kind = Literal["failure", "error", "skipped"]
_COUNTS: dict[str, Kind] = {"failures": "failure", "errors": "error", "skipped": "skipped"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A test case. `kind` is None where it passed; `output` becomes its standard output, without control characters."""

    classname: str
    name: str
    kind: Kind | None = None
    type: str | None = None
    message: str = ""
    output: str = ""
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Cases that ran together. `timestamp` is ISO 8601; None where nothing of it was judged."""

    name: str
    timestamp: str | None
    cases: Sequence[Case]


def junit_xml(suites: Sequence[Suite]) -> str:
    """The document."""
    root = ElementTree.Element("testsuites")
    root.extend(map(_suite, suites))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(suite: Suite) -> ElementTree.Element:
    cases = suite.cases
    facts = {"name": suite.name, "tests": str(len(cases))}
    if suite.timestamp is not None:
        facts["timestamp"] = suite.timestamp[:19]  # readers want no zone and no fraction
    facts |= {name: str(sum(case.kind == kind for case in cases)) for name, kind in _COUNTS.items()}
    if any(case.seconds is not None for case in cases):
        facts["time"] = f"{sum(case.seconds or 0.0 for case in cases):.3f}"
    element = ElementTree.Element("testsuite", facts)
    element.extend(map(_case, cases))
    return element


def _case(case: Case) -> ElementTree.Element:
    facts = {"classname": case.classname, "name": printable(case.name)}
    if case.seconds is not None:
        facts["time"] = f"{case.seconds:.3f}"
    element = ElementTree.Element("testcase", facts)
    if case.kind is not None:
        kind = {"type": case.type} if case.type is not None else {}
        ElementTree.SubElement(element, case.kind, {**kind, "message": printable(case.message)})
    if case.output:
        ElementTree.SubElement(element, "system-out").text = printable(case.output)
    return element
