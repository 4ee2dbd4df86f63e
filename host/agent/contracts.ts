// What an agent is given, what it tells, and what may be asked of it.
import type { EngineChoice } from '../../runtime/job/form.ts';
import type { Isolation } from '../cell/isolation.ts';
import type { Strictness } from '../cell/walls.ts';
import type { Blobs, Connect, Event, InputDigest, LenderStatus } from '../lend/contracts.ts';
import type { Pause } from '../wire/site.ts';
import type { OwnerFile } from './policy.ts';
import type { Sources } from './sources.ts';

/** A site in this process, or whatever else can be spoken to without a socket. */
export interface LocalSite {
  readonly connect: Connect;
  readonly blobs: Blobs;
  readonly inputDigest?: InputDigest;
}

export interface AgentOptions {
  /** A URL such as `https://grid.example.org`, or a site in this process. */
  readonly site: string | LocalSite;
  /** What the site's operator gave for hosts. */
  readonly token?: string;
  /** Certificates to trust beside those of the system, in PEM. */
  readonly ca?: string;
  /** Where key, cache and pause are kept; a folder of the user's by default. One agent at a time has it. */
  readonly data?: string;
  /** The owner's policy: a file, which may change at any time, or what would be in one. Everything is allowed by default. */
  readonly policy?: string | OwnerFile;
  /** Where kernels run. `process`, the default, is a jailed process: steppers give no images there in this version. */
  readonly isolation?: Isolation;
  /** Which walls there have to be around the process: `floor` by default. */
  readonly strict?: Strictness;
  readonly engine?: EngineChoice;
  /** How the host is shown; the machine's name by default. */
  readonly name?: string;
  readonly tell?: (event: AgentEvent) => void;
  /** What is known of the machine; tests give their own. */
  readonly sources?: Partial<Sources>;
}

export type AgentEvent =
  | Event
  | { readonly event: 'paused'; readonly reason: Pause; readonly why: string }
  | { readonly event: 'resumed' }
  | { readonly event: 'owner policy'; readonly error: string | null };

/** As `lodger agent status` shows it. */
export interface AgentStatus extends LenderStatus {
  readonly version: string;
  readonly pid: number;
  readonly name: string;
  /** The site's URL, or `this process`. */
  readonly url: string;
  readonly state: 'working' | 'paused' | 'finishing';
  /** In words: why it does not work, and what ends that. Empty while it works. */
  readonly why: string;
  /** The file of the owner's policy, and why the one that is there does not count. */
  readonly policyFile: string | null;
  readonly policyError: string | null;
  readonly threads: number;
  readonly cpuShare: number;
  readonly isolation: readonly string[];
  /** CPU share of other programs, and how long ago somebody used the machine. Null where nobody can say. */
  readonly load: number | null;
  readonly userIdleMs: number | null;
  readonly cacheBytes: number;
  readonly cacheFiles: number;
  readonly networkBytesToday: number;
  /** From and to hosts of the same network. */
  readonly neighbourBytesCame: number;
  readonly neighbourBytesWent: number;
}

export interface Agent {
  status(): AgentStatus;
  /** Stops all guests at once and gives their tasks back, for so many hours, or until `resume`. Lasts over a restart of the agent. */
  pause(hours?: number): void;
  resume(): void;
  /** Takes nothing more; resolves when what it has is delivered. */
  finish(): Promise<void>;
  /** Gives back what it has. Resolves when no guest runs and nothing is open. */
  close(): Promise<void>;
}
