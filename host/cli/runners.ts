// The commands that run kernels on this machine: one part of a bundle, since they are made of much the same.
export { addMap } from './map.ts';
export { addRun } from './run.ts';
