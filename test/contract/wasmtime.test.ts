// Wasmtime keeps the contract of engines.
import { nodeEngine } from '../../host/platform/engines.ts';
import { engineContract } from './contract.ts';

engineContract('Wasmtime', () => nodeEngine('wasmtime'));
