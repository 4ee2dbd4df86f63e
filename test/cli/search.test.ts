// The main job on the command line: on the project's own data, and on a user's.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { lodger, ROOT, scratch } from './lodger.ts';

test.each([
  ['the family of its query', [], /│ +1 │.*│ MYG_/, /720 records, .* GCUPS$/m],
  [
    'in a FASTA file of a user, with a query of theirs',
    ['--input', 'my.fasta', '--blob', 'query=my-query.fasta'],
    /│ +1 │ +\d+ │.*│ nearest/,
    /3 records, /,
  ],
])('the main job finds %s first, and says how fast', async (_, args, first, rate) => {
  await using made = await scratch();
  const folder = made.path;
  const align = join(folder, 'align.wasm');
  expect(await lodger(['build', 'kernels/align', '-o', align])).toMatchObject({ exitCode: 0 });
  const document = JSON.parse(await readFile(join(ROOT, 'kernels/align/job.json'), 'utf8'));
  const data = join(ROOT, 'kernels/align/data');
  const { records } = document.inputs;
  const job = {
    ...document,
    kernel: align,
    inputs: { records: { ...records, file: join(data, 'proteins.fasta') } },
    blobs: { query: join(data, 'query.fasta') },
  };
  await writeFile(join(folder, 'job.json'), JSON.stringify(job));
  const query = 'MKWVTFISLLFLFSSAYSRGVFRRDAHKSEVAHRFKDLGEENFKALVLIAFAQYLQQCPFEDHVKLVNEV';
  const others = { other: 'GGGGSGGGGSGGGGS', nearest: query.replace('KSEV', 'KTDV'), third: 'PPPPPAAAAAKKKKK' };
  await writeFile(join(folder, 'my-query.fasta'), `>mine\n${query}\n`);
  await writeFile(
    join(folder, 'my.fasta'),
    Object.entries(others)
      .map(([name, text]) => `>${name}\n${text}\n`)
      .join(''),
  );
  const { exitCode, stdout, stderr } = await lodger(['map', 'job.json', ...args], { cwd: folder });
  expect(stdout).toMatch(first);
  expect(stdout).toMatch(rate);
  expect(stderr).toMatch(/^tasks .* 0 failed$/m);
  expect(exitCode).toBe(0);
});
