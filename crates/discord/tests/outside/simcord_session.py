"""A session of our bot against simcord: people do what simcord lets people do, and are answered. The first line that is written says where the bot finds
its Discord; the bot is ours, and is started by who started this."""

import asyncio
import json
import sys
import time

from simcord.actors import MemberActor, _autocomplete_result
from simcord.backend.models.interaction import ResponseKind
from simcord_shim import LACKS, Shim, World

# How long anybody waits for anything.
PATIENCE = 20


async def until(what, holds):
    began = time.monotonic()
    while not (found := holds()):
        assert time.monotonic() - began < PATIENCE, f"{what} never came"
        await asyncio.sleep(0.02)
    return found


class Town:
    def __init__(self) -> None:
        self.world = World()
        self.shim = Shim(self.world)
        self.backend = self.world.backend
        eve = self.world.create_user("eve", global_name="Eve")
        self.guild = self.world.create_guild("The hall", owner=eve)
        talk = self.guild.create_category("Talk")
        self.channel = self.guild.create_text_channel("general", category=talk)
        self.voice = self.guild.create_voice_channel("voices")
        self.owls = self.guild.create_role("Owls")
        above = self.guild.create_role("Elders", position=9)
        self.eve = MemberActor(self.world, self.guild, eve)
        self.ada, self.bob, self.elder = (
            self.guild.add_member(self.world.create_user(name.lower(), global_name=name), roles=roles)
            for name, roles in (("Ada", ()), ("Bob", ()), ("Elder", (above,)))
        )

    def member(self, who):
        return self.backend.guilds[self.guild.id].members[who.id]

    async def answered(self, result):
        """Waits for the answer to what somebody did, and for what it promised."""
        record = result._interaction
        await until("an answer", lambda: record.responded and not record.loading)
        if record.response_kind == ResponseKind.DEFERRED_UPDATE:
            kept = lambda one: one.method == "PATCH" and record.token in one.path
            await until("what was promised", lambda: any(map(kept, self.backend.http_requests)))
        return result

    async def types(self, who, line, **options):
        return await self.answered(await who.slash(self.channel, line, **options))

    async def says(self, who, line, expected, private, **options):
        told = (await self.types(who, line, **options)).response
        assert (told.content, told.ephemeral) == (expected, private), f"{line}: {told.content!r}, {told.ephemeral}"
        pings = told._message.allowed_mentions
        assert not (pings.everyone or pings.users or pings.roles) and None not in (pings.users, pings.roles), pings

    async def presses(self, who, told, label):
        return await self.answered(await who.click(told.response, label=label))


async def plays(town):
    ada, bob, eve, elder, shim = town.ada, town.bob, town.eve, town.elder, town.shim
    await until("the bot", lambda: town.shim.greetings and town.backend.commands.get(None))
    # Bytes, for all to see.
    await town.says(ada, "bytes daily", "You got 10 bytes; day 1 in a row. You have 110.", False)
    paid = f"You sent 30 bytes to {bob.mention}. You have 80 left.\n> for \\*tea\\*"
    await town.says(ada, "bytes send", paid, False, member=bob, amount=30, reason="for *tea*")
    # A squad, found by typing some of its name; its role is given on Discord.
    typing = await _autocomplete_result(ada, town.channel, "squads join", "squad", "ow", {})
    (owls,) = (await town.answered(typing)).autocomplete_choices
    assert owls["name"] == "Owls", owls
    await town.says(ada, "squads join", "Welcome to Owls.", True, squad=owls["value"])
    await until("the role", lambda: town.owls.id in town.member(ada).role_ids)
    # A picture comes as a file.
    profile = (await town.types(bob, "profile")).response
    assert profile.content.startswith("**Bob** — level "), profile
    assert [file["filename"] for file in profile._message.attachments] == ["profile.png"], profile
    # A quiz: a button, another, a form.
    begun = await town.types(ada, "learn start", quest="trees")
    asked = await town.presses(ada, begun, "Begin the quiz")
    form = await town.presses(ada, asked, "Answer")
    (question,) = form.modal["components"]
    (yes,) = (choice["value"] for choice in question["component"]["options"] if choice["label"] == "Yes")
    passed = (await town.answered(await ada.submit_modal(form, {"q0": [yes]}))).response
    assert passed.content.startswith("Passed, with 1 of 1 points."), passed
    # Somebody writes what they may not: it goes, and they are told why.
    await bob.send(town.channel, "hello all")
    await bob.send(town.channel, "a badword")
    wrote = lambda: [one.content for one in town.backend.messages[town.channel.id].values() if one.author_id == bob.id]
    await until("a message that goes", lambda: wrote() == ["hello all"])
    direct = lambda: town.backend.messages.get(town.backend.dm_channels.get(bob.id), {})
    await until("a direct message", direct)
    # A connection breaks, and is gone on with.
    shim.drop()
    await until("who comes back", lambda: len(shim.greetings) == 2)
    assert shim.greetings[1].startswith("resume "), shim.greetings
    await town.says(ada, "bytes balance", "You have 80 bytes: 110 received, 30 sent.", True)
    # The owner moderates; who stands above the bot stays.
    timed_out = await town.types(eve, "timeout set", member=bob, minutes=10, reason="rest")
    assert timed_out.response.content.startswith(f"Case 2: {bob.mention} may not speak, ends <t:"), timed_out
    await until("a time-out", lambda: town.member(bob).timed_out_until)
    await town.says(eve, "timeout lift", f"Case 3: {bob.mention} may speak again: rested", True, member=bob, reason="rested")
    await until("no time-out", lambda: not town.member(bob).timed_out_until)
    await town.types(eve, "ban", member=elder, reason="too old")
    banned = town.backend.guilds[town.guild.id].bans
    await town.says(eve, "ban", f"Case 5: {bob.mention} is banned: spam", True, member=bob, reason="spam")
    await until("a ban", lambda: bob.id in banned)
    assert banned[bob.id] == "Case 5 by Eve: spam", banned
    assert elder.id not in banned
    await town.says(eve, "unban", f"Case 6: {bob.mention} may come back: mistaken", True, member=bob.user, reason="mistaken")
    await until("no ban", lambda: bob.id not in banned)
    # Who may not sees no commands for who runs the server.
    assert "warn" not in ada.available_commands(town.channel)
    # What is there is taken over.
    told = (await town.types(eve, "setup")).response.content
    assert told.startswith("This server is set up.") and "Categories: 1, with 1 channels." in told, told
    # Voice, of which nothing is answered.
    await ada.join_voice(town.voice)
    await ada.leave_voice()


async def main() -> None:
    town = Town()
    await town.shim.start()
    found = {
        "api": f"http://{town.shim.address}/api/v10",
        "gateway": f"ws://{town.shim.address}",
        "application": str(town.backend.application_id),
        "guild": str(town.guild.id),
        "role": str(town.owls.id),
    }
    print(json.dumps(found), flush=True)
    await plays(town)
    assert not town.shim.broken, town.shim.broken
    assert town.shim.lacks == LACKS, town.shim.lacks
    # Stays there until who started it has seen what came of it.
    print("played", flush=True)
    await asyncio.to_thread(sys.stdin.read)


asyncio.run(main())
