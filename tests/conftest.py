"""Hypothesis profiles: `soak` looks much longer, and runs what is slow."""

from hypothesis import settings

settings.register_profile("default", max_examples=25, deadline=None)
settings.register_profile("soak", max_examples=1000, deadline=None)
settings.load_profile("default")


def pytest_collection_modifyitems(config, items):
    """Leave out what is slow, but for `make soak`."""
    if config.getoption("--hypothesis-profile") == "soak":
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=slow)
    items[:] = [item for item in items if not item.get_closest_marker("slow")]
