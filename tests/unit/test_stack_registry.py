"""The read-only schema registry: Confluent's answers and errors."""

import json

import pytest

from langtrail.deploy.registry_server import answer, refuse
from langtrail.schemas import RAW_EVENT, registry


def test_a_schema_is_found_by_its_id() -> None:
    """Every registered schema is handed out as it was published."""
    for schema_id in (registry().latest(subject).id for subject in registry().subjects()):
        status, value = answer(f"/schemas/ids/{schema_id}?fetchMaxId=false")
        assert (status, value["schema"]) == (200, registry().by_id(schema_id).published())


def test_subjects_and_versions_are_listed() -> None:
    """Subjects, their versions, and one version as a whole."""
    newest = registry().latest(RAW_EVENT)
    assert answer("/subjects") == (200, registry().subjects())
    assert answer(f"/subjects/{RAW_EVENT}/versions") == (200, [schema.version for schema in registry().versions(RAW_EVENT)])
    status, value = answer(f"/subjects/{RAW_EVENT}/versions/latest")
    assert (status, value["id"], value["version"], value["subject"]) == (200, newest.id, newest.version, RAW_EVENT)
    assert json.loads(value["schema"])["name"] == "RawEvent"
    assert answer(f"/schemas/ids/{newest.id}/versions") == (200, [{"subject": RAW_EVENT, "version": newest.version}])
    assert answer("/schemas/types") == (200, ["AVRO"])


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/schemas/ids/9999", 404, 40403),
        ("/schemas/ids/x", 404, 40403),
        ("/subjects/nope/versions", 404, 40401),
        ("/subjects/nope/versions/1", 404, 40401),
        (f"/subjects/{RAW_EVENT}/versions/999", 404, 40402),
        (f"/subjects/{RAW_EVENT}/versions/zero", 422, 42202),
        ("/nope", 404, 40400),
    ],
)
def test_what_is_not_there_is_said_in_confluents_words(path: str, status: int, code: int) -> None:
    """The HTTP status and the error code are Confluent's."""
    got, value = answer(path)
    assert (got, value["error_code"]) == (status, code)


def test_nothing_can_be_registered() -> None:
    """A write is answered as by a registry in read-only mode."""
    status, value = refuse()
    assert (status, value["error_code"]) == (422, 42205)
    assert answer("/mode") == (200, {"mode": "READONLY"})


def test_the_compatibility_of_each_subject_is_named() -> None:
    """Events may be read by older and newer readers, everything else by newer ones."""
    assert answer("/config/langtrail.events-value") == (200, {"compatibilityLevel": "FULL_TRANSITIVE"})
    assert answer("/config") == (200, {"compatibilityLevel": "BACKWARD_TRANSITIVE"})
