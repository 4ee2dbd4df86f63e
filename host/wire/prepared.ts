// The form in which a site tells a tab of a kernel that it has admitted and prepared for it. The module itself is a blob.
import * as v from 'valibot';
import { ERRORS, type ErrorCode, LodgerError } from '../../runtime/base/errors.ts';
import type { Digest } from '../../runtime/base/platform.ts';
import { digest, integer, oneOf } from '../../runtime/base/schema.ts';
import type { KernelFacts } from '../../runtime/job/kernel.ts';
import { IMPORTABLE, INTERFACE, type KernelImport, PREVIEW1_MODULE, SHAPES, WORLD } from '../../runtime/job/world.ts';
import type { StateLayout } from '../../runtime/prepare/prepare.ts';

/** Whether NaNs that arithmetic makes have the same bits on every machine: what a prepared module is made for. */
export const NANS = ['canonical', 'raw'] as const;

/** A kernel that was admitted and prepared. */
export interface PreparedKernel {
  readonly state: 'prepared';
  readonly rewriter: number;
  readonly tariff: number;
  readonly nans: (typeof NANS)[number];
  /** What admission found, of which a task needs to know. */
  readonly facts: KernelFacts;
  /** What images hold of a stepper's globals. */
  readonly layout?: StateLayout;
  /** Digest of the module that counts its fuel: a blob. */
  readonly module: Digest;
}

export interface Refused {
  readonly state: 'refused';
  readonly code: ErrorCode;
  readonly message: string;
}

export type PreparedAnswer = PreparedKernel | Refused;

const keysOf = <T extends object>(table: T) => Object.keys(table) as unknown as readonly [keyof T & string];

const PAGES = integer(0, 65_536);
const name = v.pipe(v.string(), v.maxLength(256));
const few = <T extends v.GenericSchema>(schema: T) => v.pipe(v.array(schema), v.maxLength(10_000));

const ImportSchema = v.pipe(
  v.strictObject({
    interface: oneOf(keysOf(IMPORTABLE)),
    function: name,
    module: name,
  }),
  v.check(isOfWorld, 'an import of the world'),
);

const FactsSchema = v.strictObject({
  digest: digest(),
  shape: oneOf(keysOf(SHAPES)),
  encoding: oneOf(['utf8', 'utf16']),
  imports: few(ImportSchema),
  repeats: v.exactOptional(few(integer(0, 10_000))),
  optional: few(name),
  memory: v.strictObject({ min: PAGES, max: v.exactOptional(PAGES) }),
});

const LayoutSchema = v.strictObject({
  bytes: integer(0, 2 ** 24),
  fields: few(
    v.strictObject({
      global: integer(0, 2 ** 24),
      type: oneOf(['i', 'I', 'f', 'F', 'v']),
      at: integer(0, 2 ** 24),
      segment: v.exactOptional(integer(0, 2 ** 24)),
    }),
  ),
});

/** What a site says of a kernel: where its prepared module is, or why there is none. */
export const PreparedSchema: v.GenericSchema<unknown, PreparedAnswer> = v.variant('state', [
  v.strictObject({
    state: v.literal('prepared'),
    rewriter: integer(0, 2 ** 24),
    tariff: integer(0, 2 ** 24),
    nans: oneOf(NANS),
    facts: FactsSchema,
    layout: v.exactOptional(LayoutSchema),
    module: digest(),
  }),
  v.strictObject({
    state: v.literal('refused'),
    code: oneOf(keysOf(ERRORS)),
    message: v.string(),
  }),
]);

/** What admission threw, as it is told. */
export function refusalOf(error: unknown): Refused {
  const { code, message } = error instanceof LodgerError ? error : new LodgerError('ERR_HOST_FAULT', [String(error)]);
  return { state: 'refused', code, message };
}

function isOfWorld({ interface: from, function: call, module }: KernelImport): boolean {
  if (from === 'wasi') return module === PREVIEW1_MODULE && /^[a-z][a-z0-9_]*$/.test(call);
  return INTERFACE.exec(module)?.[1] === from && Object.hasOwn(WORLD[from].functions, call);
}
