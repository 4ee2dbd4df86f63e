// A metered stepper: the fuel of a run that moves at every step is that of one that stays, and saving its state costs none.
import { expect, test } from 'vitest';
import { admit } from '../../runtime/admit/admit.ts';
import { meter } from '../../runtime/meter/meter.ts';
import { METER_EXPORTS } from '../../runtime/meter/names.ts';
import { prepare } from '../../runtime/prepare/prepare.ts';
import { growTo, loadState, type StateGuest, saveState } from '../../runtime/snapshot/guest.ts';
import { takeImage } from '../../runtime/snapshot/image.ts';
import { addState } from '../../runtime/snapshot/state.ts';
import { memoryStore, openImage } from '../../runtime/snapshot/store.ts';
import { readModule } from '../../runtime/wasm/read.ts';
import { builtKernel } from '../kernels/built.ts';
import { type Guest, startGuest } from '../kernels/guest.ts';
import { momentAt, newCopy, OPTIONS } from './made.ts';

const GIVEN = 1n << 50n;
const INPUT = new Uint8Array(Uint32Array.of(12_345).buffer);

/** The kernel as a host will run it: prepared, metered, and then given what saves its state. */
async function kernel() {
  const { bytes } = prepare(await admit((await builtKernel('stepper')).wasm), 'defined', 64);
  const metered = readModule(meter(readModule(bytes)).bytes);
  return addState(metered, Object.values(METER_EXPORTS));
}

function start(bytes: Uint8Array, fuelUsed: bigint) {
  const idle = () => undefined;
  const guest = startGuest(bytes, { imports: { 'lodger:host': { refill: idle, stack_spent: idle } } });
  const counter = guest.exports[METER_EXPORTS.fuel] as WebAssembly.Global;
  counter.value = GIVEN - fuelUsed;
  return { guest, fuel: () => GIVEN - (counter.value as bigint) };
}

function stateOf({ memory, exports }: Guest): StateGuest {
  return {
    bytes: () => new Uint8Array(memory.buffer),
    call: (name, a = 0) => (exports[name] as (a: number) => number)(a),
  };
}

test('a metered stepper that moves after every step uses the fuel of one that stays, and gives the same', async () => {
  const { bytes, stateBytes } = await kernel();
  const stays = start(bytes, 0n);
  stays.guest.begin(INPUT);
  let moves = start(bytes, 0n);
  moves.guest.begin(INPUT);
  const store = memoryStore();
  let copy = newCopy();
  let previous: Parameters<typeof momentAt>[1];
  for (let step = 1, share = 0; share < 1; step++) {
    share = stays.guest.step();
    expect(moves.guest.step()).toBe(share);
    const fuel = moves.fuel();
    const guest = stateOf(moves.guest);
    const state = saveState(guest, stateBytes);
    const taken = takeImage(copy, guest.bytes(), momentAt(step, previous, { share, fuel: Number(fuel), state }));
    expect({ step, fuel: moves.fuel() }).toEqual({ step, fuel: stays.fuel() });
    store.put(taken.image.digest, taken.bytes);

    const opened = openImage(store, taken.image.digest, OPTIONS);
    ({ copy, image: previous } = opened);
    moves = start(bytes, BigInt(opened.image.manifest.fuel));
    const fresh = stateOf(moves.guest);
    growTo(fresh, opened.image.manifest.memoryPages);
    copy.writeInto(fresh.bytes());
    loadState(fresh, Buffer.from(opened.image.manifest.state, 'hex'));
  }
  expect(Buffer.compare(moves.guest.finish(), stays.guest.finish())).toBe(0);
  expect(moves.fuel()).toBe(stays.fuel());
  expect(moves.fuel()).toBeGreaterThan(0n);
});
