// What a round of fuzzing comes to, for people and for programs.
import type { Summary } from './fuzz.ts';

interface Round {
  readonly seed: number;
  readonly seconds: number;
  readonly json: boolean;
}

/** The summary as lines of text, or as one JSON document. */
export function describeSummary(summary: Summary, { seed, seconds, json }: Round): string {
  const { modules, runs, endings } = summary;
  const sorted = Object.entries(endings).sort(([, a], [, b]) => b - a);
  const differences = summary.differences.map(({ seed, lanes, text }) => ({ seed, lanes, text }));
  if (json) {
    const rounded = Math.round(seconds * 10) / 10;
    return `${JSON.stringify({ seed, seconds: rounded, modules, runs, endings: Object.fromEntries(sorted), differences })}\n`;
  }
  return [
    `${modules} modules from seed ${seed}, ${runs} tasks on two lanes each, ${(modules / seconds).toFixed(0)} modules/s`,
    ...sorted.map(([name, count]) => `${String(count).padStart(10)}  ${name}`),
    differences.length === 0 ? 'no differences' : `${differences.length} differences:`,
    ...differences.map(({ seed, lanes, text }) => `  seed ${seed}, ${lanes.join(' against ')}: ${text}`),
    '',
  ].join('\n');
}
