"""Only for the one part that is compiled; everything else stands in pyproject.toml.

`optional`: where no C compiler is found, the installation goes on without it.
"""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "gameroom.gateway.fast_path._framing",
            ["backend/gameroom/gateway/fast_path/_framing.c"],
            extra_compile_args=["-O3"],
            optional=True,
        )
    ]
)
