// What typed payloads cost: a megabyte of numbers against a kernel that takes the same as bytes, and the host's own part against JSON.
import { node } from '../host/platform/node.ts';
import { nodeV8 } from '../host/platform/node-v8.ts';
import { createPool } from '../host/pool/pool.ts';
import { createShelf } from '../host/pool/share.ts';
import { admit } from '../runtime/admit/admit.ts';
import type { Kernel } from '../runtime/job/kernel.ts';
import { createDecoder } from '../runtime/payload/decode.ts';
import { createSandbox } from '../runtime/sandbox/sandbox.ts';
import { build } from './kernels.ts';
import { type Result, ratio } from './result.ts';
import { interleave, type Variant } from './rounds.ts';

/** A megabyte of f64. */
const COUNT = 131_072;
const FACTOR = 1.0000001;

const LOOP = 'for (let i = 0; i < xs.length; i++) ys[i] = xs[i] * k;';
const TYPED = `
  class In { k: f64; xs: Float64Array; }
  class Out { ys: Float64Array; constructor(ys: Float64Array) { this.ys = ys; } }
  export function run(given: In): Out {
    const k = given.k; const xs: Float64Array = given.xs; const ys = new Float64Array(xs.length);
    ${LOOP}
    return new Out(ys);
  }`;
/** The same as an author writes it without a schema: the factor, then the numbers. */
const BYTES = `
  export function run(input: Uint8Array): Uint8Array {
    const all = Float64Array.wrap(input.buffer); const k = all[0]; const xs = all.subarray(1); const ys = new Float64Array(xs.length);
    ${LOOP}
    return Uint8Array.wrap(ys.buffer);
  }`;
/** A task's plain data, as it is given with every task of a job. */
const PLAN = `
  class Leg { strike: f64; days: i32; kind: string; }
  class Plan { id: i32; name: string; rate: f64; volatility: f64; spot: f64; paths: i32; exact: bool; legs: Leg[]; }
  export function run(plan: Plan): Plan { return plan; }`;

export default async function measure(): Promise<Result> {
  const [typed, bytes] = [await kernelOf(TYPED), await kernelOf(BYTES)];
  const sandbox = createSandbox({ engine: nodeV8(), platform: node });
  const pool = await createPool({ engine: 'v8', threads: 1 });
  const xs = Float64Array.from({ length: COUNT }, (_, at) => at * 0.5);
  try {
    const runs = [sandbox, pool].flatMap((runner, at): Variant[] => {
      const where = at === 0 ? 'sandbox' : 'pool';
      const once = (call: (runner: Runner) => Promise<Float64Array>) => async () => void (await call(runner));
      return [
        { name: `${where}: typed`, operations: 1, once: once((each) => callTyped(each, typed, xs)) },
        { name: `${where}: bytes`, operations: 1, once: once((each) => callBytes(each, bytes, xs)) },
        {
          name: `${where}: bytes again (noise floor)`,
          operations: 1,
          once: once((each) => callBytes(each, bytes, xs)),
        },
      ];
    });
    await compare(sandbox, typed, bytes, xs);
    const times = [
      ...(await interleave(runs, { rounds: 31, samples: 20 })),
      ...(await interleave(await hostVariants(), { rounds: 15, samples: 10 })),
    ];
    const against = (where: string) =>
      ratio(`1 MiB of f64 in and out, ${where}, against bytes`, times, [`${where}: typed`, `${where}: bytes`], 1.3);
    const json = (what: string) =>
      ratio(`encode and decode of ${what} on the host, against JSON`, times, [`${what}: ours`, `${what}: JSON`], 0.5);
    return {
      name: 'typed',
      times,
      measures: [against('sandbox'), against('pool'), json('a plan'), json('1,000 numbers')],
    };
  } finally {
    await pool.close();
  }
}

type Runner = Pick<ReturnType<typeof createSandbox>, 'run'>;

async function kernelOf(text: string): Promise<Kernel> {
  return admit(await build(text), { platform: node });
}

async function callTyped(runner: Runner, kernel: Kernel, xs: Float64Array): Promise<Float64Array> {
  const outcome = await runner.run({ kernel, input: { k: FACTOR, xs } });
  if (outcome.state === 'failed') throw new Error(outcome.message);
  return (kernel.decode(outcome.output) as { ys: Float64Array }).ys;
}

/** What a caller without a schema does: puts the factor in front, and looks at the answer as numbers. */
async function callBytes(runner: Runner, kernel: Kernel, xs: Float64Array): Promise<Float64Array> {
  const all = new Float64Array(xs.length + 1);
  all[0] = FACTOR;
  all.set(xs, 1);
  const outcome = await runner.run({ kernel, input: new Uint8Array(all.buffer) });
  if (outcome.state === 'failed') throw new Error(outcome.message);
  const { buffer, byteOffset, byteLength } = outcome.output;
  return new Float64Array(buffer, byteOffset, byteLength / 8);
}

async function compare(runner: Runner, typed: Kernel, bytes: Kernel, xs: Float64Array): Promise<void> {
  const [a, b] = [await callTyped(runner, typed, xs), await callBytes(runner, bytes, xs)];
  const [one, other] = [a, b].map((each) => Buffer.from(each.buffer, each.byteOffset, each.byteLength));
  if (!one || !other || Buffer.compare(one, other) !== 0) throw new Error('the variants do not give the same output');
}

/** Encoding and decoding alone, of a small plan with three legs and of a list of numbers. */
async function hostVariants(): Promise<Variant[]> {
  const legs = [100, 105, 95].map((strike, at) => ({ strike, days: 30 * at, kind: at === 1 ? 'put' : 'call' }));
  const head = {
    id: 7,
    name: 'down and out',
    rate: 0.03,
    volatility: 0.21,
    spot: 101.25,
    paths: 100_000,
    exact: false,
  };
  const plan = await kernelOf(PLAN);
  const numbers = await kernelOf('class In { xs: Float64Array; } export function run(given: In): In { return given; }');
  const xs = Array.from({ length: 1_000 }, (_, at) => Math.sin(at));
  return [
    ...pair('a plan', plan, { ...head, legs }, 1_000),
    ...pair('1,000 numbers', numbers, { xs }, 100, { xs: Float64Array.from(xs) }),
  ];
}

function pair(name: string, { payload, encode }: Kernel, plain: object, operations: number, value = plain): Variant[] {
  if (payload === undefined) throw new Error('the kernel is not typed');
  const decode = createDecoder(payload);
  // As a pool does for each task.
  const { room } = createShelf(0);
  const utf8 = { to: new TextEncoder(), from: new TextDecoder() };
  const repeat = (call: () => unknown) => () => {
    for (let at = 0; at < operations; at++) call();
  };
  return [
    { name: `${name}: ours`, operations, once: repeat(() => decode(encode(value, room))) },
    {
      name: `${name}: JSON`,
      operations,
      once: repeat(() => JSON.parse(utf8.from.decode(utf8.to.encode(JSON.stringify(plain))))),
    },
  ];
}
