// The program that is put into a cell, or beside one as a control: tries what it is told to, and writes down how that went.
import { writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import process from 'node:process';
import { loadAddon } from '../../host/platform/native.ts';
import { attempt, deadly, type Native, native, privileged, scripted, type Targets } from './probes.ts';

/** What to try: all but the deadly ones, those of the superuser among them, or one of the deadly. */
export interface Orders {
  readonly targets: Targets;
  readonly addon: string;
  readonly what: 'user' | 'root' | string;
  /** Whether it locks itself in as a cell does. */
  readonly lock: boolean;
}

/** Where the answer goes, as one line of JSON. */
const ANSWER = 3;

const { targets, addon, what, lock } = JSON.parse(process.argv[2] ?? '') as Orders;
const tools = createRequire(import.meta.url)(addon) as Native;
if (lock) loadAddon().lockExec();

const probes =
  what === 'user' || what === 'root'
    ? { ...scripted(targets), ...native(targets, tools), ...(what === 'root' && privileged(targets, tools)) }
    : { [what]: deadly(targets, tools)[what] ?? (() => undefined) };
const results: Record<string, string> = { 'a thread of its own': tools.thread() === 0 ? 'open' : 'refused' };
for (const [name, probe] of Object.entries(probes)) results[name] = await attempt(probe);
writeSync(ANSWER, `${JSON.stringify(results)}\n`);
process.exit(0);
