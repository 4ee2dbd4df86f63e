// A tiny assembler for tests: instructions by the names of the opcode table, in the order of the binary, as bytes.
import { OPCODES, type Opcode } from '../../runtime/wasm/opcodes.ts';
import { Writer } from '../../runtime/wasm/writer.ts';

const BY_NAME = new Map([...OPCODES.values()].map((op) => [op.name, op]));
const TYPES: Readonly<Record<string, number>> = { i: 0x7f, I: 0x7e, f: 0x7d, F: 0x7c, v: 0x7b, r: 0x70, x: 0x6f };
const EMPTY = 0x40;

/** Names such as `$run`, as the numbers they stand for. */
export type Labels = ReadonlyMap<string, number>;

/** The byte of a value type: i = i32, I = i64, f = f32, F = f64, v = v128, r = funcref, x = externref. */
export function valueType(letter: string): number {
  const byte = TYPES[letter];
  if (byte === undefined) throw new Error(`no value type "${letter}"`);
  return byte;
}

/**
 * The bytes of instructions, e.g. `asm('local.get 0 i32.load 2 16 if i i32.const -1 else i32.const 0 end')`.
 * - Immediates follow as numbers: memory arguments are `align offset` (align as a power of two), `memory.*` take none
 *   (`memory.init SEGMENT`), `br_table COUNT LABEL... DEFAULT`, `call_indirect TYPE` (table 0).
 * - `block`, `loop`, `if` may be followed by a result's letter or by a number, the index of a type.
 * - A token such as `0xfe` is that byte itself, so that anything can be written. `$name` is looked up in `labels`.
 * - No closing `end` is added: `moduleOf` does that for functions.
 */
export function asm(text: string, labels: Labels = new Map()): Uint8Array<ArrayBuffer> {
  const tokens = text.split(/\s+/).filter((token) => token !== '');
  const out = new Writer();
  let at = 0;
  const number = () => resolve(tokens[at++], labels);
  while (at < tokens.length) {
    const token = tokens[at++] ?? '';
    const op = BY_NAME.get(token);
    if (op === undefined) {
      if (!/^0x[0-9a-f]{1,2}$/.test(token)) throw new Error(`no instruction "${token}"`);
      out.byte(Number(token));
      continue;
    }
    opcode(out, op);
    if (op.immediate === 'block' || op.immediate === 'if') {
      const next = tokens[at] ?? '';
      if (/^[iIfFvrx]$/.test(next)) out.byte(valueType(next));
      else if (/^(\d+|\$\S+)$/.test(next)) out.s32(Number(resolve(next, labels)));
      else out.byte(EMPTY);
      if (/^([iIfFvrx]|\d+|\$\S+)$/.test(next)) at++;
    } else immediate(out, op, number);
  }
  return out.take();
}

function resolve(token: string | undefined, labels: Labels): string {
  if (token === undefined) throw new Error('an immediate is missing at the end');
  if (!token.startsWith('$')) return token;
  const index = labels.get(token.slice(1));
  if (index === undefined) throw new Error(`nothing is called "${token}"`);
  return String(index);
}

function opcode(out: Writer, op: Opcode): void {
  const prefix = Math.floor(op.code / 4096);
  if (prefix === 0) out.byte(op.code);
  else out.byte(prefix).u32(op.code % 4096);
}

function immediate(out: Writer, op: Opcode, next: () => string): void {
  switch (op.immediate) {
    case 'br':
    case 'br_if':
    case 'call':
    case 'local':
    case 'global':
    case 'data':
      out.u32(Number(next()));
      return;
    case 'br_table': {
      const count = Number(next());
      out.u32(count);
      for (let i = 0; i <= count; i++) out.u32(Number(next()));
      return;
    }
    case 'call_indirect':
    case 'memoryInit':
      out.u32(Number(next())).byte(0);
      return;
    case 'memarg':
      out.u32(Number(next())).u32(Number(next()));
      return;
    case 'memargLane':
      out.u32(Number(next())).u32(Number(next())).byte(Number(next()));
      return;
    case 'memory':
      out.byte(0);
      return;
    case 'memoryCopy':
      out.byte(0).byte(0);
      return;
    case 'i32':
      out.s32(Number(next()));
      return;
    case 'i64':
      out.s64(BigInt(next()));
      return;
    case 'f32':
      out.raw(new Uint8Array(new Float32Array([Number(next())]).buffer));
      return;
    case 'f64':
      out.raw(new Uint8Array(new Float64Array([Number(next())]).buffer));
      return;
    case 'byte':
      out.byte(Number(next()));
      return;
    case 'bytes16':
      for (let i = 0; i < 16; i++) out.byte(Number(next()));
      return;
    default:
  }
}
