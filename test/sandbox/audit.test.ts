// A bit that somebody flips is found in its interval and nowhere else: the audit of a chain of images, on each engine.
import { beforeAll, describe, expect, test } from 'vitest';
import { nodeEngine } from '../../host/platform/engines.ts';
import { node } from '../../host/platform/node.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { PAGE } from '../../runtime/base/limits.ts';
import { toHex } from '../../runtime/base/platform.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import type { ImageStore } from '../../runtime/job/steps.ts';
import { parsePolicy } from '../../runtime/policy/policy.ts';
import { type AuditOptions, verifyImages } from '../../runtime/sandbox/audit.ts';
import { IMAGE_PAGE } from '../../runtime/snapshot/memory-copy.ts';
import { memoryStore } from '../../runtime/snapshot/store.ts';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { builtKernel } from '../kernels/built.ts';
import { chainInto, GRANTS, INPUT, kernelOfChain, outputOfChain } from './chain.ts';

const IMAGES = 8;
/** In the guest's heap, which no later step of it reads: the forgery does not spread. */
const BYTE = 2 * PAGE + 5 * IMAGE_PAGE + 77;

let kernel: Kernel;
const honest = { store: memoryStore(), digests: [] as string[] };

beforeAll(async () => {
  kernel = await kernelOfChain();
  honest.digests = await chainInto(honest.store, IMAGES);
});

const options = (store: ImageStore, digests: readonly string[], more: Partial<AuditOptions> = {}): AuditOptions => ({
  ...{ kernel, grants: GRANTS, store, platform: node },
  ...{ from: digests[0] as string, to: digests.at(-1) as string },
  ...more,
});

describe.each(ENGINE_NAMES)('on %s', (name) => {
  const engine = nodeEngine(name);

  test('every image of an honest chain follows from the one before', async () => {
    const verdict = await verifyImages(options(honest.store, honest.digests, { engine }));
    expect(verdict).toMatchObject({ follows: true, linksTotal: IMAGES - 1 });
    expect(verdict.links.map(({ to }) => to)).toEqual(honest.digests.slice(1));
    expect(verdict.links.every(({ follows, findingsTotal }) => follows && findingsTotal === 0)).toBe(true);
  });

  test.each([1, 4, IMAGES - 1])('a forged bit in image %i is found there and nowhere else', async (image) => {
    const store = memoryStore();
    const digests = await chainInto(store, IMAGES, { image, byte: BYTE });
    const { follows, links } = await verifyImages(options(store, digests, { engine }));
    expect(follows).toBe(false);
    expect(links.map((link) => link.follows)).toEqual(digests.slice(1).map((_, index) => index + 1 !== image));
    expect(links[image - 1]).toMatchObject({
      ...{ from: digests[image - 1], to: digests[image] },
      ...{ findings: [{ place: 'page', page: Math.floor(BYTE / IMAGE_PAGE) }], findingsTotal: 1 },
    });
  });
});

test('a bit that rotted in a store is found in its interval, and nothing is said of what comes after it', async () => {
  const store = memoryStore();
  const digests = await chainInto(store, IMAGES);
  const rotten = Uint8Array.from(store.get(digests[3] as string) as Uint8Array);
  rotten[rotten.length - 100]! ^= 1;
  store.put(digests[3] as string, rotten);
  const { follows, links, linksTotal } = await verifyImages(options(store, digests));
  expect({ follows, linksTotal, seen: links.map((link) => link.follows) }).toEqual({
    ...{ follows: false, linksTotal: IMAGES - 1, seen: [true, true, false] },
  });
  expect(links[2]?.findings).toEqual([{ place: 'link', reason: expect.stringContaining('damaged') }]);
});

describe.each(ENGINE_NAMES)('the ends of a chain, on %s', (name) => {
  const ends = async (digests: readonly string[], more: Partial<AuditOptions>) => {
    const { from: _, ...given } = options(honest.store, digests, { engine: nodeEngine(name), ...more });
    return verifyImages(given);
  };

  test('the first image follows from the input, and the output from the last', async () => {
    const output = toHex(node.digest(await outputOfChain()));
    const { follows, links, linksTotal } = await ends(honest.digests, { input: INPUT, output });
    expect({ follows, linksTotal }).toEqual({ follows: true, linksTotal: IMAGES + 1 });
    expect(links[0]).toMatchObject({ from: null, to: honest.digests[0], fromStep: 0, toStep: 4 });
    expect(links.at(-1)).toMatchObject({ from: honest.digests.at(-1), to: null });
  });

  test('a forged bit in the first image is found before it, and nowhere else', async () => {
    const store = memoryStore();
    const digests = await chainInto(store, 3, { image: 0, byte: BYTE });
    const { links } = await ends(digests, { store, input: INPUT });
    expect(links.map(({ follows }) => follows)).toEqual([false, true, true]);
    expect(links[0]?.findings).toEqual([{ place: 'page', page: Math.floor(BYTE / IMAGE_PAGE) }]);
  });

  test('another input and another output are found', async () => {
    const other = await ends(honest.digests.slice(0, 1), {
      input: Uint8Array.of(201, 0, 0, 0),
      output: '0'.repeat(64),
    });
    expect(other.links.map(({ follows }) => follows)).toEqual([false, false]);
    expect(other.links[0]?.findings).toContainEqual(expect.objectContaining({ field: 'task' }));
    expect(other.links[1]?.findings).toEqual([expect.objectContaining({ field: 'output', claimed: '0'.repeat(64) })]);
  });
});

test('each link is told as it is checked', async () => {
  const told: (string | null)[] = [];
  await verifyImages(options(honest.store, honest.digests, { onLink: ({ to }) => told.push(to) }));
  expect(told).toEqual(honest.digests.slice(1));
});

test.each<[string, () => Partial<AuditOptions> | Promise<Partial<AuditOptions>>, object]>([
  [
    'images in the wrong order',
    () => ({ from: honest.digests[3]!, to: honest.digests[1]! }),
    { code: 'ERR_IMAGE_INVALID' },
  ],
  ['an image that is not there', () => ({ to: '0'.repeat(64) }), { code: 'ERR_IMAGE_INVALID' }],
  ['a first image that is not there', () => ({ from: '0'.repeat(64) }), { code: 'ERR_IMAGE_INVALID' }],
  ['neither a first image nor an input', () => ({ from: undefined }) as never, { code: 'ERR_OPTION_INVALID' }],
  ['a name that is none', () => ({ from: 'x' }), { code: 'ERR_OPTION_INVALID' }],
  ['a store that is none', () => ({ store: {} as ImageStore }), { code: 'ERR_OPTION_INVALID' }],
  ['missing grants', () => ({ grants: [] }), { code: 'ERR_GRANT_MISSING' }],
  [
    'another kernel',
    async () => ({ kernel: await admit((await builtKernel('stepper')).wasm) }),
    { code: 'ERR_IMAGE_INVALID' },
  ],
  [
    'more than a policy allows',
    () => ({ policy: parsePolicy({ version: 1, limits: { memoryBytesMax: PAGE }, grants: GRANTS }) }),
    { code: 'ERR_POLICY_EXCEEDED' },
  ],
])('refuses %s', async (_, change, refusal) => {
  await expect(verifyImages(options(honest.store, honest.digests, await change()))).rejects.toMatchObject(refusal);
});
