// A kernel that takes all the memory that it can get.
import { answer, kernelOf } from '../wasm/kernel.ts';

/** Grows by so many pages of 64 KiB at a time and writes into every page of the system; at the end it does `after`. */
export const hog = (pages: number, after = ''): Uint8Array<ArrayBuffer> => {
  const code = `
  loop
    i32.const ${pages} memory.grow i32.const -1 i32.ne if
      memory.size i32.const ${pages} i32.sub i32.const 16 i32.shl local.set 2
      i32.const 0 local.set 3
      loop
        local.get 2 i32.const 1 i32.store8 0 0
        local.get 2 i32.const 4096 i32.add local.set 2
        local.get 3 i32.const 1 i32.add local.tee 3 i32.const ${16 * pages} i32.lt_u br_if 0
      end
      br 1
    end
  end
  ${after}
  ${answer(0, 'i32.const 0', 'i32.const 0')}`;
  return kernelOf({ run: { locals: 'ii', code }, memory: [1, 65_536] });
};
