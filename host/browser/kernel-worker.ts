// The script of a kernel worker for plain kernels, which are most: see `narrow.ts` for what it does without. The I/O worker loads this file, too,
// for what both are made of, and listens in its own way afterwards.
import { serve } from './serve.ts';

serve();
