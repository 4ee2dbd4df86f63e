// Imports that are made once a module: each instance calls its own task, and nothing of a task is held when it has ended.
import { expect, test } from 'vitest';
import { link, unlink } from '../../runtime/engine/linked.ts';
import { moduleOf } from '../wasm/build.ts';

const MEMORY = 'lodger:host';
const module = new WebAssembly.Module(
  moduleOf({
    imports: [{ module: 'a', name: 'f', type: 'i>i' }],
    functions: [{ type: 'i>i', export: 'call', code: 'local.get 0 call 0' }],
  }),
);
const memory = new WebAssembly.Memory({ initial: 1 });
const adding = (more: number) => () => ({ a: { f: (given: number) => given + more } });
const open = (more: number) => {
  const linked = link(module, memory, adding(more));
  const { call } = new WebAssembly.Instance(module, linked.imports).exports as { call: (given: number) => number };
  return { linked, call };
};

test('instances of a module one after the other have the same imports, which lead to the task that runs', () => {
  const first = open(1);
  expect(first.call(5)).toBe(6);
  unlink(first.linked);
  const second = open(10);
  expect(second.linked).toBe(first.linked);
  expect(second.call(5)).toBe(15);
  unlink(second.linked);
});

test('two instances of a module at a time call each its own task', () => {
  const [first, second] = [open(1), open(10)];
  expect([first.call(5), second.call(5), first.call(6)]).toEqual([6, 15, 7]);
  unlink(first.linked);
  expect(second.call(7)).toBe(17);
  unlink(second.linked);
});

test('nothing of a task that has ended is held, and an instance of it that is called after that reaches nothing', () => {
  const { linked, call } = open(1);
  expect(linked.imports[MEMORY]).toEqual({ memory });
  unlink(linked);
  expect(linked).toEqual({ imports: { a: { f: expect.any(Function) }, [MEMORY]: {} }, task: undefined });
  expect(() => call(5)).toThrow(TypeError);
});
