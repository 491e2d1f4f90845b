"""The HTTP application around the routers: problems, request ids, and documentation that works offline."""

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager

import swagger_ui_bundle
from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from gameroom.api.cors import Cors
from gameroom.api.openapi import Schema, openapi_document
from gameroom.api.problems import install_problems
from gameroom.api.requests import LastResort, RequestIds

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

ASSETS = "/docs/assets"
DESCRIPTION = "Sign in here, then open a WebSocket. Authorize takes a username and a password."


class FrontDoor(FastAPI):
    """A FastAPI whose every answer is ours: no route, error or page of the framework's own."""

    def openapi(self) -> Schema:
        """Made once, at the first request, when all routers are in."""
        if self.openapi_schema is None:
            self.openapi_schema = openapi_document(self)
        return self.openapi_schema


def front_door(
    version: str, lifespan: Lifespan | None = None, allowed_origins: Iterable[str] = ()
) -> FrontDoor:
    """The application, to which the caller adds its routers.

    `allowed_origins`: whose pages may call it beside its own, such as `https://play.example.org`; `*` for all.
    """
    app = FrontDoor(
        title="gameroom",
        description=DESCRIPTION,
        version=version,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    install_problems(app)
    install_docs(app)
    # The last one added sees a request first. Ids are on every answer; failures too tell pages what they may read.
    app.add_middleware(LastResort)
    app.add_middleware(Cors, allowed_origins=allowed_origins)
    app.add_middleware(RequestIds)
    return app


def install_docs(app: FastAPI) -> None:
    """`/docs`: Swagger UI, its files from the installed package, so that no browser asks a CDN."""
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title="gameroom",
        swagger_js_url=f"{ASSETS[1:]}/swagger-ui-bundle.js",
        swagger_css_url=f"{ASSETS[1:]}/swagger-ui.css",
        swagger_favicon_url=f"{ASSETS[1:]}/favicon-32x32.png",
        swagger_ui_parameters={"persistAuthorization": False},
    )

    async def docs() -> HTMLResponse:
        return page

    app.add_api_route("/docs", docs, include_in_schema=False)
    app.mount(ASSETS, StaticFiles(directory=swagger_ui_bundle.swagger_ui_path))
