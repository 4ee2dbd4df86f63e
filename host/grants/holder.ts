// Who holds the rights to folders and origins: this process, or the one that gave it its tasks.
import type { Holder } from '../../runtime/sandbox/settle.ts';
import { nodeFolders } from './folders.ts';

/** This process holds the rights of its pools. */
export const HOLDER: Holder = { folder: nodeFolders.folder, http: true };

/** Of a process whose grants somebody else has settled. */
export const NO_HOLDER: Holder = { folder: (path) => ({ path, id: '' }), http: true };
