"""A session of discord.py against the stand-in: it connects, posts, edits, deletes, registers a command, and answers it."""

import os
import sys

import discord
import yarl
from discord import app_commands

CHANNEL = 50
discord.http.Route.BASE = os.environ["API"]
discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(os.environ["GATEWAY"])
client = discord.Client(intents=discord.Intents.all(), chunk_guilds_at_startup=False)
tree = app_commands.CommandTree(client)
done = set()


async def mark(what: str) -> None:
    done.add(what)
    if done == {"message", "interaction", "joined"}:
        await client.close()


@tree.command(name="ping", description="Says pong")
async def ping(interaction: discord.Interaction) -> None:
    await interaction.response.send_message("pong")
    await mark("interaction")


@client.event
async def on_ready() -> None:
    guild = client.get_guild(1)
    assert guild is not None and guild.name == "The hall" and len(guild.roles) >= 3, guild
    channel = client.get_channel(CHANNEL)
    message = await channel.send("hello")
    assert message.content == "hello", message
    message = await message.edit(content="hello again")
    assert message.content == "hello again", message
    await message.delete()
    made = await tree.sync()
    assert [one.name for one in made] == ["ping"], made
    await channel.send("ready")


@client.event
async def on_message(message: discord.Message) -> None:
    if message.content == "how are you?":
        assert message.author.id == 7 and message.channel.id == CHANNEL, message
        await mark("message")


@client.event
async def on_member_join(member: discord.Member) -> None:
    assert member.id == 12, member
    await mark("joined")


@client.event
async def on_error(event: str, *args: object, **kwargs: object) -> None:
    import traceback

    traceback.print_exc()
    os._exit(1)


client.run(os.environ["TOKEN"])
sys.exit(0 if len(done) == 3 else 1)
