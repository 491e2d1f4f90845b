"""The HTTP application around the routers: problems, request ids, and documentation that works offline."""

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from importlib.resources import files

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Router
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from gameroom.api.cors import Cors
from gameroom.api.openapi import openapi_document
from gameroom.api.problems import install_problems
from gameroom.api.requests import LastResort, RequestIds
from gameroom.protocol.asyncapi import asyncapi_document
from gameroom.protocol.schemas import Schema

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

ASSETS = "/docs/assets"
ASYNCAPI = "asyncapi.json"
DESCRIPTION = f"""\
Sign in here, then open a WebSocket: [what is said there]({ASYNCAPI}) is an AsyncAPI document of its own.
Authorize takes a username and a password. Clients ignore fields that they do not know.
No string may hold U+0000."""


class FrontDoor(FastAPI):
    """A FastAPI whose every answer is ours: no route, error or page of the framework's own."""

    sockets: ASGIApp = Router()
    """Where WebSockets go, straight away: nothing of what surrounds a call over HTTP has a word to say to them."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self.sockets(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

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
    """`/docs`: Swagger UI, its files from an installed package, so that no browser asks a CDN. And `/asyncapi.json`."""
    page = get_swagger_ui_html(
        openapi_url="openapi.json",
        title="gameroom",
        swagger_js_url=f"{ASSETS[1:]}/swagger-ui-bundle.js",
        swagger_css_url=f"{ASSETS[1:]}/swagger-ui.css",
        swagger_favicon_url=f"{ASSETS[1:]}/favicon.png",
        swagger_ui_parameters={"persistAuthorization": False},
    )

    async def docs() -> HTMLResponse:
        return page

    sockets = asyncapi_document(app.version)

    async def asyncapi() -> JSONResponse:
        return JSONResponse(sockets)

    app.add_api_route("/docs", docs, include_in_schema=False)
    app.add_api_route(f"/{ASYNCAPI}", asyncapi, include_in_schema=False)
    app.mount(ASSETS, StaticFiles(directory=str(files("fastapi_offline") / "static")))
