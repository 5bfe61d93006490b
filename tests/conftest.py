"""Hypothesis profiles: `soak` looks much longer."""

from hypothesis import settings

settings.register_profile("default", max_examples=25, deadline=None)
settings.register_profile("soak", max_examples=1000, deadline=None)
settings.load_profile("default")
