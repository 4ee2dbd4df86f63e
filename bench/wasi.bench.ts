// What a WASI program costs: its start against a kernel that does the same, and making a Go program ready.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeEngine } from '../host/platform/engines.ts';
import { node } from '../host/platform/node.ts';
import { admit } from '../runtime/admit/admit.ts';
import { formatSize, short } from '../runtime/base/units.ts';
import type { Kernel } from '../runtime/job/kernel.ts';
import type { EngineName } from '../runtime/job/outcome.ts';
import { prepare } from '../runtime/prepare/prepare.ts';
import { createSandbox } from '../runtime/sandbox/sandbox.ts';
import type { Measure, Result } from './result.ts';
import { quotient, ratio } from './result.ts';
import { interleave, median, type Variant } from './rounds.ts';

const ROOT = new URL('../../', import.meta.url);
const PROGRAMS = new URL('test/fixtures/programs/', ROOT);
const STARTS = 2_000;
const PREPARES = 5;
const PREPARE_MS_MAX = 3_000;

export default async function measure(): Promise<Result> {
  const program = await admit(readFileSync(new URL('copy.wasm', PROGRAMS)), { platform: node });
  const large = await admit(readFileSync(new URL('tool.wasm', PROGRAMS)), { platform: node });
  const kernel = await admit(readFileSync(new URL('dist/kernels/echo.wasm', ROOT)), { platform: node });
  // The same code on the same C library, whose calls end at the kernel's input and output.
  const same = await admit(readFileSync(new URL('tool-kernel.wasm', PROGRAMS)), { platform: node });
  const text = 'x'.repeat(64);
  const variants = (['v8', 'wasmtime'] as const).flatMap((name) => [
    start(name, 'program', program, text),
    start(name, 'program with C library', large, `copy\n${text}`),
    start(name, 'kernel', kernel, text),
    start(name, 'kernel with C library', same, `copy\n${text}`),
  ]);
  const times = await interleave(variants, { rounds: 21, samples: 3 });
  const against = (what: string, name: EngineName): Measure[] => {
    const names = [`program${what}, ${name}`, `kernel${what}, ${name}`] as const;
    const measure = `start of a program${what} that copies 64 bytes, against such a kernel, ${name}`;
    const [minima, medians] = [quotient(times, names, 'cpuMinUs'), quotient(times, names, 'cpuMedianUs')];
    return [
      ratio(measure, times, names, 2),
      { measure: `${measure}, by CPU time`, value: `${short(minima)}x, ${short(medians)}x`, must: '', holds: null },
    ];
  };
  const starts = (['v8', 'wasmtime'] as const).flatMap((name) => [
    ...against('', name),
    ...against(' with C library', name),
  ]);
  return { name: 'wasi', times, measures: [...starts, await go()] };
}

function start(engine: EngineName, what: string, kernel: Kernel, text: string): Variant {
  const sandbox = createSandbox({ engine: nodeEngine(engine), platform: node });
  const input = new TextEncoder().encode(text);
  return {
    name: `${what}, ${engine}`,
    // So many that each sample has its share of collections of garbage.
    operations: STARTS,
    once: async () => {
      for (let task = 0; task < STARTS; task++) {
        const outcome = await sandbox.run({ kernel, input });
        if (outcome.state === 'failed' || outcome.output.byteLength !== 64) throw new Error(`${what} lost bytes`);
      }
    },
  };
}

/** Admits and meters a program in Go, anew each time. */
async function go(): Promise<Measure> {
  const measure = 'admitting and metering a program in Go';
  const must = '<= 3 s';
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'lodger-bench-'));
  const out = join(folder, 'tool.wasm');
  const args = ['build', '-trimpath', '-ldflags=-s -w', '-o', out, fileURLToPath(new URL('tool.go', PROGRAMS))];
  const path = `${process.env['PATH']}:/usr/local/go/bin`;
  const env = { ...process.env, GOOS: 'wasip1', GOARCH: 'wasm', PATH: path };
  try {
    const { status } = spawnSync('go', args, { cwd: folder, env });
    if (status !== 0) return { measure, value: 'there is no Go here', must, holds: null };
    const bytes = readFileSync(out);
    const all: number[] = [];
    for (let round = 0; round < PREPARES; round++) {
      const began = performance.now();
      const kernel = await admit(bytes, { platform: node });
      const prepared = prepare(kernel, { memoryForm: 'imported', metered: true, canonicalNaNs: true });
      if (prepared.bytes.byteLength < bytes.byteLength) throw new Error('the meter lost bytes');
      all.push(performance.now() - began);
    }
    const [first, usual] = [all[0] as number, median(all)];
    return {
      measure: `${measure} (${formatSize(bytes.byteLength)})`,
      value: `${short(first / 1e3)} s the first time, ${short(usual / 1e3)} s (median of ${PREPARES})`,
      must,
      holds: first <= PREPARE_MS_MAX,
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
