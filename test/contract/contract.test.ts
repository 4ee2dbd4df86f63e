// Every engine of this machine keeps the contract of engines.
import { engineContract } from './contract.ts';
import { ENGINES } from './engines.ts';

for (const [name, makeEngine] of ENGINES) engineContract(name, makeEngine);
