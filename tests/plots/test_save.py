import pytest

from realtime_kit.errors import UsageError
from realtime_kit.plots import race_figure, save_figure


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".PDF", b"%PDF")])
def test_a_figure_is_saved_in_the_format_that_its_suffix_names(suffix, start, example, tmp_path):
    path = save_figure(race_figure(example.make_run()), tmp_path / f"race{suffix}")
    assert path.read_bytes().startswith(start)
    assert list(tmp_path.iterdir()) == [path]


def test_a_saved_png_is_wide_enough_for_a_projector(example, tmp_path):
    path = save_figure(race_figure(example.make_run()), str(tmp_path / "race.png"))
    assert int.from_bytes(path.read_bytes()[16:20]) == 1760


@pytest.mark.parametrize("name", ["race.xyz", "race", "nowhere/race.png"])
def test_a_file_that_cannot_be_is_refused_by_name(name, example, tmp_path):
    with pytest.raises(UsageError, match=r"race"):
        save_figure(race_figure(example.make_run()), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_failed_save_leaves_the_older_picture_and_nothing_else(example, tmp_path, monkeypatch):
    path = tmp_path / "race.png"
    path.write_bytes(b"older")
    figure = race_figure(example.make_run())

    def fill_the_disk(unfinished, **_):
        unfinished.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(figure, "savefig", fill_the_disk)
    with pytest.raises(UsageError, match="No space left"):
        save_figure(figure, path)
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


def test_a_figure_shows_itself_in_a_notebook(example):
    assert race_figure(example.make_run())._repr_png_().startswith(b"\x89PNG")
