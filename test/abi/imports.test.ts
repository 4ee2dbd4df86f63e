// The world's imports, called as a guest calls them.
import { createCipheriv } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { importsOf, type TaskRoom } from '../../runtime/abi/imports.ts';
import { defaults } from '../../runtime/base/defaults.ts';
import { TASK } from '../../runtime/base/limits.ts';
import { portable } from '../../runtime/base/platform.ts';
import { type InterfaceName, type KernelImport, WORLD, type WorldFunction } from '../../runtime/job/world.ts';
import { type FakeGuest, factsOf, fakeGuest } from './guest.ts';

const GIVEN = Object.keys(WORLD) as InterfaceName[];

/** Every function that this runtime gives. */
const IMPORTS: readonly (KernelImport & { readonly interface: InterfaceName })[] = GIVEN.flatMap((name) =>
  Object.keys(WORLD[name].functions).map((own) => ({
    interface: name,
    function: own,
    module: `lodger:kernel/${name}@0.1.0`,
  })),
);

function open(parts: Partial<TaskRoom> = {}) {
  const guest = fakeGuest({}, 200_000);
  const room: TaskRoom = {
    facts: factsOf({ imports: IMPORTS }),
    limits: defaults(TASK),
    platform: portable,
    blobs: {},
    key: () => new Uint8Array(32),
    guest,
    startedAt: 0,
    bytesMoved: 0,
    calls: [],
    lines: [],
    linesDropped: 0,
    logBytes: 0,
    randomBytes: 0,
    ...parts,
  };
  const imports = importsOf(room);
  const call = (name: InterfaceName, own: string, ...args: readonly (number | bigint)[]) => {
    const given = imports[`lodger:kernel/${name}@0.1.0`]?.[own] as ((...args: unknown[]) => unknown) | undefined;
    if (!given) throw new Error(`no import ${name}.${own}`);
    return given(...args);
  };
  return { room, guest, imports, call };
}

/** Arguments of the right types for a function of the world. */
function zeros(name: InterfaceName, own: string): readonly (number | bigint)[] {
  const functions: Readonly<Record<string, WorldFunction>> = WORLD[name].functions;
  return [...(functions[own]?.params ?? '')].map((letter) => (letter === 'I' ? 0n : 0));
}

/** What `random.fill` has just put into the guest, with its result area at 16. */
function filled(guest: FakeGuest): string {
  const view = new DataView(guest.memory.buffer, guest.memory.byteOffset);
  const pointer = view.getUint32(16, true);
  return Buffer.from(guest.memory.slice(pointer, pointer + view.getUint32(20, true))).toString('hex');
}

describe('who may call', () => {
  for (const { interface: name, function: own } of IMPORTS.filter((wanted) => wanted.interface !== 'exit')) {
    test(`${name}.${own} is refused while cabi_realloc or cabi_post_ runs`, () => {
      const { guest, call } = open();
      guest.mayLeave = false;
      expect(() => call(name, own, ...zeros(name, own))).toThrow(
        'an import was called from cabi_realloc or a cabi_post_ function',
      );
    });
  }

  test('exit.fail is not, since it never returns', () => {
    const { guest, call } = open();
    guest.mayLeave = false;
    guest.memory.set(Buffer.from('full'), 100);
    expect(() => call('exit', 'fail', 100, 4)).toThrow(expect.objectContaining({ code: 'ERR_EXIT', message: 'full' }));
  });

  for (const { interface: name, function: own } of IMPORTS.filter((wanted) => wanted.interface !== 'clock')) {
    test(`${name}.${own} is refused before there is a guest`, () => {
      const { call } = open({ guest: undefined });
      expect(() => call(name, own, ...zeros(name, own))).toThrow('an import was called before the instance was there');
    });
  }

  test('a kernel is given what it asks for and nothing else', () => {
    const [first] = IMPORTS;
    if (!first) throw new Error('no imports');
    const imports = importsOf({ ...open().room, facts: factsOf({ imports: [first] }) });
    expect(Object.keys(imports)).toEqual([first.module]);
    expect(Object.keys(imports[first.module] ?? {})).toEqual([first.function]);
  });

  test.each(['files', 'http'] as const)('of %s nothing is given that is not in the world', (name) => {
    const facts = factsOf({ imports: [{ interface: name, function: 'open', module: `lodger:kernel/${name}@0.1.0` }] });
    expect(() => importsOf({ ...open().room, facts })).toThrow(expect.objectContaining({ code: 'ERR_HOST_FAULT' }));
  });
});

