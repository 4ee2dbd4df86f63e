// Traps have our names, from V8's words and from Wasmtime's.
import { expect, test } from 'vitest';
import { trapName } from '../../runtime/engine/traps.ts';

const MEMORY = 'memory access out of bounds';
const ZERO = 'integer divided by zero';
const NUMBER = 'integer overflow or invalid conversion';
const TABLE = 'table index out of bounds';
const CALL = 'indirect call to a missing or wrongly typed function';

// V8: src/common/message-template.h (T(WasmTrap...)) and the link errors of segments. Wasmtime: wasmtime_environ::Trap.
test.each([
  ['unreachable', 'unreachable executed'],
  ['wasm `unreachable` instruction executed', 'unreachable executed'],
  ['memory access out of bounds', MEMORY],
  ['out of bounds memory access', MEMORY],
  ['WebAssembly.Instance(): data segment 0 is out of bounds (offset 1 + size 2 > memory_size 2 bytes)', MEMORY],
  ['data segment out of bounds', MEMORY],
  ['divide by zero', ZERO],
  ['remainder by zero', ZERO],
  ['integer divide by zero', ZERO],
  ['divide result unrepresentable', NUMBER],
  ['float unrepresentable in integer range', NUMBER],
  ['integer overflow', NUMBER],
  ['invalid conversion to integer', NUMBER],
  ['table index is out of bounds', TABLE],
  ['undefined element: out of bounds table access', TABLE],
  ['WebAssembly.Instance(): table initializer 0: table_size 1 is out of bounds', TABLE],
  ['element segment out of bounds', TABLE],
  ['null function or function signature mismatch', CALL],
  ['uninitialized element', CALL],
  ['indirect call type mismatch', CALL],
  ['something that no engine says yet', 'something that no engine says yet'],
])('%s is called: %s', (words, name) => {
  expect(trapName(words)).toBe(name);
});
