// The door `lodger/host`: what needs Node.
export { type BuildOptions, buildKernel } from './build/build.ts';
export { nodeEngine } from './platform/engines.ts';
export { node } from './platform/node.ts';
export { createPool, type Pool, type PoolOptions } from './pool/pool.ts';
export type { PoolStats } from './pool/stats.ts';
