// Kernels in a tab: the answers and the fuel are those of Node, a worker that could reach anything runs nothing, and who stops is heard.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { readTree } from '../../host/grants/tree.ts';
import { admit } from '../../runtime/admit/admit.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import { createSandbox } from '../../runtime/sandbox/sandbox.ts';
import { ENGINES } from '../contract/engines.ts';
import { DIVERGING, GIVEN as DIVERGING_GIVEN } from '../engine/diverging.ts';
import { COMPUTING } from '../kernels/project.ts';
import { coreOf, GIVEN, GRANTS, SUBJECTS, type Subject } from '../kernels/subjects.ts';
import { settingsText } from '../kernels/task.ts';
import { ROOT } from '../project/files.ts';
import { C_PROGRAM, goProgram, RUST_PROGRAM, ZIG_PROGRAM } from '../wasi/programs.ts';
import { openBrowser } from './chromium.ts';
import { preparedFiles } from './prepared.ts';
import { openTab, type Tab } from './tab.ts';

/** Those that compute are left to the engines' own test: each would be loaded and run in two tabs. */
const COMPARED = Object.entries(SUBJECTS).filter(([name]) => !Object.hasOwn(COMPUTING, name));

const WORKER = { worker: '/browser/kernel-worker.js' };

let browser: Browser;
beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser.close());

const pathOf = (name: string) => `/${name.replace(/\W/g, '-')}.wasm`;
const builtBytes = (name: string) => readFile(join(ROOT, 'dist/kernels', `${name}.wasm`));
/** What tests give to all kernels, as a message carries it. */
const CARRIED = {
  seed: GIVEN.seed,
  blobs: Object.fromEntries(Object.entries(GIVEN.blobs).map(([key, bytes]) => [key, [...bytes]])),
};
/** A shot of half a second. */
const SHOT = settingsText({
  ...{ width: 200, depth: 100, spacing: 10, steps: 1_500, dt: 0.001, record: 20, peak: 15 },
  ...{ source: [500, 40], receivers: [0, 1_900, 30, 20] },
  layer: [
    [0, 1500],
    [500, 2600],
  ],
});

/** A folder with one file, which goes with the tests. */
async function folderWith(name: string, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lodger-tab-folder-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, name), text);
  return folder;
}

/** As the tab says it. */
function plain(outcome: Outcome): object {
  const { state, log, receipt } = outcome;
  const { fuel, fuelAtLeast } = receipt;
  const used = { ...(fuel !== undefined && { fuel }), ...(fuelAtLeast !== undefined && { fuelAtLeast }) };
  const ending = state === 'done' ? { output: [...outcome.output] } : { code: outcome.code, message: outcome.message };
  return { state, lines: log.lines.map(({ level, text }) => `${level} ${text}`), ...used, ...ending };
}

async function inNode(kernel: Kernel, inputs: readonly Uint8Array[]): Promise<object[]> {
  const outcomes = [];
  const { seed, blobs } = GIVEN;
  const job = { kernel, inputs, seed, blobs, grants: GRANTS };
  for await (const outcome of createSandbox().map(job)) outcomes.push(plain(outcome));
  return outcomes;
}

describe.each([
  ['shares memory with its kernel workers, and has its kernels from its site', true],
  ['shares no memory, and prepares its kernels itself', false],
])('a tab that %s', (_, isolated) => {
  let tab: Tab;
  beforeAll(async () => {
    const cores = COMPARED.map(async ([name, subject]) => [pathOf(name), await coreOf(subject)] as const);
    const diverging = DIVERGING.flatMap(({ name, kernels }) =>
      kernels.map((bytes, at) => [pathOf(`${name} ${at}`), bytes]),
    );
    const kernels = {
      ...Object.fromEntries([...(await Promise.all(cores)), ...diverging]),
      '/wave.wasm': await builtBytes('wave'),
    };
    tab = await openTab(browser, { isolated, files: isolated ? await preparedFiles(kernels) : kernels });
    expect(await tab.do('open', { ...WORKER, threads: 2, ofSite: isolated })).toEqual({ isolated });
  });
  afterAll(() => tab.close());

  test.each(COMPARED)('%s gives the bytes, the log and the fuel of Node', async (name, subject) => {
    const inputs = [...subject.special, ...[0, 1, 100, 5_000].map((length) => subject.input(length))];
    const given = { kernel: pathOf(name), inputs: inputs.map((input) => [...input]), grants: GRANTS, ...CARRIED };
    expect(await tab.do('run', given)).toEqual(await inNode(await admit(await coreOf(subject)), inputs));
  });

  test.each(DIVERGING)('$name: the same as in Node', async ({ name, kernels }) => {
    for (const [at, bytes] of kernels.entries()) {
      const [input, kernel] = [new Uint8Array(), await admit(bytes)];
      const inTab = await tab.do('run', { kernel: pathOf(`${name} ${at}`), inputs: [[]], ...DIVERGING_GIVEN });
      expect(inTab).toEqual([plain(await createSandbox().run({ kernel, input, ...DIVERGING_GIVEN }))]);
    }
  });

  test('a stepper that is paused goes on from its image, to the same end', async () => {
    const input = [...Buffer.from(SHOT)];
    const { paused, ...moved } = (await tab.do('move', { kernel: '/wave.wasm', input })) as { paused: boolean };
    expect(paused).toBe(true);
    const task = { kernel: await admit(await builtBytes('wave')), input: Uint8Array.from(input) };
    expect(moved).toEqual(plain(await createSandbox().run(task)));
  });

  test('a loop that never ends is ended when nobody waits for it any more, and the next task runs', async () => {
    expect(await tab.do('abort', { kernel: '/failing.wasm', input: [13], afterMs: 100 })).toBe('ERR_ABORTED');
    const [after] = (await tab.do('run', { kernel: '/echo.wasm', inputs: [[1, 2, 3]] })) as object[];
    expect(after).toMatchObject({ state: 'done', output: [1, 2, 3] });
  });
});

