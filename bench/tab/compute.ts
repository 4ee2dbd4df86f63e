// Kernels in a tab against Node, and fresh sandboxes against bare instances in a tab. The page's worker fetches what it is to do.
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bundle } from '../../host/build/pages.ts';
import { node } from '../../host/platform/node.ts';
import { nodeV8 } from '../../host/platform/node-v8.ts';
import { packageRoot } from '../../kernels/transform/library.ts';
import { short } from '../../runtime/base/units.ts';
import { openChromium } from '../chromium.ts';
import { kernel } from '../kernels.ts';
import type { Measure } from '../result.ts';
import { geometricMean, median } from '../rounds.ts';
import { SUBJECTS } from '../subjects.ts';
import { suiteKernels } from '../suite.ts';
import { bestOf, callOf } from './calls.ts';
import { type Desk, openDesk } from './desk.ts';
import { WAYS, type Way } from './fresh.ts';

/** Many short rounds: the best of them is what the machine can do, whatever else it does. */
const ROUNDS = 12;
const CALLS = 2;
/** Calls before that: browsers optimise in the background, and take their time on a machine with other work. */
const WARM = { calls: 15, restMs: 1_000 } as const;
/**
 * So many at a time that the collection of what they leave is in each round. Sandboxes and bare instances take turns in workers of their own:
 * in one, sandboxes would wait for the unmapping of memories that bare instances left.
 */
const FRESH = { rounds: 15, operations: 1_000 } as const;
/** Rounds before that. */
const FRESH_WARM = 2;
/** The worker for kernels. */
const KERNELS = 'kernels';

interface Subject {
  readonly kernel: Uint8Array;
  readonly input: Uint8Array;
}

export async function compute(): Promise<Measure[]> {
  const subjects = await subjectsOf();
  const query = new Uint8Array(await readFile(join(packageRoot(), 'kernels/align/data/query.fasta')));
  const folder = await mkdtemp(join(tmpdir(), 'lodger-bench-'));
  await bundle(packageRoot(), 'bench/tab/script.ts', join(folder, 'script.js'));
  const files: Record<string, Uint8Array> = { '/blob': query };
  files['/script.js'] = await readFile(join(folder, 'script.js'));
  files['/kernel/echo'] = (await kernel('echo')).bytes;
  for (const [name, { kernel: bytes, input }] of Object.entries(subjects)) {
    files[`/kernel/${name}`] = bytes;
    files[`/input/${name}`] = input;
  }
  const desk = await openDesk([KERNELS, ...WAYS], files);
  const browser = await openChromium(`${desk.origin}/`);
  try {
    const ratios = [];
    for (const [name, subject] of Object.entries(subjects))
      ratios.push({ name, ratio: await speedOf(desk, name, { subject, query }) });
    const mean = geometricMean(ratios.map(({ ratio }) => ratio));
    const fresh = await compareFresh(desk);
    const [minima, medians] = [ratioOf(fresh, (all) => Math.min(...all)), ratioOf(fresh, median)];
    return [
      {
        measure: 'project kernels, tab against Node, one thread, speed of whole tasks (minima)',
        value: `${short(mean)}x; ${ratios.map(({ name, ratio }) => `${name} ${short(ratio)}`).join(', ')}`,
        must: '>= 0.95x (geometric mean)',
        holds: mean >= 0.95,
      },
      {
        measure: 'fresh sandbox in a worker of a tab, against a bare instance there',
        value: `${short(minima)}x (minima), ${short(medians)}x (medians); ${short(Math.min(...fresh.sandbox))} us`,
        must: '<= 0.3x',
        holds: Math.max(minima, medians) <= 0.3,
      },
    ];
  } finally {
    await browser.close();
    desk.close();
    await rm(folder, { recursive: true });
  }
}

/** Us of one operation, a round each. */
type Fresh = Record<Way, number[]>;

async function compareFresh(desk: Desk): Promise<Fresh> {
  const times: Fresh = { sandbox: [], bare: [] };
  for (let round = -FRESH_WARM; round < FRESH.rounds; round++) {
    for (const way of WAYS) {
      const order = { act: 'fresh', way, operations: FRESH.operations } as const;
      const { us } = (await desk.order(way, order)) as { readonly us: number };
      if (round >= 0) times[way].push(us);
    }
  }
  return times;
}

const ratioOf = ({ sandbox, bare }: Fresh, of: (all: readonly number[]) => number) => of(sandbox) / of(bare);

/** The tab and Node in turn; the output has to be the same. */
async function speedOf(
  desk: Desk,
  name: string,
  { subject, query }: { readonly subject: Subject; readonly query: Uint8Array },
): Promise<number> {
  const order = { act: 'kernel', name, calls: CALLS } as const;
  await desk.order(KERNELS, { ...order, calls: WARM.calls });
  await sleep(WARM.restMs);
  let [inTab, inNode] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < ROUNDS; round++) {
    const told = (await desk.order(KERNELS, order)) as { readonly bestMs: number; readonly output: string };
    const given = { kernel: subject.kernel, call: callOf(subject.input, query) };
    const { bestMs, output } = await bestOf({ engine: nodeV8(), platform: node }, order, given);
    if (createHash('sha256').update(output).digest('hex') !== told.output) throw new Error(`${name}: outputs differ`);
    inTab = Math.min(inTab, told.bestMs);
    inNode = Math.min(inNode, bestMs);
  }
  return inNode / inTab;
}

async function subjectsOf(): Promise<Readonly<Record<string, Subject>>> {
  const built = async (name: string) =>
    new Uint8Array(await readFile(join(packageRoot(), `dist/kernels/${name}.wasm`)));
  const subjects: Record<string, Subject> = {};
  for (const { name, kernel: file, input } of await suiteKernels('slice'))
    subjects[name.replace(' ', '-')] = { kernel: await built(file), input };
  for (const name of ['template', 'wave', 'dynamics'] as const)
    subjects[name] = { kernel: await built(name), input: await SUBJECTS[name].input() };
  return subjects;
}
