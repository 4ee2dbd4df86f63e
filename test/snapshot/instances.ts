// Instances of hand-made modules on either engine, and kernels of the project in a form whose state can be saved.
import { nodeEngine, placeOf } from '../../host/platform/engines.ts';
import { loadAddon } from '../../host/platform/native.ts';
import { importsOf } from '../../runtime/abi/imports.ts';
import { lowerBytes } from '../../runtime/abi/memory.ts';
import { admit } from '../../runtime/admit/admit.ts';
import { defaults } from '../../runtime/base/defaults.ts';
import { PAGE, TASK } from '../../runtime/base/limits.ts';
import type { Guest, Ready } from '../../runtime/engine/engine.ts';
import type { EngineName } from '../../runtime/job/outcome.ts';
import { prepare } from '../../runtime/prepare/prepare.ts';
import { openRoom } from '../../runtime/sandbox/running.ts';
import type { StateGuest } from '../../runtime/snapshot/guest.ts';
import { addState } from '../../runtime/snapshot/state.ts';
import { readModule } from '../../runtime/wasm/read.ts';

/** Instances of a module that imports nothing but the functions of a meter, which are never called. */
export async function instancesOf(engine: EngineName, bytes: Uint8Array<ArrayBuffer>): Promise<() => StateGuest> {
  const idle = () => undefined;
  if (engine === 'wasmtime') {
    const module = await loadAddon().compile(bytes, { stoppable: false, linear: false });
    return () => {
      const guest = module.instantiate(2 ** 32);
      return {
        bytes: () => new Uint8Array(guest.memory()),
        call: (name, a = 0) => guest.call(module.functions.indexOf(name), a, 0, 0, 0, idle),
      };
    };
  }
  const module = new WebAssembly.Module(bytes);
  return () => {
    const { exports } = new WebAssembly.Instance(module, {
      'lodger:host': { refill: idle, stack: idle, grow: idle },
    });
    return {
      bytes: () => new Uint8Array((exports.memory as WebAssembly.Memory).buffer),
      call: (name, a = 0) => (exports[name] as (a: number) => number)(a),
    };
  };
}

/** A stepper that is driven a step at a time. */
export interface Stepper {
  readonly guest: Guest;
  begin(input: Uint8Array): void;
  /** One step: the share done. */
  step(): number;
  finish(): Uint8Array;
}

export interface Stateful {
  readonly stateBytes: number;
  start(): Stepper;
}

const limits = { ...defaults(TASK), wallMsMax: 60_000 };

/** A kernel on an engine, not metered, with STATE_EXPORTS. */
export async function statefulKernel(engineName: EngineName, wasm: Uint8Array): Promise<Stateful> {
  const engine = nodeEngine(engineName);
  const form = { memoryForm: engine.memoryForm, metered: false, memoryPagesMax: limits.memoryBytesMax / PAGE };
  const prepared = prepare(await admit(wasm), form);
  const { bytes, stateBytes } = addState(readModule(prepared.bytes));
  const ready: Ready = {
    facts: prepared.facts,
    metered: false,
    canonicalNaNs: false,
    compiled: await engine.compile({ ...prepared, bytes, key: `${prepared.key}.stateful` }),
  };
  return { stateBytes, start: () => startStepper(engineName, ready) };
}

function startStepper(engineName: EngineName, ready: Ready): Stepper {
  const { engine, platform } = placeOf(engineName);
  const call = { input: new Uint8Array(), limits, blobs: {}, seed: 1, index: 0, digests: false };
  const room = openRoom({ platform }, ready, call);
  const guest = engine.instantiate(ready, () => importsOf(room), limits.memoryBytesMax / PAGE);
  room.guest = guest;
  const view = () => new DataView(guest.bytes().buffer);
  const post = (name: string, area: number) => {
    if (ready.facts.optional.includes(name)) guest.call(name, area);
  };
  return {
    guest,
    begin(input) {
      if (ready.facts.optional.includes('_initialize')) guest.call('_initialize');
      post('cabi_post_begin', guest.call('begin', lowerBytes(guest, input), input.byteLength));
    },
    step() {
      const area = guest.call('step') >>> 0;
      const share = view().getFloat64(area + 8, true);
      post('cabi_post_step', area);
      return share;
    },
    finish() {
      const area = guest.call('finish') >>> 0;
      const [at, length] = [view().getUint32(area + 4, true), view().getUint32(area + 8, true)];
      return guest.bytes().slice(at, at + length);
    },
  };
}
