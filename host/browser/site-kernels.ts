// Kernels of a tab whose scripts are its site's own: the site admits and prepares them. Whoever trusts it for the script that counts need not count
// again; what the tab itself enforces, it checks on what it was sent. Nothing that fails here is run in another way.
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Digest } from '../../runtime/base/platform.ts';
import { type Kernel, type KernelFacts, sealFacts } from '../../runtime/job/kernel.ts';
import { SHAPES } from '../../runtime/job/world.ts';
import { METER_EXPORTS, METER_IMPORTS } from '../../runtime/meter/names.ts';
import { TARIFF_VERSION } from '../../runtime/meter/tariff.ts';
import { MEMORY_IMPORT, REWRITER_VERSION } from '../../runtime/prepare/form.ts';
import type { KernelSource } from '../lend/contracts.ts';
import type { PreparedAnswer, PreparedKernel, Refused } from '../wire/prepared.ts';
import type { Compile } from './runner.ts';

export interface SiteKernelsOptions {
  /** What the site says of a kernel, in its form. */
  ask(kernel: Digest, nans: PreparedKernel['nans']): Promise<PreparedAnswer>;
  /** Bytes that have this digest. */
  get(digest: Digest): Promise<Uint8Array>;
}

/** `source` for whoever lends, `compile` for the runner. */
export interface SiteKernels {
  readonly source: KernelSource;
  readonly compile: Compile;
}

export function createSiteKernels({ ask, get }: SiteKernelsOptions): SiteKernels {
  const known = new WeakMap<Kernel, PreparedKernel>();
  const find = async (digest: Digest, nans: PreparedKernel['nans']): Promise<PreparedKernel> => {
    const answer = await ask(digest, nans);
    if (answer.state === 'refused') throw told(answer);
    const { rewriter, tariff, facts } = answer;
    if (rewriter !== REWRITER_VERSION || tariff !== TARIFF_VERSION) throw fault('is of another version');
    if (answer.nans !== nans || facts.digest !== digest) throw fault('is of another kernel');
    return answer;
  };
  return {
    source: async (digest, { deterministic }) => {
      const answer = await find(digest, nansOf(deterministic));
      const kernel = sealFacts(answer.facts);
      known.set(kernel, answer);
      return kernel;
    },
    compile: async ({ kernel, deterministic }, form) => {
      const nans = nansOf(deterministic);
      const first = known.get(kernel);
      const { facts, layout, module } = first?.nans === nans ? first : await find(kernel.digest, nans);
      const bytes = (await get(module)) as Uint8Array<ArrayBuffer>;
      const compiled = await WebAssembly.compile(bytes).catch(({ message }: Error) => {
        throw new LodgerError('ERR_KERNEL_MALFORMED', [message, 0]);
      });
      checkModule(compiled, facts);
      const counted = { facts, metered: true, canonicalNaNs: deterministic, ...(layout && { state: layout }) };
      return { ...counted, compiled: form === 'bytes' ? bytes : compiled };
    },
  };
}

const nansOf = (deterministic: boolean) => (deterministic ? 'canonical' : 'raw');

/** What admission says at the site, as it would be said here. */
function told({ code, message }: Refused): LodgerError {
  return Object.assign(new LodgerError(code), { message });
}

function fault(what: string): LodgerError {
  return new LodgerError('ERR_HOST_FAULT', [`what the site prepared ${what}`]);
}

/**
 * That it asks for what was granted and for nothing else, that its memory is the host's, and that it counts. Throws `ERR_HOST_FAULT`: what
 * does not is not this kernel's doing.
 */
function checkModule(module: WebAssembly.Module, { imports, shape }: KernelFacts): void {
  const { module: host, ...names } = METER_IMPORTS;
  const given = new Set([
    ...imports.map((one) => `function ${one.module} ${one.function}`),
    ...Object.values(names).map((name) => `function ${host} ${name}`),
    `memory ${MEMORY_IMPORT.module} ${MEMORY_IMPORT.name}`,
  ]);
  const asked = WebAssembly.Module.imports(module).map((one) => `${one.kind} ${one.module} ${one.name}`);
  const stray = asked.find((one) => !given.has(one));
  if (stray !== undefined) throw fault(`imports what was not granted: ${stray}`);
  const shown = new Set(WebAssembly.Module.exports(module).map(({ kind, name }) => `${kind} ${name}`));
  if (!shown.has(`global ${METER_EXPORTS.fuel}`) || !asked.includes(`function ${host} ${names.refill}`))
    throw fault('does not count its fuel');
  const missing = Object.keys(SHAPES[shape]).find((name) => !shown.has(`function ${name}`));
  if (missing !== undefined) throw fault(`has no "${missing}"`);
  if ([...shown].some((one) => one.startsWith('memory '))) throw fault('brings a memory of its own');
}
