// The door `lodger/host`: what needs Node.

export { createAgent } from './agent/agent.ts';
export type { Agent, AgentEvent, AgentOptions, AgentStatus, LocalSite } from './agent/contracts.ts';
export type { OwnerFile } from './agent/policy.ts';
export { runTests, type TrialOptions, type Verdict } from './author/trial.ts';
export { type BuildOptions, buildKernel } from './build/build.ts';
export { createPool, type IsolatedOptions, type Isolation, type ThreadOptions } from './cell/isolation.ts';
export type { CellPool } from './cell/pool.ts';
export { type ConnectOptions, connect, type SiteRunner } from './client/connect.ts';
export type { Coordinator, CoordinatorOptions } from './coordinator/coordinator.ts';
export { createCoordinator } from './coordinator/door.ts';
export { nodeFolders } from './grants/folders.ts';
export { type FolderStore, folderStore } from './keep/folder-store.ts';
export { type Keep, type KeepNotice, type KeepOptions, openKeep } from './keep/keep.ts';
export { nodeEngine } from './platform/engines.ts';
export { imaging as node } from './platform/imaging.ts';
export type { Pool, PoolOptions } from './pool/options.ts';
export type { PoolStats } from './pool/stats.ts';
