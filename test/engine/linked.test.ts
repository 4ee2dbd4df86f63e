// What is kept of a module on V8: each instance calls its own task, and nothing of a task is held when it has ended.
import { expect, test } from 'vitest';
import { build, linkedOf } from '../../runtime/engine/linked.ts';
import { createMemoryKeeper } from '../../runtime/engine/memories.ts';
import { moduleOf } from '../wasm/build.ts';

const MEMORY = 'lodger:host';
const module = new WebAssembly.Module(
  moduleOf({
    imports: [
      { module: 'a', name: 'f', type: 'i>i' },
      { module: MEMORY, name: 'memory', memory: [1] },
    ],
    functions: [{ type: 'i>i', export: 'call', code: 'local.get 0 call 0' }],
  }),
);
const held = createMemoryKeeper().take(1, 1, undefined);
const open = (more: number) => {
  const linked = linkedOf(module);
  linked.task = () => ({ a: { f: (given: number) => given + more } });
  const { call } = build(module, linked, held, undefined).exports as unknown as { call: (given: number) => number };
  return { linked, call };
};

test('instances of a module one after the other have the same imports, which lead to the task that runs', () => {
  const first = open(1);
  expect(first.call(5)).toBe(6);
  first.linked.task = undefined;
  const second = open(10);
  expect(second.linked).toBe(first.linked);
  expect(second.call(5)).toBe(15);
  second.linked.task = undefined;
});

test('two instances of a module at a time call each its own task', () => {
  const [first, second] = [open(1), open(10)];
  expect([first.call(5), second.call(5), first.call(6)]).toEqual([6, 15, 7]);
  first.linked.task = undefined;
  expect(second.call(7)).toBe(17);
  second.linked.task = undefined;
});

test('imports hold no memory, and an instance of a task that has ended reaches nothing', () => {
  const { linked, call } = open(1);
  expect(linked.imports).toEqual({ a: { f: expect.any(Function) } });
  linked.task = undefined;
  expect(() => call(5)).toThrow(TypeError);
});
