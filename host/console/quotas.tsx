// What an account uses of its quotas, and the form that changes them.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Facts } from '../parts/controls.tsx';
import { bytes, short } from '../parts/format.ts';
import type { AccountStatus } from '../wire/answers.ts';

type Values = AccountStatus['quotas'];

/** Each quota, what is used of it, what it is called, and how figures of it are written. */
const QUOTAS = [
  { name: 'tasksQueued', used: 'Tasks queued', most: 'Tasks queued at most', text: short },
  { name: 'storedBytes', used: 'Stored', most: 'Bytes stored at most', text: bytes },
  { name: 'fuelPerDay', used: 'Fuel today', most: 'Fuel a day at most', text: short },
] as const satisfies readonly { readonly name: keyof Values; readonly [other: string]: unknown }[];

export function Quotas({
  account: { id, quotas, used },
  onChange,
}: {
  readonly account: AccountStatus;
  readonly onChange: (quotas: Values) => void;
}): JSX.Element {
  const [edited, setEdited] = useState<Values>();
  const save = (event: Event) => {
    event.preventDefault();
    if (edited) onChange(edited);
    setEdited(undefined);
  };
  return (
    <div class="pad stack">
      <Facts
        rows={QUOTAS.map(({ name, used: label, text }) => [label, `${text(used[name])} of ${text(quotas[name])}`])}
      />
      {!edited ? (
        <div class="row">
          <button class="btn" type="button" onClick={() => setEdited(quotas)}>
            Change quotas
          </button>
        </div>
      ) : (
        <form class="stack" onSubmit={save}>
          {QUOTAS.map(({ name, most }) => (
            <div class="field" key={name}>
              <label for={`${id}-${name}`}>{most}</label>
              <input
                class="input"
                id={`${id}-${name}`}
                type="number"
                min={0}
                max={Number.MAX_SAFE_INTEGER}
                step={1}
                required
                value={edited[name]}
                onInput={({ currentTarget }) => setEdited({ ...edited, [name]: currentTarget.valueAsNumber })}
              />
            </div>
          ))}
          <div class="row">
            <button class="btn first" type="submit">
              Save quotas
            </button>
            <button class="btn plain" type="button" onClick={() => setEdited(undefined)}>
              Leave them
            </button>
          </div>
        </form>
      )}
    </div>
  );
}
