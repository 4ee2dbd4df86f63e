// What code tries that has broken out of every sandbox: from JavaScript with all of Node, and from native code. Runs in a cell, and as a
// control outside one. Each probe gives what it got, or throws.
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { lookup, Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { connect, createServer, type NetConnectOpts } from 'node:net';
import { constants } from 'node:os';
import process from 'node:process';

/** Where the things are that probes reach for. All of them exist, and belong to the process outside. */
export interface Targets {
  readonly parent: number;
  readonly victim: number;
  readonly tcp: number;
  readonly udp: number;
  readonly socket: string;
  readonly abstract: string;
  /** A folder like somebody's home, with a key, notes and a site's data. */
  readonly home: string;
  /** The folder of the package, of which only a part is in the cell. */
  readonly root: string;
}

/** The addon of `probe.c`. */
export interface Native {
  call(name: string, ...args: readonly (number | bigint | Buffer)[]): number;
  address(buffer: Buffer): bigint;
  fork(flags: number, name?: string, argument?: number): number;
  thread(): number;
}

type Probe = () => unknown;

const CLONE_NEWUSER = 0x1000_0000;
const SIGCHLD = 17;

/** Files that are there for whoever can read them; `PARENT` stands for a number. */
export const PATHS = (targets: Targets): readonly string[] => [
  '/etc/passwd',
  '/etc/hosts',
  '/etc/os-release',
  '/proc/self/environ',
  '/proc/self/maps',
  '/proc/self/mem',
  '/proc/cpuinfo',
  '/proc/net/tcp',
  `/proc/${targets.parent}/environ`,
  `/proc/${targets.parent}/cmdline`,
  `/proc/${targets.parent}/maps`,
  `/proc/${targets.victim}/environ`,
  '/dev/null',
  '/dev/urandom',
  '/sys/kernel/mm/transparent_hugepage/enabled',
  '/usr/bin/env',
  `${targets.home}/.ssh/id_ed25519`,
  `${targets.home}/notes.txt`,
  `${targets.home}/site/data.mdb`,
  `${targets.root}/README.md`,
];

const AT_FDCWD = -100;
const text = (words: string) => Buffer.from(`${words}\0`);

const write = (path: string) => () => {
  fs.writeFileSync(path, 'x');
  fs.unlinkSync(path);
};

/** Opens and makes files by native code; what was opened is closed again. */
function filesBy(call: Native['call']) {
  const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL } = fs.constants;
  const opened = (descriptor: number) => (descriptor < 0 ? descriptor : call('close', descriptor));
  const open = (path: string, flags = O_RDONLY) => opened(call('openat', AT_FDCWD, text(path), flags, 0o600));
  const create = (path: string) => () => {
    const result = open(path, O_WRONLY | O_CREAT | O_EXCL);
    if (result >= 0) fs.unlinkSync(path);
    return result;
  };
  return { opened, open, create };
}

