"""A session of hikari against the stand-in: it connects, posts, edits, deletes, registers a command, and answers it."""

import os
import sys

import hikari

CHANNEL, APPLICATION = 50, int(os.environ["APPLICATION"])
bot = hikari.GatewayBot(
    token=os.environ["TOKEN"], rest_url=os.environ["API"], intents=hikari.Intents.ALL, banner=None, auto_chunk_members=False
)
done = set()


async def mark(what: str) -> None:
    done.add(what)
    if done == {"message", "interaction", "joined"}:
        await bot.close()


@bot.listen(hikari.GuildAvailableEvent)
async def available(event: hikari.GuildAvailableEvent) -> None:
    assert event.guild.name == "The hall" and len(event.channels) >= 2 and len(event.roles) >= 3, event
    message = await bot.rest.create_message(CHANNEL, "hello")
    assert message.content == "hello", message
    message = await message.edit("hello again")
    assert message.content == "hello again", message
    await message.delete()
    command = bot.rest.slash_command_builder("ping", "Says pong")
    made = await bot.rest.set_application_commands(APPLICATION, [command])
    assert [one.name for one in made] == ["ping"], made
    await bot.rest.create_message(CHANNEL, "ready")


@bot.listen(hikari.GuildMessageCreateEvent)
async def written(event: hikari.GuildMessageCreateEvent) -> None:
    if event.content == "how are you?":
        assert event.author_id == 7 and event.channel_id == CHANNEL, event
        await mark("message")


@bot.listen(hikari.MemberCreateEvent)
async def joined(event: hikari.MemberCreateEvent) -> None:
    assert event.user_id == 12, event
    await mark("joined")


@bot.listen(hikari.InteractionCreateEvent)
async def asked(event: hikari.InteractionCreateEvent) -> None:
    interaction = event.interaction
    assert isinstance(interaction, hikari.CommandInteraction) and interaction.command_name == "ping", interaction
    await interaction.create_initial_response(hikari.ResponseType.MESSAGE_CREATE, "pong")
    await mark("interaction")


bot.run(check_for_updates=False)
sys.exit(0 if len(done) == 3 else 1)
