"""Files of the key store: whole, durable, and nobody else's."""

import stat
from pathlib import Path

import pytest

from chargepointd.jobs.keystore import KeyStore


def test_what_is_put_is_readable_by_the_daemon_alone(tmp_path: Path) -> None:
    store = KeyStore(tmp_path)
    file = store.key("ChargingStationCertificate", "a")
    store.put(file, b"secret")
    assert file.read_bytes() == b"secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in list(file.parents)[:2]] == [0o700, 0o700]


def test_roots_are_those_of_one_use(tmp_path: Path) -> None:
    store = KeyStore(tmp_path)
    assert store.roots("CSMSRootCertificate") == []
    store.put(store.certificate("CSMSRootCertificate", "a"), b"A")
    store.put(store.certificate("ManufacturerRootCertificate", "b"), b"B")
    store.certificate("CSMSRootCertificate", "cannot be read").mkdir()
    assert store.roots("CSMSRootCertificate") == ["A"]


def test_a_cut_in_the_middle_leaves_what_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = KeyStore(tmp_path)
    file = store.certificate("CSMSRootCertificate", "a")
    store.put(file, b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.put(file, b"new")
    monkeypatch.undo()
    assert store.roots("CSMSRootCertificate") == ["old"]
    assert store.sweep([file]) == []
    assert [found.name for found in file.parent.iterdir()] == ["a.pem"]


def test_many_at_once_have_one_sync_each_and_share_those_of_their_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, synced = KeyStore(tmp_path), []
    monkeypatch.setattr("os.fsync", synced.append)
    store.put_all((store.certificate("CSMSRootCertificate", str(n)), b"A") for n in range(100))
    assert len(store.roots("CSMSRootCertificate")) == 100
    assert len(synced) == 102


def test_a_sweep_removes_strangers_and_tells_what_is_missing(tmp_path: Path) -> None:
    store = KeyStore(tmp_path)
    kept, stranger, lost = (store.certificate("CSMSRootCertificate", name) for name in ("kept", "stranger", "lost"))
    assert store.sweep([]) == []
    store.put(kept, b"K")
    store.put(stranger, b"S")
    assert store.sweep([kept, lost]) == [lost]
    assert kept.exists()
    assert not stranger.exists()
