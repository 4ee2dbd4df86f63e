// Controls and marks that several pages have: sliders, boxes, badges, facts, errors.
import type { ComponentChildren, CSSProperties, JSX } from 'preact';
import { Icon } from './icons.tsx';

export interface SliderProps {
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly text: (value: number) => string;
  readonly ends: readonly [string, string];
  readonly onChange: (value: number) => void;
}

/** Labels on a page differ. */
const idOf = (label: string) => `field-${label.replace(/\W+/g, '-')}`;

/** Acts while it is dragged. */
export function Slider({ label, value, min, max, step, text, ends, onChange }: SliderProps): JSX.Element {
  const id = idOf(label);
  const at = `${max > min ? ((value - min) / (max - min)) * 100 : 100}%`;
  return (
    <div class="slider">
      <label for={id}>{label}</label>
      <output for={id}>{text(value)}</output>
      <input
        id={id}
        type="range"
        min={min}
        max={max}
        step={step}
        value={value}
        style={{ '--at': at } as CSSProperties}
        aria-valuetext={text(value)}
        onInput={({ currentTarget }) => onChange(Number(currentTarget.value))}
      />
      <div class="ends">
        <span>{ends[0]}</span>
        <span>{ends[1]}</span>
      </div>
    </div>
  );
}

export function Check({
  label,
  checked,
  onChange,
}: {
  readonly label: string;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
}): JSX.Element {
  const id = idOf(label);
  return (
    <div class="check">
      <input
        type="checkbox"
        id={id}
        checked={checked}
        onChange={({ currentTarget }) => onChange(currentTarget.checked)}
      />
      <label for={id}>{label}</label>
    </div>
  );
}

/** State -> the badge's colour. The word says the same. */
const TONES: Readonly<Record<string, string>> = {
  running: 'lit',
  lending: 'lit',
  leased: 'lit',
  checking: 'done',
  provisional: 'done',
  done: 'done',
  disputed: 'split',
  failed: 'fail',
  banned: 'fail',
};

/** State -> the shape of its cell. */
export const CELLS: Readonly<Record<string, string>> = {
  leased: 'running',
  provisional: 'checking',
  banned: 'failed',
  open: 'running',
};

export function Badge({ state, word = state }: { readonly state: string; readonly word?: string }): JSX.Element {
  return (
    <span class={`badge ${TONES[state] ?? ''}`}>
      <i class={`cell ${CELLS[state] ?? state}`} aria-hidden="true" />
      {word}
    </span>
  );
}

export function Facts({
  rows,
  kind = '',
}: {
  readonly rows: readonly (readonly [name: string, value: ComponentChildren])[];
  readonly kind?: string;
}): JSX.Element {
  return (
    <dl class={`facts ${kind}`}>
      {rows.map(([name, value]) => (
        <div>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** What went wrong, why, and what to do; the code last. */
export function Problem({
  title,
  message,
  code,
  children,
}: {
  readonly title: string;
  readonly message: string;
  readonly code: string;
  readonly children?: ComponentChildren;
}): JSX.Element {
  return (
    <div class="error" role="alert">
      <h3>
        <Icon name="wrong" />
        {title}
      </h3>
      <p>{message}</p>
      {children}
      <code class="small">{code}</code>
    </div>
  );
}
