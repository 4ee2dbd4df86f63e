// All commands of the binary.
import { begin } from './begin.ts';
import type { HERE } from './here.ts';
import type { Commands } from './program.ts';

/** One that is bundled: from here it is asked for its help alone. */
const bundled = async (name: keyof typeof HERE) => (await import('./here.ts')).HERE[name]();

/** In the order of the help. Each is loaded when it is called: all of them take 0.3 s, which most of them do not. */
export const COMMANDS: Commands = {
  new: async () => (await import('./new.ts')).addNew,
  build: async () => (await import('./build.ts')).addBuild,
  test: async () => (await import('./test.ts')).addTest,
  bench: async () => (await import('./bench.ts')).addBench,
  profile: async () => (await import('./profile.ts')).addProfile,
  inspect: async () => (await import('./inspect.ts')).addInspect,
  run: () => bundled('run'),
  map: () => bundled('map'),
  serve: async () => (await import('./serve.ts')).addServe,
  submit: () => bundled('submit'),
  status: () => bundled('status'),
  results: () => bundled('results'),
  cancel: () => bundled('cancel'),
  hosts: () => bundled('hosts'),
  policy: async () => (await import('./policy.ts')).addPolicy,
  accounts: async () => (await import('./accounts.ts')).addAccounts,
  federation: async () => (await import('./federation.ts')).addFederation,
  join: async () => (await import('./join.ts')).addJoin,
  agent: async () => (await import('./agent.ts')).addAgent,
  verify: async () => (await import('./verify.ts')).addVerify,
  doctor: async () => (await import('./doctor.ts')).addDoctor,
};

export function start(argv: readonly string[]): Promise<void> {
  return begin(argv, COMMANDS);
}
