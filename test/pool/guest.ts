// The kernel of the pool's tests: its input's first byte says what it does.
import { admit } from 'lodger';
import { answer, kernelOf } from '../wasm/kernel.ts';

/** First byte of an input: give it back, loop for ever, trap, burn some time and then give it back, or read outside the memory. */
export const DO = { echo: 0, loop: 1, trap: 2, burn: 3, outside: 4 } as const;

const RUN = `
  local.get 1 if
    local.get 0 i32.load8_u 0 0 local.tee 2 i32.const ${DO.loop} i32.eq if loop br 0 end end
    local.get 2 i32.const ${DO.trap} i32.eq if unreachable end
    local.get 2 i32.const ${DO.outside} i32.eq if i32.const -8 i32.load 2 0 drop end
    local.get 2 i32.const ${DO.burn} i32.eq if
      loop local.get 3 i32.const 1 i32.add local.tee 3 i32.const 2000000 i32.lt_u br_if 0 end
    end
  end
  ${answer(0, 'local.get 0', 'local.get 1')}`;

/** Admitted anew for each test file. */
export const guest = () => admit(kernelOf({ run: { locals: 'ii', code: RUN }, memory: [1, 4_096] }));

/** An input of `size` bytes (at least 5) that does `what` and carries a number, so that outputs can be told apart. */
export function inputOf(what: number, mark: number, size = 5): Uint8Array {
  const input = new Uint8Array(size);
  input[0] = what;
  new DataView(input.buffer).setUint32(1, mark, true);
  return input;
}

/** The number that an input or output carries. */
export function markOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(1, true);
}

/** Numbers from 0 up, as inputs. */
export function* inputs(count: number, what: (mark: number) => number = () => DO.echo): Generator<Uint8Array> {
  for (let mark = 0; mark < count; mark++) yield inputOf(what(mark), mark);
}