// RFC 8439, appendix A.1, test vectors 1 to 4: key, number of the block, keystream. All have a nonce of zeros.
const VECTORS = [
  [
    '0000000000000000000000000000000000000000000000000000000000000000',
    0,
    '76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586',
  ],
  [
    '0000000000000000000000000000000000000000000000000000000000000000',
    1,
    '9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f',
  ],
  [
    '0000000000000000000000000000000000000000000000000000000000000001',
    1,
    '3aeb5224ecf849929b9d828db1ced4dd832025e8018b8160b82284f3c949aa5a8eca00bbb4a73bdad192b5c42f73f2fd4e273644c8b36125a64addeb006c13a0',
  ],
  [
    '00ff000000000000000000000000000000000000000000000000000000000000',
    2,
    '72d54dfbf12ec44b362692df94137f328fea8da73990265ec1bbbea1ae9af0ca13b25aa26cb4a648cb9b9d1be65b2c0924a66c54d545ec1b7374f4872e99f096',
  ],
] as const;

describe('random', () => {
  test.each(VECTORS)('gives the published ChaCha20 keystream of key %s, block %d', (key, block, expected) => {
    const { guest, call } = open({ key: () => new Uint8Array(Buffer.from(key, 'hex')) });
    if (block > 0) call('random', 'fill', block * 64, 16);
    call('random', 'fill', 64, 16);
    expect(filled(guest)).toBe(expected);
  });

  test('goes on far into the stream, where block numbers need all their bits', () => {
    const { room, guest, call } = open({ randomBytes: 2 ** 37 + 3 });
    call('random', 'fill', 100, 16);
    const counter = Buffer.alloc(16);
    counter.writeUInt32LE(2 ** 31, 0);
    const stream = createCipheriv('chacha20', Buffer.alloc(32), counter).update(Buffer.alloc(103));
    expect(filled(guest)).toBe(stream.subarray(3).toString('hex'));
    expect(room.randomBytes).toBe(2 ** 37 + 103);
  });

  test('ends with the last block that the cipher gives, as a failure of the kernel', () => {
    const { guest, call } = open({ randomBytes: 2 ** 38 - 128 });
    expect(() => call('random', 'fill', 65, 16)).toThrow(
      expect.objectContaining({ code: 'ERR_ABI', message: expect.stringContaining('where the stream ends') }),
    );
    call('random', 'fill', 64, 16);
    expect(filled(guest)).toHaveLength(128);
  });
});

describe('results of a kernel with a memory inside a larger buffer', () => {
  test('the size of a blob lies at 8, as 64 bits', () => {
    const { guest, call } = open({ blobs: { a: new Uint8Array(7) } });
    guest.memory.fill(255, 0, 64);
    guest.memory.set(Buffer.from('a'), 100);
    call('blobs', 'size', 100, 1, 16);
    const view = new DataView(guest.memory.buffer, guest.memory.byteOffset);
    expect([guest.memory[16], view.getBigUint64(24, true)]).toEqual([0, 7n]);
  });

  test.each([
    [12, 'the result area at 12 is not aligned to 8'],
    [199_992, 'the result area of 16 bytes at 199992 lies outside the memory'],
  ])('a result area at %d is refused before cabi_realloc is called', (area, message) => {
    const { guest, call } = open();
    expect(() => call('blobs', 'size', 100, 1, area)).toThrow(message);
    expect(guest.called).toEqual([]);
  });

  test('a name longer than any that can be granted is not looked at whole', () => {
    const { guest, call } = open();
    guest.memory.fill(0x61, 1024, 150_000);
    call('blobs', 'size', 1024, 140_000, 16);
    const view = new DataView(guest.memory.buffer, guest.memory.byteOffset);
    const [pointer, length] = [view.getUint32(24, true), view.getUint32(28, true)];
    const message = Buffer.from(guest.memory.slice(pointer, pointer + length)).toString();
    expect(message).toBe(`no blob named "${'a'.repeat(512)}... (140000 bytes)" was granted`);
  });
});
