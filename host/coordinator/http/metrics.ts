// What a site does, in figures that Prometheus reads.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Site } from '../contracts.ts';

export interface Metrics {
  readonly type: string;
  read(): Promise<string>;
  onAnswer(route: string, status: number, ms: number): void;
}

/** A registry of its own, so that two sites in a process do not meet. */
export function createMetrics(site: Site): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const figures = [
    ['hosts', 'hosts that are connected', () => site.status().hosts],
    ['jobs_open', 'jobs that are not over', () => site.status().jobsOpen],
    ['tasks_per_second', 'tasks that ended, a second, over the last minute', () => site.status().tasksPerSecond],
    ['fuel_per_second', 'fuel, a second, over the last minute', () => site.status().fuelPerSecond],
    ['policy_version', 'version of the policy in force', () => site.status().policyVersion],
  ] as const;
  for (const [name, help, read] of figures) {
    new Gauge({
      ...{ name: `lodger_${name}`, help, registers },
      collect() {
        this.set(read());
      },
    });
  }
  const labelNames = ['route', 'status'] as const;
  const answers = new Counter({ name: 'lodger_answers_total', help: 'answers by route', labelNames, registers });
  const seconds = new Histogram({
    ...{ name: 'lodger_answer_seconds', help: 'time of answers by route', labelNames: ['route'] as const, registers },
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10],
  });
  return {
    type: registry.contentType,
    read: () => registry.metrics(),
    onAnswer: (route, status, ms) => {
      answers.inc({ route, status });
      seconds.observe({ route }, ms / 1_000);
    },
  };
}
