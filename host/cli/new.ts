// `lodger new DIR`: a kernel to start from.
import { relative } from 'node:path';
import process from 'node:process';
import type { Command } from 'commander';
import { newKernel } from '../build/template.ts';
import { example, type Finish } from './options.ts';
import { note, printJson } from './say.ts';

export function addNew(program: Command, finish: Finish): void {
  program
    .command('new')
    .description('a kernel to start from, with a test')
    .argument('<dir>', 'folder to make; it must not exist, or be empty')
    .option('--json', 'print one JSON document')
    .addHelpText('after', example('lodger new my-kernel'))
    .action(async (dir: string, { json }: { json?: true }) => {
      const files = await newKernel(dir);
      if (json) await printJson({ state: 'done', files });
      for (const file of files) note(`made ${relative(process.cwd(), file)}`);
      note(`next: lodger build ${dir}, then lodger test ${dir}`);
      finish(0);
    });
}
