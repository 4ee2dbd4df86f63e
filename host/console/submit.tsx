// A job from this page: choose or drop a kernel, see what it asks for, give inputs, run.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Check, Facts, Problem } from '../parts/controls.tsx';
import { bytes, shown } from '../parts/format.ts';
import { api, type Refused } from './api.ts';
import { type Cut, cutInputs, inputsFrames, type Looked, lookAt, manifestOf, putBlob } from './submission.ts';
import { problemOf } from './use.ts';

export function SubmitPage(): JSX.Element {
  const [looked, setLooked] = useState<Looked>();
  const [given, setGiven] = useState<Readonly<Record<string, File>>>({});
  const [granted, setGranted] = useState<readonly string[]>([]);
  const [inputs, setInputs] = useState<readonly File[]>([]);
  const [cut, setCut] = useState<Cut>('files');
  const [name, setName] = useState('');
  const [problem, setProblem] = useState<Refused>();
  const [busy, setBusy] = useState('');

  const choose = async (file: File | undefined) => {
    if (!file) return;
    try {
      const found = await lookAt(new Uint8Array(await file.arrayBuffer()));
      setLooked(found);
      setGranted(found.grants);
      setName(file.name.replace(/\.wasm$/, ''));
      setProblem(undefined);
    } catch (error) {
      setLooked(undefined);
      setProblem(problemOf(error));
    }
  };
  const run = async (event: Event) => {
    event.preventDefault();
    if (!looked) return;
    try {
      setBusy('sending the kernel and its data');
      await putBlob(looked.bytes);
      const blobs: Record<string, string> = {};
      for (const [blob, file] of Object.entries(given))
        blobs[blob] = await putBlob(new Uint8Array(await file.arrayBuffer()));
      setBusy('sending inputs');
      const job = await api.submit(manifestOf({ looked, name, granted, blobs }));
      for await (const frame of inputsFrames(cutInputs(inputs, cut))) await api.inputs(job.id, frame);
      location.hash = `#/jobs/${encodeURIComponent(job.id)}`;
    } catch (error) {
      setProblem(problemOf(error));
    } finally {
      setBusy('');
    }
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    void choose(event.dataTransfer?.files[0]);
  };
  return (
    <>
      <h1>Submit a job</h1>
      {problem && <Problem title="This was refused" message={shown(problem.message, 1_000)} code={problem.code} />}
      <form class="stack wide" onSubmit={run} onDragOver={(event) => event.preventDefault()} onDrop={drop}>
        <section class="card" aria-labelledby="k">
          <h2 id="k">Kernel</h2>
          <div class="field">
            <label for="kernel">A .wasm file; it may be dropped anywhere on this page</label>
            <input
              class="input"
              id="kernel"
              type="file"
              accept=".wasm,application/wasm"
              onChange={({ currentTarget }) => choose(currentTarget.files?.[0])}
            />
          </div>
          {looked && (
            <LookedAt
              looked={looked}
              granted={granted}
              onGrant={setGranted}
              onBlob={(blob, file) => setGiven({ ...given, [blob]: file })}
            />
          )}
        </section>
        {looked && (
          <section class="card" aria-labelledby="i">
            <h2 id="i">Inputs</h2>
            <div class="field">
              <label for="inputs">Files</label>
              <input
                class="input"
                id="inputs"
                type="file"
                multiple
                required
                onChange={({ currentTarget }) => setInputs([...(currentTarget.files ?? [])])}
              />
            </div>
            <fieldset class="field">
              <legend class="legend">What becomes a task</legend>
              {(
                [
                  ['files', 'Each file'],
                  ['lines', 'Each line that is not empty'],
                  ['fasta', 'Records that begin with ">", as many as fit into 16 KiB'],
                ] as const
              ).map(([value, label]) => (
                <label class="check">
                  <input type="radio" name="cut" checked={cut === value} onChange={() => setCut(value)} />
                  <span>{label}</span>
                </label>
              ))}
            </fieldset>
            <div class="field">
              <label for="name">Name of the job</label>
              <input
                class="input"
                id="name"
                maxLength={200}
                value={name}
                onInput={({ currentTarget }) => setName(currentTarget.value)}
              />
            </div>
            <div class="row">
              <button class="btn first" type="submit" aria-disabled={busy !== ''} aria-busy={busy !== ''}>
                Run
              </button>
              <span class="second" role="status">
                {busy}
              </span>
            </div>
          </section>
        )}
      </form>
    </>
  );
}

/** What a kernel is and asks for, read from its bytes before anything is sent. */
function LookedAt({
  looked,
  granted,
  onGrant,
  onBlob,
}: {
  readonly looked: Looked;
  readonly granted: readonly string[];
  readonly onGrant: (granted: readonly string[]) => void;
  readonly onBlob: (name: string, file: File) => void;
}): JSX.Element {
  const [blob, setBlob] = useState('');
  const [files, setFiles] = useState<readonly string[]>([]);
  const add = (file: File | undefined) => {
    if (!file || blob === '') return;
    onBlob(blob, file);
    setFiles([...files, `${blob}: ${file.name}, ${bytes(file.size)}`]);
  };
  return (
    <>
      <Facts
        rows={[
          ['Shape', looked.shape],
          ['Digest', <code>{looked.digest.slice(0, 16)}</code>],
          ['Size', bytes(looked.bytes.byteLength)],
          ['Memory at start', bytes(looked.memoryBytes)],
        ]}
      />
      <h3>What it asks for</h3>
      {looked.grants.length === 0 && <p class="second">Nothing: it sees its input and no more.</p>}
      {looked.grants.map((kind) => (
        <Check
          label={kind}
          checked={granted.includes(kind)}
          onChange={(on) => onGrant(on ? [...granted, kind] : granted.filter((each) => each !== kind))}
        />
      ))}
      {looked.grants.includes('blobs') && (
        <div class="two">
          <div class="field">
            <label for="blob">Name of a blob</label>
            <input class="input" id="blob" value={blob} onInput={({ currentTarget }) => setBlob(currentTarget.value)} />
          </div>
          <div class="field">
            <label for="blob-file">Its file</label>
            <input
              class="input"
              id="blob-file"
              type="file"
              onChange={({ currentTarget }) => add(currentTarget.files?.[0])}
            />
          </div>
        </div>
      )}
      {files.map((file) => (
        <p class="small second">{shown(file)}</p>
      ))}
    </>
  );
}
