"""Stories of one file on its way to `Settings`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from config.load import EXAMPLE_FILE, SIMULATE_FILE, ConfigError, load, runtime_dir, socket_path
from tests.config.conftest import SMALLEST


def problem_of(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert len(caught.value.problems) == 1
    assert str(caught.value).startswith(f"{path}: 1 problem\n")
    return str(caught.value.problems[0])


@pytest.mark.parametrize("shipped", [EXAMPLE_FILE, SIMULATE_FILE], ids=lambda path: path.name)
def test_a_shipped_file_loads(shipped: Path) -> None:
    assert load(shipped).site.name


def test_the_example_is_for_a_real_gate_and_the_other_for_a_simulated_one() -> None:
    assert not load(EXAMPLE_FILE).simulated
    assert load(SIMULATE_FILE).simulated


def test_what_is_not_written_has_its_default(file: Path) -> None:
    settings = load(file)
    assert settings.gate.timing.dead_time_s == 0.5
    assert settings.gate.pins.beam is None
    assert settings.media_dir == Path("/var/lib/antt-gate/media")


def test_relative_paths_are_taken_from_the_folder_of_the_file(file: Path) -> None:
    file.write_text(SMALLEST + '[storage]\nstate_dir = "state"\nmedia_dir = "/srv/media"\n', encoding="utf-8")
    settings = load(file)
    assert settings.storage.state_dir == file.parent / "state"
    assert settings.media_dir == Path("/srv/media")


def test_relative_paths_of_overrides_are_taken_from_the_working_directory(
    file: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    assert load(file, ["storage.state_dir=state"]).storage.state_dir == elsewhere / "state"


def test_an_override_wins_over_the_file_and_may_open_a_new_table(file: Path) -> None:
    settings = load(
        file, ["site.name=Cổng thôn 2", "api.port=0", "gate.timing.max_travel_s=12", "camera.enabled=false"]
    )
    assert settings.site.name == "Cổng thôn 2"
    assert settings.api.port == 0
    assert settings.gate.timing.max_travel_s == 12.0
    assert not settings.camera.enabled


def test_an_override_may_quote_what_would_be_a_number(file: Path) -> None:
    assert load(file, ['site.name="007"']).site.name == "007"


def test_a_byte_order_mark_of_a_windows_editor_is_no_fault(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert load(file).site.id == "gate-1"


def test_settings_cannot_be_changed_once_loaded(file: Path) -> None:
    settings = load(file)
    with pytest.raises(ValueError, match="frozen"):
        settings.api.port = 1


def test_the_socket_lives_where_systemd_says(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(file)
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    assert socket_path(settings) == Path("/var/lib/antt-gate/gate.sock")
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/antt-gate:/run/other")
    assert runtime_dir(settings) == Path("/run/antt-gate")


def test_a_missing_file_is_named_with_the_remedy(tmp_path: Path) -> None:
    assert "No such file" in problem_of(tmp_path / "nothing.toml")
    assert "--config" in problem_of(tmp_path / "nothing.toml")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert "Is a directory" in problem_of(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_of_somebody_else_is_named(file: Path) -> None:
    file.chmod(0)
    assert "Permission denied" in problem_of(file)


def test_a_name_with_a_nul_is_no_file() -> None:
    assert "cannot be read" in problem_of(Path("gate\0.toml"))


def test_a_huge_file_is_not_even_parsed(file: Path) -> None:
    file.write_bytes(b"# filler\n" * 200_000)
    assert "larger than 1 MiB" in problem_of(file)


def test_an_endless_file_is_not_read_to_its_end() -> None:
    assert "larger than 1 MiB" in problem_of(Path("/dev/zero"))


def test_broken_toml_is_told_with_its_line(file: Path) -> None:
    file.write_text("[site]\nid = \n", encoding="utf-8")
    assert "not valid TOML" in problem_of(file)
    assert "line 2" in problem_of(file)


def test_text_that_is_not_utf_8_is_told_with_its_byte(file: Path) -> None:
    file.write_bytes("[site]\nname = 'Cổng'\n".encode("utf-16"))
    assert "not UTF-8 text (byte 0)" in problem_of(file)


def test_a_bomb_of_brackets_is_refused(file: Path) -> None:
    file.write_text("a = " + "[" * 50_000, encoding="utf-8")
    assert "nested too deeply" in problem_of(file)


def test_a_number_of_thousands_of_digits_is_refused(file: Path) -> None:
    file.write_text("a = " + "9" * 5000, encoding="utf-8")
    assert "not valid TOML" in problem_of(file)


def test_an_empty_file_misses_its_two_sections(file: Path) -> None:
    file.write_text("", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert [problem.key for problem in caught.value.problems] == ["site", "gate"]
