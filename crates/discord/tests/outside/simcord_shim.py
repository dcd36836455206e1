"""simcord behind HTTP and a gateway, so that a bot can connect which is no discord.py bot: what it knows of Discord, nobody here wrote.

The shim adds what simcord has no need of: addresses, the token, sessions, heartbeats. What simcord itself does not know is listed in LACKS; a request that
meets anything else of that kind fails the session.
"""

import asyncio
import copy
import io
import json
import os
from datetime import UTC, datetime
from urllib.parse import unquote

import discord
from aiohttp import web
from simcord import intents
from simcord._clock import Clock
from simcord.backend import Backend, serializers
from simcord.backend.errors import BackendError
from simcord.env import Env
from simcord.http import router
from simcord.http import routes as _routes  # noqa: F401  (so that the router knows them)

TOKEN = os.environ["TOKEN"]
# Not in simcord 3.2.1, as far as this session comes near it:
#  * GET /gateway/bot: the shim answers.
#  * Limits on requests, sessions that end, intents that were not switched on: our own stand-in has those.
#  * An application whose id is not its account's, as those of before 2016 have: the shim makes both one.
#  * What somebody who is named with a command may do (`resolved.members[].permissions`), and whose message a reaction is on
#    (`message_author_id`): our bot takes it as it comes, and counts no reactions here.
#  * A guild's `nsfw_level`, and `last_message_id` of threads that were made anew.
# And these requests:
LACKS: set[str] = set()


class Now(Clock):
    """simcord's clock stands still until it is moved; the bot's does not."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class World(Env):
    """simcord's humans and its backend, without the discord.py bot that they are made for."""

    def __init__(self) -> None:
        super().__init__(discord.Client(intents=discord.Intents.all()))
        self.backend = Backend(clock=Now())
        self.backend.application_id = self.backend.bot_user.id

    async def _settle_internal(self, *_args, **_options) -> None:
        """What the bot makes of it comes later: whoever wants to see it waits for it."""


class Session:
    def __init__(self, number: int, declared: discord.Intents) -> None:
        self.id = f"session{number}"
        self.intents = declared
        self.events: list[dict] = []
        self.more = asyncio.Event()

    def tell(self, name: str, data: dict) -> None:
        self.events.append({"op": 0, "t": name, "s": len(self.events) + 1, "d": data})
        self.more.set()


class Shim:
    def __init__(self, world: World) -> None:
        self.world, self.backend = world, world.backend
        self.lacks: set[str] = set()
        self.broken: list[str] = []
        self.greetings: list[str] = []
        self.sessions: dict[str, Session] = {}
        self.sockets: list[web.WebSocketResponse] = []
        self.address = ""
        self.backend.subscribers.append(self.happens)

    async def start(self) -> None:
        app = web.Application(client_max_size=32 << 20)
        app.router.add_get("/", self.gateway)
        app.router.add_route("*", "/api/v10/{rest:.*}", self.rest)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]
        self.address = f"127.0.0.1:{port}"

    # HTTP

    async def rest(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix("/api/v10")
        own = path.startswith(("/interactions/", "/webhooks/"))
        if own == ("Authorization" in request.headers) or not (own or request.headers["Authorization"] == f"Bot {TOKEN}"):
            self.broken.append(f"{request.method} {path} has the wrong credentials")
            return web.json_response({"message": "401: Unauthorized", "code": 0}, status=401)
        if path == "/gateway/bot":
            limit = {"total": 1000, "remaining": 999, "reset_after": 1000, "max_concurrency": 1}
            return web.json_response({"url": f"ws://{self.address}", "shards": 1, "session_start_limit": limit})
        body, files = await taken_apart(request)
        reason = request.headers.get("X-Audit-Log-Reason")
        try:
            answer = router.dispatch(
                self.backend,
                request.method,
                path,
                json=body,
                params=dict(request.query),
                files=files,
                reason=unquote(reason) if reason else None,
            )
        except (router.RouteNotImplemented, router.UnsupportedField) as gap:
            self.lacks.add(gap.message)
            return web.json_response(gap.to_json(), status=501)
        except BackendError as error:
            return web.json_response(error.to_json(), status=error.status)
        except Exception as error:  # what breaks simcord is no answer of Discord's
            self.broken.append(f"{request.method} {path}: {error!r}")
            raise
        if answer is None or (path.endswith("/callback") and "with_response" not in request.query):
            return web.Response(status=204)
        return web.json_response(answer)

    # The gateway

    def happens(self, name: str, payload: dict) -> None:
        for session in self.sessions.values():
            needed = intents.required_intent(name, payload)
            if needed is not None and not getattr(session.intents, needed):
                continue
            data = copy.deepcopy(dict(payload))
            if not session.intents.message_content and name in ("MESSAGE_CREATE", "MESSAGE_UPDATE"):
                intents.censor_message(data, self.backend.bot_user.id, backend=self.backend)
            session.tell(name, data)

    def greets(self, first: dict) -> tuple[Session, int] | None:
        """The session that a client begins or goes on with, and how many of its events it has."""
        data = first["d"]
        assert data["token"] == TOKEN, "the token is another"
        if first["op"] == 6:
            self.greetings.append(f"resume {data['seq']}")
            session = self.sessions.get(data["session_id"])
            return session and (session, data["seq"])
        self.greetings.append("identify")
        session = Session(len(self.sessions) + 1, discord.Intents._from_value(data["intents"]))
        guilds = list(self.backend.guilds.values())
        session.tell(
            "READY",
            {
                "v": 10,
                "user": dict(serializers.user_payload(self.backend.bot_user)),
                "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
                "session_id": session.id,
                "resume_gateway_url": f"ws://{self.address}",
                "shard": data["shard"],
                "application": {"id": str(self.backend.application_id), "flags": 0},
            },
        )
        for guild in guilds:
            whole = copy.deepcopy(dict(serializers.guild_create_payload(self.backend, guild)))
            intents.prune_guild_create(whole, session.intents, self.backend.bot_user.id)
            session.tell("GUILD_CREATE", whole)
        self.sessions = {session.id: session}
        return session, 0

    async def gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        await socket.send_json({"op": 10, "d": {"heartbeat_interval": 41_250}})
        telling = None
        async for message in socket:
            frame = json.loads(message.data)
            if frame["op"] == 1:
                await socket.send_json({"op": 11})
            elif frame["op"] in (2, 6) and telling is None:
                known = self.greets(frame)
                if known is None:
                    await socket.send_json({"op": 9, "d": False})
                    break
                telling = asyncio.create_task(tell(socket, *known))
        if telling is not None:
            telling.cancel()
        return socket

    def drop(self) -> None:
        """All connections break, without a word."""
        for socket in self.sockets:
            if socket._req is not None and socket._req.transport is not None:
                socket._req.transport.abort()
        self.sockets.clear()


async def tell(socket: web.WebSocketResponse, session: Session, sent: int) -> None:
    while not socket.closed:
        session.more.clear()
        for event in session.events[sent:]:
            await socket.send_json(event)
            sent += 1
        await session.more.wait()


async def taken_apart(request: web.Request) -> tuple[object, list[discord.File]]:
    """A body, and the files that come with it."""
    if request.content_type != "multipart/form-data":
        raw = await request.read()
        return (json.loads(raw) if raw else None), []
    body, files = None, []
    async for part in await request.multipart():
        if part.name == "payload_json":
            body = json.loads(await part.text())
        else:
            files.append(discord.File(io.BytesIO(bytes(await part.read())), filename=part.filename))
    return body, files
