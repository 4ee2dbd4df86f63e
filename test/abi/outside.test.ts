// The imports of files and http against a guest's pointers: what is checked before anything is asked, and where answers go.
import { describe, expect, test } from 'vitest';
import { importsOf, type TaskRoom } from '../../runtime/abi/imports.ts';
import { defaults } from '../../runtime/base/defaults.ts';
import { TASK } from '../../runtime/base/limits.ts';
import { portable } from '../../runtime/base/platform.ts';
import { type FilesSide, Refusal } from '../../runtime/job/outside.ts';
import { type InterfaceName, type KernelImport, WORLD } from '../../runtime/job/world.ts';
import { factsOf, fakeGuest } from './guest.ts';

const IMPORTS: readonly KernelImport[] = (['files', 'http'] as const).flatMap((name) =>
  Object.keys(WORLD[name].functions).map((own) => ({
    interface: name as InterfaceName,
    function: own,
    module: `lodger:kernel/${name}@0.1.0`,
  })),
);

const SIZE = 65_536;
/** What was asked of the outside, in words. */
type Asked = string[];

function open(encoding: 'utf8' | 'utf16' = 'utf8') {
  const asked: Asked = [];
  const guest = fakeGuest({}, SIZE);
  const files: FilesSide = {
    size: (path) => {
      asked.push(`size ${path}`);
      if (path.includes('none')) throw new Refusal('not there');
      return 2 ** 40 + 7;
    },
    read: (path, { offset, count }, room) => {
      asked.push(`read ${path} ${offset} ${count}`);
      room(3).set([7, 8, 9]);
    },
    write: (path, offset, bytes) => void asked.push(`write ${path} ${offset} ${Buffer.from(bytes)}`),
    names: () => ['a', 'é'],
    look: (path) => ({ kind: 'file', size: files.size(path) }),
    change: (path, { act }) => void asked.push(`${act} ${path}`),
    report: () => ({ opened: 0, bytesRead: 0, bytesWritten: 0 }),
    close: () => undefined,
  };
  const room: TaskRoom = {
    facts: factsOf({ imports: IMPORTS, encoding }),
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
    outside: {
      files: () => files,
      folders: ['/data'],
      mayWrite: () => true,
      wait: () => undefined,
      http: {
        request: (method, url, body) => {
          asked.push(`${method} ${url} ${Buffer.from(body)}`);
          return { status: 404, body: Uint8Array.of(1, 2) };
        },
      },
    },
  };
  const imports = importsOf(room);
  const call = (own: string, ...args: readonly (number | bigint)[]) => {
    const name = own === 'request' ? 'http' : 'files';
    const given = imports[`lodger:kernel/${name}@0.1.0`]?.[own] as ((...args: unknown[]) => unknown) | undefined;
    return given?.(...args);
  };
  const put = (at: number, text: string) => {
    const bytes = Buffer.from(text, encoding === 'utf8' ? 'utf8' : 'utf16le');
    guest.memory.set(bytes, at);
    return [at, encoding === 'utf8' ? bytes.length : text.length] as const;
  };
  const u32 = (at: number) => new DataView(guest.memory.buffer, guest.memory.byteOffset).getUint32(at, true);
  return { asked, guest, room, call, put, u32 };
}

