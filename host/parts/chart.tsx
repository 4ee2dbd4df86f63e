// A line over time, with the same figures in words for those who cannot see it.
import type { JSX } from 'preact';

export interface ChartProps {
  /** What is drawn, the oldest first; null where there was nothing to measure. */
  readonly values: readonly (number | null)[];
  /** What one sees, as a sentence. */
  readonly label: string;
  readonly text: (value: number) => string;
  readonly from: string;
  readonly to: string;
}

/** The least of 1, 2 and 5 times a power of ten that is not below. */
function niceMax(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}

export function Chart({ values, label, text, from, to }: ChartProps): JSX.Element {
  const max = niceMax(Math.max(0, ...values.map((value) => value ?? 0)));
  const x = (index: number) => (values.length > 1 ? (index / (values.length - 1)) * 100 : 100);
  const points = values.map(
    (value, index) => `${x(index).toFixed(2)} ${(100 - ((value ?? 0) / max) * 100).toFixed(2)}`,
  );
  const line = points.length > 0 ? `M${points.join('L')}` : '';
  const width = values.length > 1 ? 100 / (values.length - 1) : 0;
  return (
    <div class="plot">
      <div class="y" aria-hidden="true">
        <span>{text(max)}</span>
        <span>{text(max / 2)}</span>
        <span>0</span>
      </div>
      <svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label={label}>
        {values.map((value, index) =>
          value === null ? (
            <rect class="gap" x={Math.max(0, x(index) - width)} y="0" width={width} height="100" />
          ) : null,
        )}
        <path class="grid" d="M0 0H100" />
        <path class="grid" d="M0 50H100" />
        <path class="base" d="M0 100H100" />
        {line && <path class="area" d={`${line}L100 100L0 100Z`} />}
        {line && <path class="line" d={line} />}
      </svg>
      <div class="x" aria-hidden="true">
        <span>{from}</span>
        <span>{to}</span>
      </div>
    </div>
  );
}
