import pytest


@pytest.fixture(params=("1.6", "2.0.1"))
def version(request: pytest.FixtureRequest) -> str:
    """What is true in every version is told once and holds in all."""
    return str(request.param)
