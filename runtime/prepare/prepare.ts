// placeholder until written in full below
import type { Kernel } from '../job/kernel.ts';
import type { KernelFacts } from '../job/kernel.ts';
export interface Prepared { readonly facts: KernelFacts; readonly bytes: Uint8Array; readonly memoryForm: 'imported' | 'defined'; readonly key: string }
export declare function prepare(kernel: Kernel, memoryForm: Prepared['memoryForm']): Prepared;
