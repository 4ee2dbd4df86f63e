// Light, dark or as the system has it; the choice is remembered.
import type { JSX } from 'preact';
import { Icon } from './icons.tsx';
import { recall, remember } from './memory.ts';

const THEMES = [
  ['auto', 'As the system', 'system'],
  ['light', 'Light', 'light'],
  ['dark', 'Dark', 'dark'],
] as const;

type Theme = (typeof THEMES)[number][0];

function show(theme: Theme): void {
  const { dataset } = document.documentElement;
  if (theme === 'auto') delete dataset['theme'];
  else dataset['theme'] = theme;
}

/** Shows what was chosen before; to be called before anything is drawn. */
export function recallTheme(): void {
  show(recall<Theme>('theme', 'auto'));
}

export function ThemeSwitch(): JSX.Element {
  const chosen = recall<Theme>('theme', 'auto');
  const choose = (next: Theme) => {
    show(next);
    remember('theme', next);
  };
  return (
    <fieldset class="seg theme">
      <legend class="unseen">Colours</legend>
      {THEMES.map(([value, label, icon]) => (
        <label title={label}>
          <Icon name={icon} size={14} />
          <span class="unseen">{label}</span>
          <input
            type="radio"
            name="theme"
            value={value}
            defaultChecked={chosen === value}
            onChange={() => choose(value)}
          />
        </label>
      ))}
    </fieldset>
  );
}
