// What an account uses of its quotas, and the form that changes them.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Facts } from '../parts/controls.tsx';
import { bytes, short } from '../parts/format.ts';
import type { AccountStatus } from '../wire/answers.ts';

type Values = AccountStatus['quotas'];

/** Each quota, what it is called, and how its figures are written. */
const QUOTAS: readonly (readonly [name: keyof Values, label: string, text: (value: number) => string])[] = [
  ['tasksQueued', 'Tasks queued', short],
  ['storedBytes', 'Stored', bytes],
  ['fuelPerDay', 'Fuel today', short],
];
const FIELDS: Readonly<Record<keyof Values, string>> = {
  tasksQueued: 'Tasks queued at most',
  storedBytes: 'Bytes stored at most',
  fuelPerDay: 'Fuel a day at most',
};

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
      <Facts rows={QUOTAS.map(([name, label, text]) => [label, `${text(used[name])} of ${text(quotas[name])}`])} />
      {!edited ? (
        <div class="row">
          <button class="btn" type="button" onClick={() => setEdited(quotas)}>
            Change quotas
          </button>
        </div>
      ) : (
        <form class="stack" onSubmit={save}>
          {QUOTAS.map(([name]) => (
            <div class="field" key={name}>
              <label for={`${id}-${name}`}>{FIELDS[name]}</label>
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