describe('answers go where the ABI says', () => {
  test('the size of a file, beyond 32 bits', () => {
    const { call, put, u32, guest } = open();
    call('size', ...put(100, '/data/a'), 16);
    expect([guest.memory[16], u32(24), u32(28)]).toEqual([0, 7, 256]);
  });

  test.each(['utf8', 'utf16'] as const)('a refusal in %s', (encoding) => {
    const { call, put, u32, guest } = open(encoding);
    call('size', ...put(100, '/data/none'), 16);
    const [pointer, length] = [u32(24), u32(28)];
    const bytes = guest.memory.slice(pointer, pointer + length * (encoding === 'utf16' ? 2 : 1));
    expect([guest.memory[16], Buffer.from(bytes).toString(encoding === 'utf8' ? 'utf8' : 'utf16le')]).toEqual([
      1,
      'not there',
    ]);
  });

  test('a piece of a file, from an offset of 64 bits', () => {
    const { call, put, u32, guest, asked, room } = open();
    call('read', ...put(100, '/data/a'), -1n, -1, 16);
    expect(asked).toEqual(['read /data/a 18446744073709551615 4294967295']);
    expect([guest.memory[16], ...guest.memory.slice(u32(20), u32(20) + u32(24))]).toEqual([0, 7, 8, 9]);
    expect(room.bytesMoved).toBe(10);
  });

  test('what is written', () => {
    const { call, put, guest, asked } = open();
    guest.memory[16] = 9;
    call('write', ...put(100, '/data/a'), 5n, ...put(200, 'words'), 16);
    expect([guest.memory[16], ...asked]).toEqual([0, 'write /data/a 5 words']);
  });

  test.each(['utf8', 'utf16'] as const)('names as a list of texts in %s', (encoding) => {
    const { call, put, u32, guest } = open(encoding);
    call('names', ...put(100, '/data'), 16);
    const unit = encoding === 'utf16' ? 2 : 1;
    const names = [0, 1].map((index) => {
      const at = u32(20) + 8 * index;
      return Buffer.from(guest.memory.slice(u32(at), u32(at) + u32(at + 4) * unit)).toString(
        encoding === 'utf8' ? 'utf8' : 'utf16le',
      );
    });
    expect([guest.memory[16], u32(24), ...names]).toEqual([0, 2, 'a', 'é']);
  });

  test('an answer of a server', () => {
    const { call, put, u32, guest, asked } = open();
    call('request', ...put(100, 'POST'), ...put(200, 'http://a.org/'), ...put(300, 'body'), 16);
    expect(asked).toEqual(['POST http://a.org/ body']);
    expect([guest.memory[16], u32(20), ...guest.memory.slice(u32(24), u32(24) + u32(28))]).toEqual([0, 404, 1, 2]);
  });
});

describe('a pointer that is none breaks the ABI, before anything is asked', () => {
  const path = [100, 4] as const;
  test.each<[string, string, readonly (number | bigint)[]]>([
    ['a path outside the memory', 'size', [SIZE, 1, 16]],
    ['a path whose end wraps', 'size', [-1, -1, 16]],
    ['a path of 600 MiB that is not there', 'names', [100, 600 << 20, 16]],
    ['an area for a piece half outside', 'read', [...path, 0n, 9, SIZE - 8]],
    ['an area for a piece at 14', 'read', [...path, 0n, 9, 14]],
    ['bytes to write outside the memory', 'write', [...path, 0n, SIZE - 1, 2, 16]],
    ['bytes to write whose end wraps', 'write', [...path, 0n, -8, -1, 16]],
    ['an area for nothing written outside', 'write', [...path, 0n, 200, 1, -4]],
    ['a method outside the memory', 'request', [SIZE, 4, ...path, 0, 0, 16]],
    ['an address outside the memory', 'request', [...path, SIZE - 2, 8, 0, 0, 16]],
    ['a body outside the memory', 'request', [...path, ...path, 0, -1, 16]],
    ['an area for an answer half outside', 'request', [...path, ...path, 0, 0, SIZE - 12]],
  ])('%s', (_, own, args) => {
    const { call, put, asked } = open();
    put(100, '/dat');
    expect(() => call(own, ...args)).toThrow(expect.objectContaining({ code: 'ERR_ABI' }));
    expect(asked).toEqual([]);
  });

  test.each([
    ['size', [1_024 + 1, 16], 'a path of 1025 bytes is too long, at most 1024 are read'],
    ['names', [SIZE - 100, 16], 'a path of 65436 bytes is too long, at most 1024 are read'],
  ] as const)('a path that is too long is refused by %s, and not cut', (own, [length, area], says) => {
    const { call, u32, guest, asked } = open();
    guest.memory.fill(97, 100, 100 + length);
    call(own, 100, length, area);
    const at = own === 'size' ? 8 : 4;
    const [pointer, size] = [u32(area + at), u32(area + at + 4)];
    expect(Buffer.from(guest.memory.slice(pointer, pointer + size)).toString()).toBe(says);
    expect(asked).toEqual([]);
  });

  test('a task without such grants is refused everything', () => {
    const { room, guest } = open();
    const { outside: _, ...bare } = room;
    const imports = importsOf(bare);
    const size = imports['lodger:kernel/files@0.1.0']?.['size'] as unknown as (...args: number[]) => void;
    size(100, 0, 16);
    expect(guest.memory[16]).toBe(1);
  });
});
