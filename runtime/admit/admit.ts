// Submitted bytes -> Kernel: the one way to get one. Pure, static, and done before anything is compiled.
import * as v from 'valibot';
import { ADMISSION, type CeilingName, type Ceilings } from '../base/admission.ts';
import { defaults } from '../base/defaults.ts';
import { LodgerError } from '../base/errors.ts';
import { isPlatform, type Platform, portable, toHex } from '../base/platform.ts';
import { bytes as bytesSchema, check, integer } from '../base/schema.ts';
import { type Kernel, type StringEncoding, seal } from '../job/kernel.ts';
import type { PREVIEW1 } from '../job/preview1.ts';
import { readModule } from '../wasm/read.ts';
import { malformed } from '../wasm/reader.ts';
import { isComponent } from '../wasm/sections.ts';
import { checkCeiling, checkCeilings, measure } from './ceilings.ts';
import { readEncoding } from './encoding.ts';
import { checkExports, isCommand } from './exports.ts';
import { checkFeatures } from './features.ts';
import { checkImports } from './imports.ts';
import { readPayload } from './payload.ts';

export interface AdmitOptions {
  /** Ceilings in place of the defaults of ADMISSION; each up to its `max`. */
  readonly ceilings?: Partial<Ceilings>;
  /** Who digests. The portable one when absent. */
  readonly platform?: Platform;
}

const ceiling = (name: CeilingName) => v.exactOptional(integer(0, ADMISSION[name].max));
const CeilingsSchema = v.strictObject(
  Object.fromEntries((Object.keys(ADMISSION) as CeilingName[]).map((name) => [name, ceiling(name)])),
);
const BytesSchema = v.strictObject({ bytes: bytesSchema() });
const OptionsSchema = v.strictObject({
  ceilings: v.exactOptional(CeilingsSchema),
  platform: v.exactOptional(v.custom<Platform>(isPlatform, 'a Platform')),
});

/**
 * The kernel in the bytes of a core module or component. They are copied once, and named by their SHA-256.
 *
 * Checked in this order: size, header, sections, features, ceilings, imports against the world, exports and memory,
 * string encoding, payload schema, and last the engine's own validation. Throws `ERR_OPTION_INVALID`, `ERR_KERNEL_MALFORMED`,
 * `ERR_KERNEL_FEATURE`, `ERR_KERNEL_CEILING`, `ERR_KERNEL_INTERFACE` or `ERR_COMPONENT_COMPLEX`, and nothing else.
 */
export async function admit<Input = unknown, Output = unknown>(
  bytes: Uint8Array,
  options: AdmitOptions = {},
): Promise<Kernel<Input, Output>> {
  check(BytesSchema, { bytes });
  const given = check(OptionsSchema, options);
  const ceilings: Ceilings = { ...defaults(ADMISSION), ...given.ceilings };
  const { platform = portable } = given;
  checkCeiling('moduleBytes', bytes.length, ceilings);
  const own = new Uint8Array(bytes);
  const { format, core, encoding } = await open(own);
  const module = readModule(core);
  const features = await checkFeatures(module);
  const report = measure(module, own.length);
  checkCeilings(report, ceilings);
  const calls = isCommand(module) ? await systemCalls() : undefined;
  const { imports, repeats } = checkImports(module, calls);
  const { shape, optional, memory } = checkExports(module);
  // A program's texts are bytes to its host, but for its lines in the log.
  const strings = shape === 'command' ? 'utf8' : (encoding ?? readEncoding(core, module.customs));
  const typed = await readPayload(core, module.customs);
  validate(core);
  const digest = toHex(platform.digest(own));
  const facts = { digest, shape, encoding: strings, imports, optional, memory, ...(repeats && { repeats }) };
  const whole = { ...facts, format, bytes: own, core, features, report, ...(typed && { payload: typed.payload }) };
  return seal(whole, typed?.codec) as Kernel<Input, Output>;
}

/** Few kernels come as components: what takes those apart is loaded with the first. */
async function open(bytes: Uint8Array): Promise<Pick<Kernel, 'format' | 'core'> & { encoding?: StringEncoding }> {
  if (!isComponent(bytes)) return { format: 'core', core: bytes };
  const { extractCore } = await import('./component.ts');
  return { format: 'component', ...extractCore(bytes) };
}

/** Those of WASI preview 1: a table that few kernels need. */
async function systemCalls(): Promise<typeof PREVIEW1> {
  return (await import('../job/preview1.ts')).PREVIEW1;
}

/** Throws `ERR_KERNEL_MALFORMED` with the engine's reason unless the engine takes the module. */
function validate(core: Uint8Array): void {
  if (WebAssembly.validate(core as Uint8Array<ArrayBuffer>)) return;
  const reason = complaint(core);
  const [, at] = /@\+(\d{1,10})/.exec(reason) ?? [];
  throw malformed(
    `the engine refuses it, ${reason.replace(/^WebAssembly\.Module\(\): | @\+\d+$/g, '')}`,
    Number(at ?? 0),
  );
}

function complaint(core: Uint8Array): string {
  try {
    new WebAssembly.Module(core as Uint8Array<ArrayBuffer>);
    return 'without a reason';
  } catch (error) {
    if (!(error instanceof Error)) throw new LodgerError('ERR_HOST_FAULT', ['the engine threw no error']);
    return error.message.replace(/[^\x20-\x7e]/g, '?').slice(0, 300);
  }
}
