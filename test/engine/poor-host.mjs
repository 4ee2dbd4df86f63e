// A host whose V8 gives a memory no more than ten pages: runs a kernel that asks for pages one by one, and tells how it ended.
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { admit, createSandbox } from 'lodger';

const kernel = await admit(readFileSync(process.argv[2]));
const limits = { memoryBytesMax: Number(process.argv[3]) };
const outcome = await createSandbox().run({ kernel, input: new Uint8Array(), limits });
const { state, receipt } = outcome;
process.stdout.write(
  JSON.stringify({ state, code: outcome.code, fault: outcome.fault, pages: receipt.memoryBytesPeak / 65_536 }),
);
