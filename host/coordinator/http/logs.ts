// Log lines of tasks, handed on to those who follow the job at that moment.
import { LOG_LEVELS } from '../../../runtime/job/outcome.ts';
import type { SiteEvents } from '../../wire/api.ts';

type Line = SiteEvents['log'];

export interface Logs {
  tell(job: string, task: number, lines: readonly (readonly [level: number, text: string])[]): void;
  /** Hears the lines of a job; what it gives ends that. */
  follow(job: string, hear: (line: Line) => void): () => void;
}

export function createLogs(): Logs {
  const hearers = new Map<string, Set<(line: Line) => void>>();
  return {
    tell: (job, task, lines) => {
      const all = hearers.get(job);
      if (!all) return;
      for (const [level, text] of lines)
        for (const hear of all) hear({ job, task, level: LOG_LEVELS[level] ?? 'info', text });
    },
    follow: (job, hear) => {
      const all = hearers.get(job) ?? new Set();
      hearers.set(job, all.add(hear));
      return () => {
        all.delete(hear);
        if (all.size === 0) hearers.delete(job);
      };
    },
  };
}
