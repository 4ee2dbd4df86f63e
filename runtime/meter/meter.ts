// Adds a fuel counter to a module, exact and nearly free: the entry to this folder.
//
// What a run costs is defined by the tariff alone. The counter (`lodger:fuel`, a global of the metered module) equals what was given
// less that sum exactly at every observable point:
// - when an exported function returns, and so at the boundary of a step,
// - when a host function is called; what the host adds or takes off there stays.
// In between it runs ahead, as work is paid for before it is done, or behind, by what callers and loops have yet to pay. When the
// guest traps it means nothing. A run that ends has passed with a limit of its sum, whatever it was asked on the way, and with none
// below it.
//
// When the counter is found below zero, `refill` is called: it adds fuel to the counter, or throws. No more is done between two looks
// at the counter, host calls apart, than
//   2 * BOUNDS.spanFuel + BOUNDS.quietFuel + BOUNDS.chunkFuel + BOUNDS.pieceBytes / BYTES_PER_FUEL + depth * (BOUNDS.afterFuel + BOUNDS.debtFuel)
// where `depth` is how many frames are alive, which STACK_WEIGHT_MAX bounds; instructions that stand in one piece of straight code
// without any control come on top (admission bounds them by `bodyBytes`). Without frames that is about 2.1 million.
//
// The stack of functions on a cycle of the call graph is counted by weight (`lodger:stack`); when it is used up, `stack`
// is called, which throws.
import { LodgerError } from '../base/errors.ts';
import type { FunctionType, Module } from '../wasm/module.ts';
import { Outline } from '../wasm/outline.ts';
import { BodyWriter } from './body.ts';
import { BOUNDS } from './bounds.ts';
import type { Terms } from './call-sites.ts';
import { readCalls } from './calls.ts';
import type { Places } from './code.ts';
import { frameWeight } from './frames.ts';
import { Loops } from './loops.ts';
import { METER_IMPORTS } from './names.ts';
import { NanFlow } from './nan-flow.ts';
import { OffsetMap } from './offsets.ts';
import { payersOf } from './payers.ts';
import { Planner } from './plan.ts';
import { BELOW, CHARGE, LOOK, OWN_FUNCTIONS, PIECE } from './ranges.ts';
import { ADDED, rewrite } from './rewrite.ts';
import { Saves } from './saves.ts';
import { WEIGHTS } from './weights.ts';

export interface Metered {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly offsets: OffsetMap;
}

/** No export of a submitted module begins like this. */
const RESERVED = 'lodger:';

export interface MeterOptions {
  /** NaNs that arithmetic makes are canonical wherever they can be seen; see `nan-kinds.ts`. Fuel and stack stay as they are. */
  readonly canonicalNaNs?: boolean;
}

/**
 * The module with a counter. It imports METER_IMPORTS behind its own functions, so that indexes of defined functions move by three, and
 * exports METER_EXPORTS. Sections other than those that must change stay as they are, but for branch hints.
 *
 * The module must have been read whole and be valid. Fewer exports make it faster: a function that only the module calls is paid
 * for by its callers. Throws `ERR_KERNEL_INTERFACE` for a module that uses the meter's names.
 */
export function meter(module: Module, { canonicalNaNs = false }: MeterOptions = {}): Metered {
  checkNames(module);
  if (module.unread !== undefined)
    throw new LodgerError('ERR_KERNEL_FEATURE', [module.unread.feature, 'it is not metered']);
  const { functions, functionsImported: imported, types } = module;
  const outline = new Outline(module.bytes, types, WEIGHTS);
  const calls = readCalls(module, outline);
  const own = [...OWN_FUNCTIONS.keys()].filter((row) =>
    row === BELOW ? calls.counted.includes(1) : row === CHARGE || calls.ranges.has(row),
  );
  const helpers = new Map(own.map((row, index) => [row, functions.length + ADDED + index]));
  const payers = payersOf(module, calls, ADDED);
  const terms: Terms = {
    payers: new Map([...payers.keys()].map((row, index) => [row, functions.length + ADDED + own.length + index])),
    ...{ calls, imported, added: ADDED, helpers, rests: new Int32Array(functions.length) },
    dues: new Int32Array(functions.length),
    tails: new Int32Array(functions.length).fill(BOUNDS.spanFuel - BOUNDS.afterFuel),
    results: Uint16Array.from(functions, (type) => types[type]?.results.length ?? 0),
  };
  const loops = new Loops(calls);
  const planner = new Planner(terms, outline, loops);
  settleTerms(module, terms, outline, loops, planner);

  const { length } = module.globals;
  const places: Places = {
    ...{ fuel: length, stack: length + 1, refill: imported, stackSpent: imported + 1, growRefused: imported + 2 },
    charge: helpers.get(CHARGE) ?? 0,
    below: helpers.get(BELOW) ?? 0,
    look: helpers.get(LOOK) ?? 0,
    piece: helpers.get(PIECE) ?? 0,
    saves: new Saves(length + 2),
  };
  const offsets = new OffsetMap();
  const nans = canonicalNaNs ? new NanFlow(module) : undefined;
  const writer = new BodyWriter(module, places, planner, loops, outline, offsets);
  const bytes = rewrite(module, { places, own, payers: [...payers.values()] }, (w, at, blockType) => {
    const body = module.bodies[at];
    if (body === undefined) throw new LodgerError('ERR_HOST_FAULT', ['a function has no body']);
    const index = imported + at;
    loops.read(outline.read(body));
    planner.plan({ index, body, frame: calls.counted[index] === 1 ? frameWeight(module, body) : 0, dry: false });
    nans?.find(body, types[functions[index] as number] as FunctionType);
    writer.write(w, body, blockType, nans);
  });
  return { bytes, offsets };
}

/** Throws `ERR_KERNEL_INTERFACE` for a module that has our imports or exports, so that nothing is metered twice or in disguise. */
function checkNames({ imports, exports }: Module): void {
  const { module, ...names } = METER_IMPORTS;
  const taken = imports.find((one) => one.module === module && (Object.values(names) as string[]).includes(one.name));
  if (taken !== undefined) {
    throw new LodgerError('ERR_KERNEL_INTERFACE', [
      `it imports "${taken.name}" from "${module}", which is the meter's`,
    ]);
  }
  if (exports.some(({ name }) => name.startsWith(RESERVED))) {
    throw new LodgerError('ERR_KERNEL_INTERFACE', [`exports that begin with "${RESERVED}" are the host's`]);
  }
}

/**
 * What functions and their callers leave to each other, where nobody else can enter a function: at its end the least that any way through
 * it owes, at its beginning what most callers do.
 */
function settleTerms({ bodies }: Module, terms: Terms, outline: Outline, loops: Loops, planner: Planner): void {
  const { calls, dues, imported, rests, tails } = terms;
  for (const index of calls.order) {
    const body = bodies[index - imported];
    if (body === undefined) continue;
    loops.read(outline.read(body));
    const frame = calls.counted[index] === 1 ? 1 : 0;
    const { leastAtEnd, spanAtEnd } = planner.plan({ index, body, frame, dry: true });
    if (calls.open[index] === 1) continue;
    tails[index] = spanAtEnd;
    if (Number.isFinite(leastAtEnd)) rests[index] = Math.min(Math.max(leastAtEnd, 0), BOUNDS.debtFuel);
  }
  dues.set(planner.dues.usual(dues.length));
}
