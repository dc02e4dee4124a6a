"""The JSON of a report has the form of its schema, which is generated from the dataclasses."""

import json
from pathlib import Path

import jsonschema
import pytest

import benchmarks
import samples
from benchmarks.fertility import measure, schema
from benchmarks.fertility.results import as_json

SCHEMA = json.loads(schema.PATH.read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def test_the_file_is_what_the_dataclasses_say() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert schema.PATH.read_text("utf-8") == schema.text(), "run: python -m benchmarks.fertility.schema"
    assert (
        SCHEMA["$defs"]["FileFigures"]["properties"]["vocabulary_used"]["description"] == "Share of the ids that occur"
    )


@pytest.mark.parametrize("options", [{}, {"claim": 1.5, "alignment": "kiwi"}, {"alignment": "no-such-file"}])
def test_reports_fit(options: dict[str, object]) -> None:
    found = as_json(measure(["gyeol-100k", "nobody"], [samples.folder() / "letter.txt"], **options))  # type: ignore[arg-type]
    VALIDATOR.validate(json.loads(json.dumps(found)))
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(found | {"claim": "1.5"})


@pytest.mark.parametrize("name", ["fertility-dev", "fertility-samples"])
def test_published_reports_fit(name: str) -> None:
    path = Path(benchmarks.__file__).parent / "results" / f"{name}.json"
    VALIDATOR.validate(json.loads(path.read_text("utf-8")))
