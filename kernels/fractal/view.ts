// What a task asks for: which part of the plane, in how many points, and which of their rows.
import { fail, Settings } from 'lodger/kernel';

/** Iterations between two looks at the points. */
export const GROUP = 8;
/** Square of the radius at which a point counts as gone: so large that the smooth count has no steps. */
export const FAR: f64 = 65536.0;

/** Rows and columns count from the upper left. */
export class View {
  width: i32 = 0;
  height: i32 = 0;
  iterations: i32 = 0;
  from: i32 = 0;
  rows: i32 = 0;
  left: f64 = 0;
  top: f64 = 0;
  /** From one point to the next. */
  pitch: f64 = 0;
}

/** Fails by name of the setting. */
export function readView(settings: Settings): View {
  const view = new View();
  view.width = settings.integer('width', 1, 16384);
  view.height = settings.integer('height', 1, 16384);
  view.iterations = settings.integerOr('iterations', 1024, 1, 16777216);
  const centre = settings.numbers('centre', 2);
  if (!(Math.abs(centre[0]) <= 4 && Math.abs(centre[1]) <= 4)) fail('setting "centre" must be from -4 to 4 both ways');
  view.pitch = settings.number('span', 1e-12, 8) / <f64>view.width;
  view.left = centre[0] - 0.5 * view.pitch * <f64>(view.width - 1);
  view.top = centre[1] + 0.5 * view.pitch * <f64>(view.height - 1);
  view.rows = view.height;
  if (settings.has('rows')) {
    const rows = settings.numbers('rows', 2);
    view.from = <i32>rows[0];
    view.rows = <i32>rows[1];
    const fits = <f64>view.from == rows[0] && <f64>view.rows == rows[1] && view.from >= 0 && view.rows > 0;
    if (!fits || view.from + view.rows > view.height)
      fail('setting "rows": first row and count must lie in the picture');
  }
  return view;
}
