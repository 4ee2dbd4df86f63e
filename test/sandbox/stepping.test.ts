// Steppers that are moved, given other limits and gone on with: from engine to engine, to the same bytes and the same fuel.
import { beforeAll, describe, expect, test } from 'vitest';
import { placeOf } from '../../host/platform/engines.ts';
import { node } from '../../host/platform/node.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { PAGE, TASK } from '../../runtime/base/limits.ts';
import type { Ready } from '../../runtime/engine/engine.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import { fillLimits } from '../../runtime/job/limits.ts';
import type { EngineName, Outcome } from '../../runtime/job/outcome.ts';
import type { Call } from '../../runtime/sandbox/call.ts';
import { compileFor } from '../../runtime/sandbox/compile.ts';
import { execute } from '../../runtime/sandbox/execute.ts';
import { replaysOn } from '../../runtime/sandbox/replay.ts';
import { Stepping } from '../../runtime/sandbox/stepping.ts';
import { memoryStore, type OpenImage, openImage } from '../../runtime/snapshot/store.ts';
import { verify } from '../../runtime/snapshot/verify.ts';
import { ENGINE_NAMES } from '../contract/engines.ts';
import { builtKernel } from '../kernels/built.ts';
import { settingsText } from '../kernels/task.ts';

const utf8 = new TextEncoder();
const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
const wave = utf8.encode(
  settingsText({
    ...{ width: 81, depth: 67, spacing: 10, sponge: 20, steps: 1_200, dt: 0.002, record: 100, peak: 15 },
    ...{
      source: [200, 30],
      receivers: [0, 600, 7, 20],
      layer: [
        [0, 1500],
        [250, 2300],
      ],
    },
  }),
);

const SUBJECTS = [
  ['walk', 'walk', u32(40)],
  ['stepper', 'stepper', u32(30_000)],
  ['wave', 'kernels/wave', wave],
] as const;

/** More than a shot of wave begins with. */
const MEMORY_BYTES_MAX = 128 * PAGE;
const limits = fillLimits({ memoryBytesMax: MEMORY_BYTES_MAX, fuelMax: TASK.fuelMax.default });
const callOf = (input: Uint8Array, more: Partial<Call> = {}): Call => ({
  ...{ input, limits, blobs: {}, seed: 11, index: 4, digests: true },
  ...more,
});
const endOf = ({ state, log, receipt, ...rest }: Outcome) => ({
  state,
  log,
  output: 'output' in rest ? Buffer.from(rest.output).toString('hex') : rest.code,
  fuel: receipt.fuel,
  calls: receipt.calls,
  digests: [receipt.inputDigest, receipt.outputDigest],
  bytesIn: receipt.bytesIn,
});

describe.each(SUBJECTS)('%s', (_, source, input) => {
  let kernel: Kernel;
  const ready = new Map<EngineName, Ready>();
  const at = (engine: EngineName) => [placeOf(engine), ready.get(engine) as Ready] as const;

  beforeAll(async () => {
    kernel = await admit((await builtKernel(source)).wasm);
    for (const name of ENGINE_NAMES) ready.set(name, await compileFor(placeOf(name).engine, kernel));
  });

  /** Moves to the next of the engines after every third step; all images end up in the store. */
  function moved(engines: readonly EngineName[], store = memoryStore(), call = callOf(input)) {
    let stepping = Stepping.begin(...at(engines[0] as EngineName), call);
    const digests: string[] = [];
    while (stepping.goesOn) {
      for (let step = 0; step < 3 && stepping.goesOn; step++) stepping.advance();
      const { image, bytes } = stepping.take();
      store.put(image.digest, bytes);
      digests.push(image.digest);
      stepping.leave();
      const open = openImage(store, image.digest, { platform: node, memoryBytesMax: TASK.memoryBytesMax.max });
      const engine = engines[digests.length % engines.length] as EngineName;
      stepping = Stepping.resume(...at(engine), {
        call: callOf(new Uint8Array(), { ...call, input: new Uint8Array() }),
        open,
      });
    }
    return { outcome: stepping.end(), digests };
  }

  test.each([
    ...ENGINE_NAMES.map((name) => [name, [name]] as const),
    ['V8 and Wasmtime in turn', ENGINE_NAMES] as const,
  ])('moved to a fresh instance at every third step on %s, it ends as one that stays', (_name, engines) => {
    const stays = execute(...at('v8'), callOf(input));
    expect(stays.state).toBe('done');
    const { outcome, digests } = moved(engines);
    expect(digests.length).toBeGreaterThan(2);
    expect(endOf(outcome)).toEqual(endOf(stays));
  });

  test('its limit of fuel ends it at the same step, wherever it goes on', () => {
    const { fuel = 0 } = execute(...at('v8'), callOf(input)).receipt;
    const call = callOf(input, { limits: { ...limits, fuelMax: fuel - 1 } });
    const { outcome } = moved(ENGINE_NAMES, memoryStore(), call);
    expect(outcome).toMatchObject({ state: 'failed', code: 'ERR_FUEL_SPENT', receipt: { fuel: fuel - 1 } });
    const enough = callOf(input, { limits: { ...limits, fuelMax: fuel } });
    expect(moved(ENGINE_NAMES, memoryStore(), enough).outcome.state).toBe('done');
  });

  test('verify finds a damaged image in its interval, and nowhere else', async () => {
    const store = memoryStore();
    const { digests } = moved(['v8'], store);
    const open = (digest: string) =>
      openImage(store, digest, { platform: node, memoryBytesMax: TASK.memoryBytesMax.max });
    const options = (engine: EngineName) => ({ replay: replaysOn(...at(engine), callOf(new Uint8Array())).between });
    for (const engine of ENGINE_NAMES) {
      for (let link = 1; link < digests.length; link++) {
        const pair = [open(digests[link - 1] as string), open(digests[link] as string)] as const;
        expect(await verify(...pair, options(engine))).toMatchObject({ follows: true, findingsTotal: 0 });
      }
    }
    const last = digests.at(-1) as string;
    const forged = open(last);
    const page = Buffer.from(forged.copy.page(1));
    page[100] = (page[100] as number) ^ 4;
    forged.copy.write(1, page, node.digest(page));
    const before = open(digests.at(-2) as string);
    expect(await verify(before, forged, options('v8'))).toMatchObject({
      ...{ follows: false, findingsTotal: 1 },
      findings: [{ place: 'page', page: 1 }],
    });
  });
});

