// The door `lodger`: what works in any JavaScript host.
export { admit } from './admit/admit.ts';
export { ERRORS, type ErrorCode, type FailureCode, type Fault, LodgerError } from './base/errors.ts';
export { ADMISSION, type Ceilings, type Limits, TASK } from './base/limits.ts';
export { type Digest, type Platform, portable } from './base/platform.ts';
export type { Engine } from './engine/engine.ts';
export { type JobFile, parseJob } from './job/job.ts';
export type { Kernel, KernelFacts } from './job/kernel.ts';
export type { SomeLimits } from './job/limits.ts';
export type { Done, EngineName, Failed, LogLine, Outcome, Receipt, TaskLog } from './job/outcome.ts';
export type { Checkpoints, ImageNotice, ImageStore, LiveLimits, StepProgress, Steps } from './job/steps.ts';
export type { Job, MapOptions, Progress, Runner, RunOptions, StartOptions, Task, Terms } from './job/task.ts';
export type { Payload, PayloadField, PayloadType } from './payload/schema.ts';
export { type Grant, parseGrant } from './policy/grant.ts';
export { narrow } from './policy/narrow.ts';
export { type Policy, parsePolicy } from './policy/policy.ts';
export { createSandbox, type SandboxOptions } from './sandbox/sandbox.ts';
export { memoryStore } from './snapshot/store.ts';
