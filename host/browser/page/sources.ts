// What the browser tells of battery, visibility, data saver and processor. Where it tells nothing, nothing is assumed.
import type { Conditions } from './pauses.ts';

interface Battery extends EventTarget {
  readonly charging: boolean;
}

interface Tells {
  getBattery?(): Promise<Battery>;
  readonly connection?: EventTarget & { readonly saveData?: boolean };
}

interface Observer {
  observe(source: 'cpu', options: { sampleInterval: number }): Promise<void>;
}

type ObserverClass = new (hear: (records: readonly { readonly state: string }[]) => void) => Observer;

/** A processor that is asked for more than it can give, for so many samples one after the other. */
const PRESSURE_SAMPLES = 3;
const SAMPLE_MS = 2_000;

export function watchConditions(hear: (conditions: Partial<Conditions>) => void): void {
  const { connection } = navigator as Navigator & Tells;
  document.addEventListener('visibilitychange', () => hear({ hidden: document.hidden }));
  hear({ hidden: document.hidden });
  watchBattery(hear);
  const saver = () => hear({ saver: connection?.saveData === true });
  connection?.addEventListener?.('change', saver);
  saver();
  watchPressure(hear);
}

function watchBattery(hear: (conditions: Partial<Conditions>) => void): void {
  const tells = navigator as Navigator & Tells;
  tells.getBattery?.().then(
    (battery) => {
      const tell = () => hear({ battery: !battery.charging });
      battery.addEventListener('chargingchange', tell);
      tell();
    },
    () => undefined,
  );
}

function watchPressure(hear: (conditions: Partial<Conditions>) => void): void {
  const { PressureObserver } = globalThis as { PressureObserver?: ObserverClass };
  if (!PressureObserver) return;
  let critical = 0;
  const observer = new PressureObserver((records) => {
    for (const { state } of records) critical = state === 'critical' ? critical + 1 : 0;
    hear({ pressure: critical >= PRESSURE_SAMPLES });
  });
  observer.observe('cpu', { sampleInterval: SAMPLE_MS }).catch(() => undefined);
}
