// What goes between sites is encrypted, each knows who the other is, and who is not believed is refused in words.
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { checkOwn, checkSafe } from '../../host/federation/safe.ts';
import { scratch } from '../agent/started.ts';
import { lodger, ROOT } from '../cli/lodger.ts';
import { submitTasks } from '../site/opened.ts';
import { openAuthority } from './authority.ts';
import { echoJob, openBetween, openSecured, PASSWORD, serverArgs, trustThere } from './secured.ts';
import { natsTest, startNats } from './server.ts';
import { joinSite, until } from './sites.ts';

const BYTES = 8 * 2 ** 20;
const CUT_AFTER = 6 * 2 ** 20;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();

/** A job of one large input and output over two sites, whose blob link is cut once; and all that went over all links. */
async function overheard(isEncrypted: boolean) {
  const authority = isEncrypted ? await openAuthority('ours') : undefined;
  const heard: Uint8Array[] = [];
  const between = await openBetween(authority, (piece) => heard.push(piece));
  let [given, cuts] = [0, 0];
  const north = await openSecured(between, 'north', {
    threads: 0,
    see: (piece, way) => {
      if (way === 'back') given += piece.byteLength;
      if (given < CUT_AFTER || cuts > 0) return;
      cuts += 1;
      north.link.cut();
      north.link.mend();
    },
  });
  await openSecured(between, 'south', { threads: 1 });
  await trustThere(north, ['south']);
  const { file, inputs } = await echoJob(1, BYTES);
  const output = await scratch();
  const ended = await north.call('submit', file, '--anywhere', '--wait', '--output', output);
  const [input = Buffer.alloc(0)] = inputs;
  const kernel = await readFile(join(ROOT, 'dist/kernels/echo.wasm'));
  const all = Buffer.concat(heard);
  // Of the content, eight places: a piece of the link may end in one.
  const places = Array.from({ length: 8 }, (_, part) => input.subarray((part * BYTES) / 8, (part * BYTES) / 8 + 24));
  const secrets = {
    ...{ digest: [sha256(input).toString('hex')], kernel: [sha256(kernel).toString('hex')], content: places },
    ...{ token: ['Bearer '], password: [PASSWORD], subject: ['lodger.'] },
  };
  const told = Object.entries(secrets).filter(([, texts]) => texts.some((text) => all.includes(text)));
  const isRight = (await readFile(join(output, '000000.out')).catch(() => Buffer.alloc(0))).equals(input);
  return { ended, isRight, given, cuts, told: told.map(([name]) => name) };
}

natsTest(
  'a blob goes between two sites over TLS and goes on after a cut, and no digest, content or secret of it is heard on the way',
  async () => {
    const { ended, given, ...seen } = await overheard(true);
    expect(ended).toMatchObject({ exitCode: 0 });
    expect(seen).toEqual({ isRight: true, cuts: 1, told: [] });
    expect(given).toBeGreaterThan(BYTES);
    expect(given).toBeLessThan(1.4 * BYTES);
  },
  120_000,
);

natsTest(
  'without certificates the same listener hears all of it',
  async () => {
    const { ended, isRight, told } = await overheard(false);
    expect([ended.exitCode, isRight]).toEqual([0, true]);
    expect(told.sort()).toEqual(['content', 'digest', 'kernel', 'password', 'subject', 'token']);
  },
  120_000,
);

natsTest(
  'a site that does not know who signed the other says so and gives the work back, a third one does it, and status tells what is wrong',
  async () => {
    const [ours, others] = [await openAuthority('ours'), await openAuthority('others')];
    const between = await openBetween(ours);
    const north = await openSecured(between, 'north', { threads: 0 });
    const west = await openSecured(between, 'west', { threads: 1, trusts: others });
    await openSecured(between, 'south', { threads: 1 });
    await trustThere(north, ['south', 'west']);
    const { file } = await echoJob(60, 100);
    const ended = await north.call('submit', file, '--anywhere', '--wait', '--json');
    expect(JSON.parse(ended.stdout)).toMatchObject({ state: 'done', tasks: 60, failed: 0 });
    const refused = `no safe connection to https://localhost:${north.link.port}: its certificate is of an authority that is not known here [ERR_CONNECTION_UNSAFE]`;
    await until(() => west.site.errors().includes(`a batch of site north goes back: ${refused}`));
    const look = (trusted: string) =>
      lodger(['federation', 'status', ...serverArgs(between, between.nats.port), '--sites-ca', trusted]);
    expect(await look(ours.ca)).toMatchObject({ exitCode: 0, stderr: '' });
    const wrong = await look(others.ca);
    expect([wrong.exitCode, wrong.stderr]).toEqual([1, expect.stringContaining(`site north: ${refused}`)]);
  },
  120_000,
);

