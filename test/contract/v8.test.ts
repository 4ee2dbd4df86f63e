// V8 keeps the contract of engines.
import process from 'node:process';
import { createV8 } from '../../runtime/engine/v8.ts';
import { engineContract } from './contract.ts';

engineContract('V8', () => createV8(process.versions.v8));