/** By JavaScript alone. */
export function scripted(targets: Targets): Readonly<Record<string, Probe>> {
  const { home, root } = targets;
  const open = Object.fromEntries(
    PATHS(targets).map((path, index) => [`open ${index + 1}`, () => fs.closeSync(fs.openSync(path, 'r'))]),
  );
  const reach = async (where: NetConnectOpts) => {
    const socket = connect(where);
    await once(socket, 'connect');
    socket.destroy();
  };
  const listen = async (where: object) => {
    const server = createServer().listen(where);
    await once(server, 'listening');
    server.close();
  };
  return {
    ...open,
    'list /': () => fs.readdirSync('/'),
    'list a home': () => fs.readdirSync(home),
    'list the package': () => fs.readdirSync(`${root}/dist/host`),
    'stat a home': () => fs.statSync(home),
    'write into a home': write(`${home}/made`),
    'write into /tmp': write(`/tmp/lodger-probe-${process.pid}`),
    'write into shared memory': write(`/dev/shm/lodger-probe-${process.pid}`),
    'make a folder': () => {
      fs.mkdirSync(`${home}/folder`);
      fs.rmdirSync(`${home}/folder`);
    },
    'change a mode': () => fs.chmodSync(`${home}/notes.txt`, 0o600),
    'connect by TCP': () => reach({ host: '127.0.0.1', port: targets.tcp }),
    'listen by TCP': () => listen({ host: '127.0.0.1', port: 0 }),
    'connect to a Unix socket': () => reach({ path: targets.socket }),
    'connect to an abstract socket': () => reach({ path: `\0${targets.abstract}` }),
    'listen on an abstract socket': () => listen({ path: `\0${targets.abstract}-own-${process.pid}` }),
    'send by UDP': () =>
      new Promise((resolve, reject) => {
        const socket = createSocket('udp4');
        socket.on('error', reject);
        socket.send('x', targets.udp, '127.0.0.1', (error) => {
          if (error) reject(error);
          else socket.close(() => resolve(undefined));
        });
      }),
    'look a name up': () => lookup('localhost'),
    'ask a name server': async () => {
      const resolver = new Resolver({ timeout: 200, tries: 1 });
      resolver.setServers([`127.0.0.1:${targets.udp}`]);
      // No answer comes, but the question went out.
      await resolver.resolve4('a.test').catch((error) => {
        if (error.code !== 'ETIMEOUT') throw error;
      });
    },
    'execute a program': () => {
      const { error } = spawnSync('/usr/bin/env');
      if (error) throw error;
    },
    'execute Node': () => {
      const { error } = spawnSync(process.execPath, ['--version']);
      if (error) throw error;
    },
    'signal the parent': () => process.kill(targets.parent, 0),
    'signal another process': () => process.kill(targets.victim, 0),
    'read the environment': () => {
      if (Object.keys(process.env).length === 0) throw new Error('empty');
    },
  };
}

/** By native code. */
export function native(targets: Targets, { call, address, fork }: Native): Readonly<Record<string, Probe>> {
  const { victim } = targets;
  const { open, create, opened } = filesBy(call);
  const socket = (family: number, type: number) => () => opened(call('socket', family, type, 0));
  const words = [text('node'), text('--version')];
  const argv = Buffer.alloc(24);
  for (const [index, word] of words.entries()) argv.writeBigUInt64LE(address(word), 8 * index);
  /** A call that fails outside as well, but for another reason: that it was tried at all is what counts. */
  const reached = (result: number, name: 'ENOENT' | 'EBADF') => (result === -constants.errno[name] ? 0 : result);
  return {
    ...Object.fromEntries(PATHS(targets).map((path, index) => [`open ${index + 1} by native code`, () => open(path)])),
    'open / to list it': () => open('/', fs.constants.O_DIRECTORY),
    'create in a home': create(`${targets.home}/native`),
    'create in /tmp': create(`/tmp/lodger-native-${process.pid}`),
    'create in shared memory': create(`/dev/shm/lodger-native-${process.pid}`),
    'change a mode by native code': () => call('fchmodat', AT_FDCWD, text(`${targets.home}/notes.txt`), 0o600),
    'socket inet': socket(2, 1),
    'socket inet of UDP': socket(2, 2),
    'socket inet6': socket(10, 1),
    'socket unix': socket(1, 1),
    'socket netlink': socket(16, 3),
    socketpair: () => call('socketpair', 1, 1, 0, Buffer.alloc(8)),
    fork: () => fork(SIGCHLD),
    'fork into a user namespace': () => fork(SIGCHLD | CLONE_NEWUSER),
    'a user namespace': () => fork(SIGCHLD, 'unshare', CLONE_NEWUSER),
    execve: () => reached(call('execve', text('/proc/nowhere/node'), argv, 0), 'ENOENT'),
    'execveat of the jail': () => reached(call('execveat', 1000, text(''), argv, 0, 0x1000), 'EBADF'),
    'kill 0 of another': () => call('kill', victim, 0),
    'tgkill 0 of another': () => call('tgkill', victim, victim, 0),
    'pidfd of another': () => opened(call('pidfd_open', victim, 0)),
    'affinity of another': () => call('sched_setaffinity', victim, 8, Buffer.from([3, 0, 0, 0, 0, 0, 0, 0])),
    io_uring: () => opened(call('io_uring_setup', 4, Buffer.alloc(120))),
    memfd: () => opened(call('memfd_create', text('m'), 0)),
    'shared memory': () => call('shmget', 0, 4096, 0o1600),
    inotify: () => opened(call('inotify_init1', 0)),
    'a file handle': () => {
      const handle = Buffer.alloc(140);
      handle.writeUInt32LE(128, 0);
      return call('name_to_handle_at', -100, text('/'), handle, Buffer.alloc(8), 0);
    },
    'a key': () => call('add_key', text('user'), text('k'), text('v'), 1, -2),
    'a limit of its own': () => {
      const limit = Buffer.alloc(16);
      limit.writeBigUInt64LE(128n, 0);
      limit.writeBigUInt64LE(128n, 8);
      return call('prlimit64', 0, 7, limit, 0);
    },
    'inherited descriptors': () => {
      const CLOEXEC = 1;
      let found = 0;
      for (let number = 4; number < 4096; number++) {
        const flags = call('fcntl', number, 1);
        if (flags >= 0 && (flags & CLOEXEC) === 0) found++;
      }
      if (found === 0) throw new Error('none');
    },
  };
}