for (const [what, names, doubt] of [
  ['of another authority', 'DNS:localhost,IP:127.0.0.1', /is of an authority that is not known here/],
  ['for another name', 'DNS:south.example.org', /is for another name: .*IP: 127\.0\.0\.1 is not in the cert's list/],
] as const)
  natsTest(
    `a source whose certificate is ${what} is refused in words, and the blob comes from another one`,
    async () => {
      const [ours, others] = [await openAuthority('ours'), await openAuthority('others')];
      const ca = await readFile(ours.ca, 'utf8');
      const nats = await startNats();
      onTestFinished(() => nats[Symbol.asyncDispose]());
      const said: string[] = [];
      const open = async (name: string, certified: ReturnType<typeof ours.certify>, hosts: number) => {
        const { cert, key } = await certified;
        const [certText, keyText] = await Promise.all([cert, key].map((file) => readFile(file, 'utf8')));
        const site = await joinSite(nats.url, name, {
          ...{ hosts, safety: { ca }, tls: { cert: certText ?? '', key: keyText ?? '' } },
          ...{ echo: { hears: ({ type }) => (type === 'lease' ? false : undefined) } },
          log: (_, message) => name === 'west' && said.push(message),
        });
        onTestFinished(() => site[Symbol.asyncDispose]());
        return site;
      };
      const right = () => ours.certify('DNS:localhost,IP:127.0.0.1');
      const north = await open('north', right(), 0);
      const south = await open('south', (what === 'for another name' ? ours : others).certify(names), 1);
      const bytes = randomBytes(2 * 2 ** 20);
      const digest = sha256(bytes).toString('hex');
      await north.coordinator.blobs.put(digest, bytes);
      await north.coordinator.blobs.put(north.kernel, new TextEncoder().encode('a kernel'));
      const { site } = north.coordinator;
      await submitTasks({ site, kernel: north.kernel }, 300, { sites: {}, blobs: { data: digest } });
      await until(() => south.coordinator.hasFor('@north', digest));
      const west = await open('west', right(), 1);
      await until(() => west.coordinator.hasFor('@north', digest));
      const refused = said.filter((message) =>
        message.includes(`blob ${digest}: no safe connection to ${south.coordinator.url}`),
      );
      expect(refused).toEqual([expect.stringMatching(/\[ERR_CONNECTION_UNSAFE\]$/)]);
      expect(refused[0]).toMatch(doubt);
    },
  );

const URLS: readonly [string, boolean, string][] = [
  ['https://north.example.org', false, ''],
  ['http://127.0.0.1:7700', false, ''],
  ['http://[::1]:7700', false, ''],
  ['http://10.0.0.1:7700', true, ''],
  ['http://10.0.0.1:7700', false, 'must be https, unless --insecure'],
  ['http://127.0.0.1.example.org', false, 'must be https, unless --insecure'],
  ['https://0.0.0.0:7700', false, 'other sites cannot reach'],
  ['https://[::]:7700', true, 'other sites cannot reach'],
  ['ftp://north.example.org', true, 'must be an address such as'],
  ['north.example.org', true, 'must be an address such as'],
];

test.each(URLS)('a site that tells %s as its address, insecure: %s, hears "%s"', (url, insecure, words) => {
  const check = () => checkOwn(url, { insecure });
  if (words === '') expect(check).not.toThrow();
  else expect(check).toThrow(words);
});

test.each([
  ['http://10.0.0.1:7700', false],
  ['http://localhost.example.org', false],
])('a site does not fetch from %s in the clear', (url, insecure) => {
  expect(() => checkSafe(url, { insecure })).toThrow('no safe connection');
  expect(() => checkSafe(url, { insecure: true })).not.toThrow();
});
