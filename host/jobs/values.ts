// Values of typed kernels on the command line: JSON in, JSON out. Kernels without a schema, and sides that are bytes, stay bytes.
import { LodgerError } from '../../runtime/base/errors.ts';
import type { Kernel } from '../../runtime/job/kernel.ts';
import type { Outcome } from '../../runtime/job/outcome.ts';
import { fromJson, toJson } from '../../runtime/payload/json.ts';

/** Whether inputs of the kernel are written as JSON. */
export function takesJson({ payload }: Kernel): boolean {
  return payload !== undefined && payload.input !== 'bytes';
}

/** The bytes of an input that people wrote: JSON for a kernel that takes values. Throws `ERR_OPTION_INVALID` with the path, or JSON's fault. */
export function inputOf(kernel: Kernel, written: Uint8Array): Uint8Array {
  const { payload } = kernel;
  if (payload === undefined || payload.input === 'bytes') return written;
  return kernel.encode(fromJson(parse(written), payload.input, payload.classes));
}

/** An output as people read it: JSON of a value, in a line; undefined where it is bytes. */
export function textOfOutput(kernel: Kernel, output: Uint8Array): string | undefined {
  const { payload } = kernel;
  if (payload === undefined || payload.output === 'bytes') return undefined;
  try {
    return JSON.stringify(toJson(kernel.decode(output), payload.output, payload.classes));
  } catch (error) {
    // V8's texts have a longest length.
    if (!(error instanceof RangeError)) throw error;
    throw new LodgerError('ERR_FILE', ['write', 'the output', 'it is too large as JSON'], { cause: error });
  }
}

/** The outcome with its output as people read it. */
export function readable(kernel: Kernel, outcome: Outcome): Outcome {
  const text = outcome.state === 'done' ? textOfOutput(kernel, outcome.output) : undefined;
  return text === undefined ? outcome : ({ ...outcome, output: Buffer.from(`${text}\n`) } as Outcome);
}

/** The inputs of a job, each as the kernel takes it; `onBytes` is told how many bytes each was written in. */
export async function* inputsOf(
  kernel: Kernel,
  written: AsyncIterable<Uint8Array>,
  onBytes: (length: number) => void,
): AsyncGenerator<Uint8Array> {
  let index = 0;
  for await (const bytes of written) {
    const input = nthInput(kernel, bytes, index++);
    onBytes(bytes.byteLength);
    yield input;
  }
}

function nthInput(kernel: Kernel, written: Uint8Array, index: number): Uint8Array {
  try {
    return inputOf(kernel, written);
  } catch (error) {
    if (!(error instanceof LodgerError)) throw error;
    const reason = error.message.replace(/^option /, '');
    throw new LodgerError('ERR_JOB_INVALID', ['inputs', `what the kernel takes; in task ${index}, ${reason}`], {
      cause: error,
    });
  }
}

function parse(written: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(written));
  } catch (error) {
    const reason = error instanceof SyntaxError ? error.message : 'its bytes are not UTF-8';
    throw new LodgerError('ERR_OPTION_INVALID', ['input', `JSON: ${reason}`], { cause: error });
  }
}
