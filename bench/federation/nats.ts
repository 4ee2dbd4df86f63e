// A nats-server process of one's own, for tests and measurements: on loopback, with its streams in a folder, killed and started again at will.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

export interface NatsServer {
  readonly url: string;
  readonly port: number;
  /** Ends it at once, as a machine that loses power. */
  kill(): Promise<void>;
  /** Starts it again, on the same port and streams. */
  start(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Whether a server is installed here. */
export const hasNats = spawnSync('nats-server', ['--version']).status === 0;

/** Starts one: `await using nats = await startNats()`. `config` is added to its configuration. */
export async function startNats(config = ''): Promise<NatsServer> {
  const folder = await mkdtemp(join(tmpdir(), 'lodger-nats-'));
  const port = await freePort();
  const file = join(folder, 'nats.conf');
  await writeFile(
    file,
    `listen: "127.0.0.1:${port}"\njetstream { store_dir: "${join(folder, 'streams')}" }\n${config}`,
  );
  let child: ChildProcess | undefined;
  const start = async () => {
    child = await runNats(file, join(folder, 'log'));
  };
  const kill = async () => {
    const before = child;
    child = undefined;
    if (!before || before.exitCode !== null) return;
    const gone = once(before, 'exit');
    before.kill('SIGKILL');
    await gone;
    await rm(join(folder, 'log'), { force: true });
  };
  await start();
  return {
    ...{ url: `nats://127.0.0.1:${port}`, port, kill, start },
    [Symbol.asyncDispose]: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A process with a configuration, once it says in its log that it is ready. Throws what the log says where it ends instead. */
export async function runNats(file: string, log: string, env: NodeJS.ProcessEnv = process.env): Promise<ChildProcess> {
  const child = spawn('nats-server', ['-c', file, '-l', log], { stdio: 'ignore', env });
  const gone = once(child, 'exit').then(async () => {
    throw new Error(`nats-server ended: ${(await readFile(log, 'utf8').catch(() => '')).slice(-2_000)}`);
  });
  gone.catch(() => undefined);
  await Promise.race([gone, listening(log)]);
  return child;
}

async function listening(log: string): Promise<void> {
  while (!(await readFile(log, 'utf8').catch(() => '')).includes('Server is ready'))
    await new Promise((resolve) => setTimeout(resolve, 20));
}

/** A port that was free a moment ago: a server that is started again has to be where it was. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
