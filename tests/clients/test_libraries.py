"""What lies in the folders of the client libraries."""

import json

from tests.clients.judges import judging
from tests.clients.libraries import FOLDER, JUDGES, LIBRARIES


def test_folders__each__is_of_a_library_that_judges() -> None:
    folders = {path.name for path in FOLDER.glob("*-*") if path.is_dir()}
    assert folders <= {library.name for library in LIBRARIES}


def test_locks_of_node__every_package__is_hashed_and_names_no_registry() -> None:
    locks = list(FOLDER.glob("*/package-lock.json"))
    assert locks
    for lock in locks:
        packages = json.loads(lock.read_text())["packages"]
        packages.pop("")
        assert [name for name, one in packages.items() if "resolved" in one] == [], lock
        assert [name for name, one in packages.items() if not one.get("integrity")] == [], lock
        # So it stays when somebody renews it.
        assert "omit-lockfile-registry-resolved=true" in (lock.parent / ".npmrc").read_text()


def test_judging__for_node__expects_the_same_as_for_python() -> None:
    told = (JUDGES / "judging.mjs").read_text()
    words = (
        *(*judging.CASES, *judging.CUT, *judging.MODELS.values(), *judging.VECTOR_MODELS.values()),
        *(judging.TEXT, judging.THOUGHT, judging.QUESTION, judging.RESULT),
    )
    failures = [f'["{script}", {status}]' for script, status in judging.FAILURES.items()]
    expected = [*(f'"{word}"' for word in words), *failures]
    assert [one for one in expected if one not in told] == []
    assert judging.PNG in told.replace('" +\n    "', "")
