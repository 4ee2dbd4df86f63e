// Takes comments out of what tsc has made: they are a fifth of it, and who reads them reads the source. Declarations keep theirs. Run by
// `npm run build`. The command line and what makes a site lose their line breaks, too, as the bundled part of the command line does: programs of
// others hardly have them in their stacks, where functions keep their names.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { minifySync } from 'vite';
import { packageRoot } from '../../kernels/transform/library.ts';

/** The transform stays as it is: its mutants in the tests are made from its lines. */
const FOLDERS = ['dist/runtime', 'dist/host'];
const WITHOUT_LINES = /^(?:cli|coordinator|federation)[\\/]/;

const root = packageRoot();
for (const folder of FOLDERS) {
  for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.js') || name.startsWith('pages')) continue;
    const path = join(root, folder, name);
    const { code, errors } = minifySync(name, readFileSync(path, 'utf8'), {
      ...{
        compress: false,
        mangle: false,
        codegen: { removeWhitespace: folder === 'dist/host' && WITHOUT_LINES.test(name) },
      },
    });
    if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message}`);
    writeFileSync(path, code);
  }
}
