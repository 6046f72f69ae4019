"""SARIF 2.1.0, as far as code scanning relies on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

from bridge.cli.linting.findings import MEANINGS, Rule
from tests.lint.conftest import SLOW, Command, Write

# What the standard requires of the parts that are used (2.1.0, sections 3.13 to 3.30).
TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
POSITIVE = {"type": "integer", "minimum": 1}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "additionalProperties": False,
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name", "rules"],
                                "properties": {
                                    "name": {"type": "string"},
                                    "semanticVersion": {"type": "string"},
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id"],
                                            "properties": {
                                                "id": {"type": "string"},
                                                "shortDescription": TEXT,
                                                "defaultConfiguration": {
                                                    "properties": {"level": LEVEL}
                                                },
                                            },
                                        },
                                    },
                                },
                            }
                        },
                    },
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message", "ruleId", "level", "locations"],
                            "additionalProperties": False,
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "level": LEVEL,
                                "message": TEXT,
                                "locations": {
                                    "type": "array",
                                    "minItems": 1,
                                    "items": {
                                        "required": ["physicalLocation"],
                                        "properties": {
                                            "physicalLocation": {
                                                "required": ["artifactLocation"],
                                                "properties": {
                                                    "artifactLocation": {
                                                        "required": ["uri"],
                                                        "properties": {
                                                            "uri": {"type": "string"},
                                                            "uriBaseId": {"const": "%SRCROOT%"},
                                                        },
                                                    },
                                                    "region": {
                                                        "required": ["startLine"],
                                                        "properties": {
                                                            "startLine": POSITIVE,
                                                            "startColumn": POSITIVE,
                                                        },
                                                    },
                                                },
                                            }
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}


def report(command: Command, *arguments: str) -> dict[str, Any]:
    _, output, _ = command("lint", *arguments, "--format", "sarif")
    found: dict[str, Any] = json.loads(output)
    jsonschema.validate(found, SCHEMA)
    return found


def test_findings_have_rule_level_and_region(command: Command, write: Write) -> None:
    name = write(SLOW, ("90ms", "90 ms"), name="k8s/slow carts.yaml")
    (run,) = report(command, "k8s")["runs"]
    (result,) = run["results"]
    rules = run["tool"]["driver"]["rules"]
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == "invalid"
    assert result["level"] == "error"
    assert result["message"]["text"].startswith("spec.delay.latency: ")
    (location,) = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "k8s/slow%20carts.yaml", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 12, "startColumn": 5},
    }
    (result,) = report(command, str(Path(name).absolute()))["runs"][0]["results"]
    artifact = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact["uri"].startswith("file:///")


def test_a_clean_run_has_no_results_but_all_rules(command: Command, write: Write) -> None:
    (run,) = report(command, write(SLOW))["runs"]
    assert run["results"] == []
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == list(Rule)
    assert set(MEANINGS) == set(Rule)


def test_strict_raises_the_level(command: Command, write: Write) -> None:
    name = write(SLOW, ("  delay:\n    latency: 90ms\n", ""))
    levels = [
        report(command, name, *further)["runs"][0]["results"][0]["level"]
        for further in ([], ["--strict"])
    ]
    assert levels == ["warning", "error"]
