"""A plugin for pytest: Hypothesis stops at the first counterexample. Nobody reads it, so nobody needs the smallest.

Its profile is chosen by `--hypothesis-profile=hasty`.
"""

from hypothesis import Phase, settings

settings.register_profile(
    "hasty", phases=(Phase.explicit, Phase.generate), database=None, report_multiple_bugs=False
)
