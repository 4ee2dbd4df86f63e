// Runs a metered module on the V8 of this process: `nans-run.mjs MODULE FUEL`. Gives JSON: fuel, and the memory as base64.
import { readFileSync } from 'node:fs';

const [, , file, given] = process.argv;
const nothing = () => undefined;
const { exports } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)), {
  'lodger:host': { refill: nothing, stack: nothing, grow: nothing },
});
exports['lodger:fuel'].value = BigInt(given);
exports.run();
const fuel = Number(BigInt(given) - exports['lodger:fuel'].value);
process.stdout.write(JSON.stringify({ fuel, memory: Buffer.from(exports.memory.buffer).toString('base64') }));