describe('limits that change between steps', () => {
  let ready: Ready;

  beforeAll(async () => {
    ready = await compileFor(placeOf('v8').engine, await admit((await builtKernel('walk')).wasm));
  });

  /** Runs 20 steps with few pages, changes the limit, and runs to the end. */
  function changed(engine: EngineName, memoryBytesMax: number) {
    const store = memoryStore();
    const few = { ...limits, memoryBytesMax: 10 * PAGE };
    const stepping = Stepping.begin(placeOf(engine), ready, callOf(u32(40), { limits: few }));
    for (let step = 0; step < 20; step++) stepping.advance();
    const images = [...stepping.setLimits({ memoryBytesMax })];
    for (let step = 0; step < 20; step++) stepping.advance();
    images.push(stepping.take());
    for (const { image, bytes } of images) store.put(image.digest, bytes);
    return { outcome: stepping.end(), images, store };
  }
  const refused = (outcome: Outcome) =>
    outcome.state === 'done' ? new DataView(outcome.output.buffer, outcome.output.byteOffset).getUint32(4, true) : -1;

  test('are seen by the guest from there on, and are links that verify replays', async () => {
    const { outcome, images, store } = changed('v8', 60 * PAGE);
    const pages = ready.facts.memory.min;
    expect(refused(outcome)).toBe(20 - (10 - pages));
    const opened = images.map(({ image }) =>
      openImage(store, image.digest, { platform: node, memoryBytesMax: TASK.memoryBytesMax.max }),
    );
    const [before, after, last] = opened as [OpenImage, OpenImage, OpenImage];
    expect(after.image.manifest).toMatchObject({ step: 20, parent: before.image.digest });
    expect(after.image.manifest.limits.memoryBytesMax).toBe(60 * PAGE);
    const options = { replay: replaysOn(placeOf('v8'), ready, callOf(new Uint8Array())).between };
    expect(await verify(before, after, options)).toMatchObject({ follows: true });
    expect(await verify(after, last, options)).toMatchObject({ follows: true });
    expect(await verify(before, last, options)).toMatchObject({ follows: false });
  });

  test('may be lower than what the guest has: it then gets no more', () => {
    const { outcome } = changed('v8', PAGE);
    expect(refused(outcome)).toBe(40 - (10 - ready.facts.memory.min));
  });

  test('of fuel end it when it asks for more, or let it go on', () => {
    const call = callOf(u32(40));
    const { fuel = 0 } = execute(placeOf('v8'), ready, call).receipt;
    const tight = { ...limits, fuelMax: Math.floor(fuel / 2) };
    const raised = Stepping.begin(placeOf('v8'), ready, callOf(u32(40), { limits: tight }));
    for (let step = 0; step < 10; step++) raised.advance();
    raised.setLimits({ fuelMax: fuel });
    while (raised.goesOn) raised.advance();
    expect(raised.end()).toMatchObject({ state: 'done', receipt: { fuel } });
    const lowered = Stepping.begin(placeOf('v8'), ready, call);
    for (let step = 0; step < 10; step++) lowered.advance();
    const used = lowered.fuel;
    lowered.setLimits({ fuelMax: 5 });
    while (lowered.goesOn) lowered.advance();
    const ended = lowered.end();
    // What was used is used.
    expect(ended).toMatchObject({ state: 'failed', code: 'ERR_FUEL_SPENT', receipt: { fuel: used } });
  });
});
