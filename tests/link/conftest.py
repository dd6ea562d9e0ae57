import pytest

from chargepointd.link import websocket


@pytest.fixture(autouse=True)
def short_goodbye(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that never answer a close frame are many here; each would cost a second."""
    monkeypatch.setattr(websocket, "CLOSE_S", 0.05)
