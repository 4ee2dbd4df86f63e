// A program that ends while a guest runs for ever in one of its threads: it must not wait for the guest.
import { admit } from 'lodger';
import { createPool } from 'lodger/host';

const FOR_EVER = Buffer.from(process.argv[2] ?? '', 'base64');
const kernel = await admit(FOR_EVER);
const pool = await createPool({ engine: 'wasmtime', threads: 1 });
pool.run({ kernel, input: Uint8Array.of(1, 0, 0, 0, 0) }).catch(() => undefined);
setTimeout(() => {
  process.stdout.write('ending\n');
  process.exit();
}, 300);
