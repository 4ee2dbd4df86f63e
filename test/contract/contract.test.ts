// Every engine of this machine keeps the contract of engines, Wasmtime on its shorter way and step by step.
import { engineContract } from './contract.ts';
import { ENGINES, stepByStep } from './engines.ts';

for (const [name, makeEngine] of ENGINES) {
  engineContract(name, makeEngine);
  if (name === 'wasmtime') engineContract('wasmtime step by step', () => stepByStep(makeEngine()));
}
