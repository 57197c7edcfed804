"""Folders in an object store, with a stand-in that remembers as Snakemake's S3 plugin does."""

from podium.object_store import see_new_folders


def storage() -> type:
    """A class with the plugin's ``is_dir``: what it found first is what it says from then on."""

    class Storage:
        def __init__(self) -> None:
            self._is_dir: bool | None = None
            self.names: list[str] = []
            self.asked = 0

        def is_dir(self) -> bool:
            if self._is_dir is None:
                self.asked += 1
                self._is_dir = any(self.names)
            return self._is_dir

    return Storage


def test_a_folder_that_is_made_later_is_seen() -> None:
    kind = storage()
    before = kind()
    assert not before.is_dir()
    before.names.append("model/config.json")
    assert not before.is_dir()  # else there is nothing to mend

    see_new_folders(kind)
    assert before.is_dir()
    later = kind()
    assert not later.is_dir()
    later.names.append("model/config.json")
    assert later.is_dir()
    later.names.clear()
    assert later.is_dir()  # the plugin's own memory of a yes stays
    assert later.asked == 2


def test_it_is_done_once() -> None:
    kind = storage()
    see_new_folders(kind)
    once = kind.is_dir
    see_new_folders(kind)
    assert kind.is_dir is once
