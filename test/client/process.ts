// Sites as processes of their own, started by the command line, ended at any moment, and started again on the same folder and port.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/host/cli/main.js', import.meta.url));

export interface SiteProcess {
  readonly url: string;
  /** Of the first start alone. */
  readonly token: string | undefined;
  /** What it has written to standard error so far. */
  errors(): string;
  signal(signal: NodeJS.Signals): void;
  kill(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts `lodger serve --json` with arguments, and `env` beside what is there; resolves when it answers. */
export async function startSite(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<SiteProcess> {
  const child = spawn(process.execPath, [MAIN, 'serve', '--json', ...args], { env: { ...process.env, ...env } });
  let out = '';
  let errors = '';
  child.stderr.on('data', (part) => {
    errors += part;
  });
  const ended = once(child, 'close');
  const told = new Promise<{ url: string; token?: string }>((resolve, reject) => {
    child.stdout.on('data', (part) => {
      out += part;
      if (out.trimEnd().endsWith('}')) resolve(JSON.parse(out));
    });
    child.once('close', (code) => reject(new Error(`lodger serve ended with ${code}: ${errors}`)));
  });
  const { url, token } = await told;
  return {
    ...{ url, token, errors: () => errors },
    signal: (signal) => void child.kill(signal),
    kill: async (signal = 'SIGKILL') => {
      child.kill(signal);
      await ended;
    },
  };
}

/** A port of the loopback address that nobody has. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
