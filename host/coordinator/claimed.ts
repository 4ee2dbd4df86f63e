// What is claimed of a job's tasks: the runs of each with how their hosts stand now, whose word they are, and what goes when one is wrong.
import type { Claimed, Exams } from './exams.ts';
import type { Members } from './members.ts';
import type { RunList } from './runs.ts';

export interface Claims {
  runsOf(task: number): Claimed[];
  /** Whose word a task's runs are: none of them can check it. */
  ownersOf(task: number): string[];
  remove(task: number, host: string): void;
  /** Drops what others made of what a host had begun, and gives whether there was some. */
  removeBehind(task: number, host: string): boolean;
}

export function createClaims(runs: RunList, members: Members, exams: Exams): Claims {
  function runsOf(task: number): Claimed[] {
    const found: Claimed[] = [];
    runs.each(task, (index, answer) => {
      const standing = members.at(index);
      const { host, owner } = standing;
      const [claim, makers] = [standing.claims.get(task), members.makersOf(host, task)];
      const examined = claim && exams.seenOf(task, { host, makers });
      const moved = standing.moved.has(task);
      const run = { host, owner, answer, standing, claim, makers, moved };
      found.push(examined ? { ...run, examined } : run);
    });
    return found;
  }

  function remove(task: number, host: string): void {
    runs.remove(task, members.of(host)?.index ?? -1);
    members.forget(host, task);
  }

  return {
    runsOf,
    ownersOf: (task) => {
      const owners: string[] = [];
      const add = ({ owner }: { readonly owner: string }) => {
        if (!owners.includes(owner)) owners.push(owner);
      };
      runs.each(task, (index) => {
        const from = members.at(index);
        const makers = from.moved.get(task);
        if (makers) makers.forEach(add);
        else add(from);
      });
      return owners;
    },
    remove,
    removeBehind: (task, host) => {
      const behind = runsOf(task).filter((run) => run.moved && run.makers.some((each) => each.host === host));
      for (const run of behind) if (run.host !== host) remove(task, run.host);
      return behind.some((run) => run.host !== host);
    },
  };
}
