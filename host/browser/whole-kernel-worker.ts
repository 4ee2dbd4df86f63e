// The script of a kernel worker for all kernels: steppers and WASI programs, too. It is loaded with the first that `kernel-worker.ts` does not do for.
import { serve } from './serve.ts';
import { openSteps } from './steps-work.ts';

serve(openSteps);