/** By native code with the rights of the superuser, which ordinary users do not have outside either. */
export function privileged({ root }: Targets, { call }: Native): Readonly<Record<string, Probe>> {
  const { open, create } = filesBy(call);
  // This folder is in a cell, too, to be read.
  const inside = `${root}/dist/host/lodger-probe-${process.pid}`;
  return {
    mount: () => {
      const result = call('mount', text('x'), text('/mnt'), text('tmpfs'), 0, 0);
      if (result >= 0) call('umount2', text('/mnt'), 0);
      return result;
    },
    chroot: () => call('chroot', text('/')),
    'open the shadow file': () => fs.closeSync(fs.openSync('/etc/shadow', 'r')),
    'open the shadow file by native code': () => open('/etc/shadow'),
    'write into /': write(`/lodger-probe-${process.pid}`),
    'create in /': create(`/lodger-native-${process.pid}`),
    'write into the package': write(inside),
    'create in the package': create(inside),
  };
}

/** What ends the process that tries it: inside, with the first try, which is aimed at the parent. */
export function deadly({ parent, victim }: Targets, { call, address }: Native): Readonly<Record<string, Probe>> {
  const here = Buffer.alloc(8);
  const parts = Buffer.alloc(32);
  parts.writeBigUInt64LE(address(here), 0);
  parts.writeBigUInt64LE(8n, 8);
  parts.writeBigUInt64LE(4096n, 16);
  parts.writeBigUInt64LE(8n, 24);
  const EFAULT = -constants.errno.EFAULT;
  return {
    ptrace: () =>
      lowest([parent, victim], (pid) => {
        const result = call('ptrace', 0x4206, pid, 0, 0);
        if (result >= 0) call('ptrace', 17, pid, 0, 0);
        return result;
      }),
    // Nothing lies at that address, which is said only to those who may read.
    process_vm_readv: () =>
      lowest([parent, victim], (pid) => {
        const result = call('process_vm_readv', pid, parts.subarray(0, 16), 1, parts.subarray(16), 1, 0);
        return result === EFAULT ? 0 : result;
      }),
    bpf: () => {
      const map = Buffer.alloc(128);
      for (const [index, value] of [2, 4, 8, 1].entries()) map.writeUInt32LE(value, 4 * index);
      const result = call('bpf', 0, map, 48);
      return result < 0 ? result : call('close', result);
    },
  };
}

/** The worst of the answers, so that all of them have to be good. */
const lowest = (pids: readonly number[], probe: (pid: number) => number) => Math.min(...pids.map(probe));

/** Tries one: `open`, or the code of what refused it. */
export async function attempt(probe: Probe): Promise<string> {
  try {
    const result = await probe();
    if (typeof result !== 'number' || result >= 0) return 'open';
    const named = Object.entries(constants.errno).find(([, number]) => number === -result);
    return named?.[0] ?? String(result);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code ?? message;
  }
}
