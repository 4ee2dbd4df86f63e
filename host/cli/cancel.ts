// `lodger cancel JOB`: ends a job at a site.
import type { Command } from 'commander';
import { example, type Finish } from './options.ts';
import { note, printJson } from './say.ts';
import { atSite, type SiteFlags, withSite } from './site.ts';

export function addCancel(program: Command, finish: Finish): void {
  withSite(program.command('cancel'))
    .description('end a job at a site; outcomes that are there stay')
    .argument('<job>', 'the id of a job')
    .option('--json', 'print one JSON document')
    .addHelpText('after', example('lodger cancel my-job'))
    .action(async (job: string, flags: SiteFlags & { readonly json?: true }) => {
      const found = await atSite(flags, (site) => site.ask('cancel', { params: { job } }));
      if (flags.json) await printJson(found);
      else note(`job ${found.id}: ${found.state}, ${found.counts.done} of ${found.tasks} tasks were done`);
      finish(0);
    });
}