describe('a program', () => {
  const INPUTS = [
    'count\na b\n',
    'copy\nhello',
    'say\none\ntwo',
    'random\n',
    'exit 3\n',
    'sleep 36000000\n',
    'cat /in/a.txt',
  ];
  const inputs = INPUTS.map((text) => new TextEncoder().encode(text));

  test.each([
    ['its site', true],
    ['the tab', false],
  ])(
    'in C, Rust, Zig and Go, prepared by %s, gives the bytes, the log and the fuel of V8 and Wasmtime, pinned folders with it',
    async (_, ofSite) => {
      const go = goProgram();
      const programs = { c: C_PROGRAM, rust: RUST_PROGRAM, zig: ZIG_PROGRAM, ...(go && { go }) };
      const files = Object.fromEntries(Object.entries(programs).map(([name, bytes]) => [`/${name}.wasm`, bytes]));
      const tab = await openTab(browser, { files: ofSite ? await preparedFiles(files) : files });
      await tab.do('open', { ...WORKER, threads: 2, ofSite });
      const { digest, blobs } = await readTree(await folderWith('a.txt', 'hello folder'));
      const grants = [{ kind: 'files', at: '/in', from: `sha256:${digest}`, mode: 'read' }] as const;
      const given = { inputs: inputs.map((input) => [...input]), seed: 9, grants, args: ['one', 'two'] };
      const carried = Object.fromEntries(Object.entries(blobs).map(([key, bytes]) => [key, [...bytes]]));
      for (const [name, bytes] of Object.entries(programs)) {
        const seen = await tab.do('run', { ...given, kernel: `/${name}.wasm`, blobs: carried });
        const kernel = await admit(bytes);
        for (const [, makeEngine] of ENGINES) {
          const outcomes = [];
          const sandbox = createSandbox({ engine: makeEngine() });
          for await (const outcome of sandbox.map({ kernel, ...given, inputs, blobs })) outcomes.push(plain(outcome));
          expect(outcomes.map((outcome) => (outcome as { state: string }).state)).toContain('done');
          expect(seen, name).toEqual(outcomes);
        }
      }
      await tab.close();
    },
  );
});

test('what takes more than a plain kernel is given to a worker that is loaded for it, and what comes later, too', async () => {
  const subjects = Object.entries(SUBJECTS).filter(([name]) => ['echo', 'commands'].includes(name));
  const cores = subjects.map(async ([name, subject]) => [pathOf(name), await coreOf(subject)] as const);
  const files = Object.fromEntries(await Promise.all(cores));
  const tab = await openTab(browser, { files });
  const whole = () => tab.requests.filter((request) => request === 'GET /browser/whole-kernel-worker.js').length;
  await tab.do('open', WORKER);
  const [first] = (await tab.do('run', { kernel: '/echo.wasm', inputs: [[1]] })) as object[];
  expect(first).toMatchObject({ state: 'done', output: [1] });
  expect(whole()).toBe(0);
  const given = { kernel: '/commands.wasm', inputs: [[1], [1]], grants: GRANTS, ...CARRIED };
  expect(await tab.do('run', given)).toHaveLength(2);
  expect(whole()).toBe(1);
  const [last] = (await tab.do('run', { kernel: '/echo.wasm', inputs: [[2]] })) as object[];
  expect(last).toMatchObject({ state: 'done', output: [2] });
  expect(whole()).toBe(1);
  await tab.close();
});

test('a worker that had to be ended counts as lent for the 2 s in which its guest may still use a core', async () => {
  const files = {
    '/failing.wasm': await coreOf(SUBJECTS['failing'] as Subject),
    '/echo.wasm': await builtBytes('echo'),
  };
  const tab = await openTab(browser, { isolated: false, files });
  await tab.do('open', WORKER);
  // Before it is ended, since what the page says of that may come late.
  const began = performance.now();
  expect(await tab.do('abort', { kernel: '/failing.wasm', input: [13], afterMs: 100 })).toBe('ERR_ABORTED');
  expect(await tab.do('run', { kernel: '/echo.wasm', inputs: [[1]] })).toMatchObject([{ state: 'done' }]);
  expect(performance.now() - began).toBeGreaterThan(2_000);
  await tab.close();
});

describe('the way out', () => {
  test('is asked for by no kernel worker: nothing leaves it', async () => {
    const tab = await openTab(browser);
    await tab.do('open', WORKER);
    expect(tab.requests).toContain('GET /browser/kernel-worker.js');
    expect(tab.requests).not.toContain('GET /browser/way-out.js');
    await tab.close();
  });

  test.each([
    ['no header', null],
    ['a header that lets the site itself through', "default-src 'self'"],
  ])('that is open, for want of the right header, ends it: %s', async (_, header) => {
    const tab = await openTab(browser, { header });
    await expect(tab.do('open', WORKER)).rejects.toThrow(/ERR_ISOLATION_MISSING.*could reach the network by fetch/);
    await tab.close();
  });
});
