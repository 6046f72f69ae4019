"""Template files: read strictly, every oddity with its place."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from bridge.cli.files import LARGEST, TemplateFile, read_template
from bridge.model.notation import Place


def read(tmp_path: Path, text: str | bytes, name: str = "template.yaml") -> TemplateFile:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_template(str(path))


def found(file: TemplateFile) -> list[tuple[Place | None, str]]:
    return [(place, str(problem)) for place, problem in file.problems]


def test_yaml_and_json_hold_the_same(tmp_path: Path) -> None:
    document = {
        "description": "é \U0001f600",
        "n": [1, -2, 2.5, 1e3, True, False, None],
        "empty": {},
        "text": "yes",
    }
    as_json = read(tmp_path, json.dumps(document, indent="\t"), "template.json")
    as_yaml = read(
        tmp_path,
        "description: é \U0001f600\nn: [1, -2, 2.5, 1.0e+3, true, False, null]\n"
        "empty: {}\ntext: 'yes'\n",
    )
    assert (as_json.document, as_json.problems) == (document, [])
    assert (as_yaml.document, as_yaml.problems) == (document, [])


def test_everything_odd_is_reported_at_once(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        "a: yes\nb: 1:30\nc: 012\nd: 2026-01-01\ne: !!binary aGk=\non: 1\nf: {g: 1, g: 2}\n"
        "? [h]\n: 1\ni: .inf\nj: 18446744073709551616\nk: !Custom x\n",
    )
    places = [place for place, _ in found(file)]
    assert places == [
        (1, 4),
        (2, 4),
        (3, 4),
        (4, 4),
        (5, 4),
        (6, 1),
        (7, 11),
        (8, 3),
        (10, 4),
        (11, 4),
        (12, 4),
    ]
    words = "\n".join(text for _, text in found(file))
    assert 'a: "yes" is a boolean in YAML' in words
    assert "f.g: stands twice, first in line 7, column 5" in words


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: [1\nb: 2\n", (2, 2), "is not YAML"),
        ("a: 1\n\tb: 2\n", (2, 1), "is not YAML"),
        ("a: &x 1\nb: *x\nc: *x\n", (2, 4), 'uses the YAML alias "*x"'),
        ("a: " + "[" * 40 + "]" * 40, (1, 35), "nested more than 32"),
        ("a: 1\n---\nb: 2\n", (3, 1), "a second document begins here"),
        ("- 1\n", (1, 1), "holds no template"),
        ("", None, "is empty"),
        (b"a: \xff\n", (1, 1), "is not UTF-8 (byte 3)"),
        (b"a" * (LARGEST + 1), None, "larger than 1048576 bytes"),
        ("a: \x00\n", (1, 4), "has the character U+0000"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(
    tmp_path: Path, text: str | bytes, place: Place | None, words: str
) -> None:
    first, *_ = found(read(tmp_path, text))
    assert first[0] == place
    assert words in first[1]


def test_every_alias_is_reported_and_none_expanded(tmp_path: Path) -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{after}: &{after} [*{before}, *{before}]\n"
        for before, after in zip("abcdefgh", "bcdefghi", strict=True)
    )
    file = read(tmp_path, bomb)
    assert file.document is None
    assert len(file.problems) == 16


def test_json_is_not_taken_for_yaml(tmp_path: Path) -> None:
    file = read(tmp_path, '{"a": 1,\n"b": 2,}\n', "template.json")
    assert [place for place, _ in file.problems] == [(2, 7)] or [
        place for place, _ in file.problems
    ] == [(2, 8)]
    twice = read(tmp_path, '{"a": {"b": 1,\n\t"b": 2}}', "template.json")
    assert found(twice) == [
        (Place(2, 2), "a.b: stands twice, first in line 1, column 8; remove one of them")
    ]


def test_a_path_is_found_where_it_is_written(tmp_path: Path) -> None:
    file = read(tmp_path, 'a:\n  "b.c":\n    - x\n    - y: 1\n')
    assert file.place_of('a["b.c"][1].y') == (4, 7)
    assert file.place_of('a["b.c"][1].missing.more') == (4, 7)
    assert file.place_of('a["b.c"][0]') == (3, 7)
    assert file.place_of("elsewhere") == (1, 1)


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a: 1\n")))
    file = read_template("-")
    assert (file.name, file.document) == ("<stdin>", {"a": 1})
