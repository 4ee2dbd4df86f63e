// The pictures of pages: lines in the colour of the text around them. A word stands beside each of them.
import type { JSX } from 'preact';

const PATHS = {
  system: ['M8 2.5v11a5.5 5.5 0 0 0 0-11z', 'M8 2.5a5.5 5.5 0 0 0 0 11'],
  light: [
    'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6',
    'M8 1v2M8 13v2M1 8h2M13 8h2M3 3l1.4 1.4M11.6 11.6 13 13M13 3l-1.4 1.4M4.4 11.6 3 13',
  ],
  dark: ['M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5z'],
  tick: ['m3 8.5 3.5 3.5L13 4.5'],
  lock: ['M3 7h10v7H3z', 'M5 7V5a3 3 0 0 1 6 0v2'],
  pause: ['M5.5 3v10M10.5 3v10'],
  resume: ['M5 3.5v9l7.5-4.5z'],
  leave: ['M6 3H3v10h3M7 8h7M11 5l3 3-3 3'],
  wrong: ['M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2', 'm5.8 5.8 4.4 4.4M10.2 5.8l-4.4 4.4'],
  info: ['M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2', 'M8 7.2V11M8 5v.2'],
  screen: ['M1.5 2.5h13V11h-13z', 'M8 11v2.5M5 13.5h6'],
  tab: ['M1.5 6h13v7.5h-13zM1.5 6V3h5l1.2 3'],
  away: ['M2 2l12 12M4 6.5a6 6 0 0 1 2-1.2M10 5.3a6 6 0 0 1 2.5 1.5M6.2 9.3a3 3 0 0 1 3.5.1M8 12v.2'],
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }): JSX.Element {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      stroke-width={name === 'pause' ? 2.5 : 1.5}
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      {PATHS[name].map((path, index) => (
        <path d={path} {...(name === 'system' && index === 0 && { fill: 'currentColor' })} />
      ))}
    </svg>
  );
}

/** The mark of the project: a house with one lit window. */
export function Mark({ size = 30 }: { readonly size?: number }): JSX.Element {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      <path
        d="M4.5 13.6 16 4.2l11.5 9.4V28h-23z"
        fill="none"
        stroke="currentColor"
        stroke-width="2.5"
        stroke-linejoin="round"
      />
      <g fill="currentColor">
        <path d="M9.5 14.5h5v4.6h-5zM17.5 14.5h5v4.6h-5zM9.5 21h5v4h-5z" opacity=".28" />
      </g>
      <path class="lit" d="M17.5 21h5v7h-5z" />
    </svg>
  );
}
