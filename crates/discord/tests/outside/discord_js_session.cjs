// A session of discord.js against the stand-in: it connects, posts, edits, deletes, registers a command, and answers it.
const assert = require('node:assert');
const { Client, Events, GatewayIntentBits } = require('discord.js');

const CHANNEL = '50';
const { TOKEN, API } = process.env;
const intents = Object.values(GatewayIntentBits).filter((bit) => typeof bit === 'number');
const client = new Client({ intents, rest: { api: API.replace(/\/v10$/, ''), version: '10' } });
const done = new Set();

async function mark(what) {
  done.add(what);
  if (done.size === 3) {
    await client.destroy();
    process.exit(0);
  }
}

process.on('unhandledRejection', (error) => {
  console.error(error);
  process.exit(1);
});

client.once(Events.ClientReady, async () => {
  const guild = client.guilds.cache.get('1');
  assert.strictEqual(guild.name, 'The hall');
  assert.ok(guild.roles.cache.size >= 3 && guild.channels.cache.size >= 2);
  const channel = client.channels.cache.get(CHANNEL);
  const message = await channel.send('hello');
  assert.strictEqual(message.content, 'hello');
  const edited = await message.edit('hello again');
  assert.strictEqual(edited.content, 'hello again');
  await edited.delete();
  const made = await client.application.commands.set([{ name: 'ping', description: 'Says pong' }]);
  assert.deepStrictEqual(made.map((one) => one.name), ['ping']);
  await channel.send('ready');
});

client.on(Events.MessageCreate, async (message) => {
  if (message.content !== 'how are you?') return;
  assert.deepStrictEqual([message.author.id, message.channelId], ['7', CHANNEL]);
  await mark('message');
});

client.on(Events.GuildMemberAdd, async (member) => {
  assert.strictEqual(member.id, '12');
  await mark('joined');
});

client.on(Events.InteractionCreate, async (interaction) => {
  assert.ok(interaction.isChatInputCommand() && interaction.commandName === 'ping');
  await interaction.reply('pong');
  await mark('interaction');
});

client.on(Events.Error, (error) => {
  console.error(error);
  process.exit(1);
});

client.login(TOKEN);
