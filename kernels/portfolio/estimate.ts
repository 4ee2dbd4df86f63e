// From losses to risk. Control variate is the loss to first order, whose distribution is known: losses are weighed so that as many of
// them as should be are beyond its quantile (Hesterberg and Nelson, "Control variates for probability and quantile estimation",
// Management Science 44 (1998), 1295), and the mean is moved by what the control's mean is off.
import { math } from 'lodger/kernel';
import { Estimate, Risk } from './book';
import { BATCHES } from './check';
import { sortTop } from './top';

/** Estimates from some of the paths. */
class Sample {
  mean: f64 = 0;
  valueAtRisk: f64 = 0;
  shortfall: f64 = 0;
}

/** Fills in estimates from all paths, and errors from how those of batches differ. */
export function estimate(risk: Risk, losses: Float64Array, linear: Float64Array, spread: f64, confidence: f64): void {
  const border = spread * math.normalQuantile(confidence);
  // The same factor for all batches, so that they stay independent of each other.
  const slope = slopeOf(losses, linear, spread);
  const size = losses.length / BATCHES;
  const room = new Float64Array(losses.length);
  for (let controlled = 0; controlled < 2; controlled++) {
    const factor = controlled == 1 ? slope : 0;
    const limit = controlled == 1 ? border : Infinity;
    const whole = sampleOf(losses, linear, factor, limit, confidence, room);
    const parts = new Array<Sample>(0);
    for (let at = 0; at < losses.length; at += size) {
      const batch = losses.subarray(at, at + size);
      parts.push(sampleOf(batch, linear.subarray(at, at + size), factor, limit, confidence, room));
    }
    put(controlled == 1 ? risk.expectedLoss : risk.plainExpectedLoss, whole, parts, 0);
    put(controlled == 1 ? risk.valueAtRisk : risk.plainValueAtRisk, whole, parts, 1);
    put(controlled == 1 ? risk.expectedShortfall : risk.plainExpectedShortfall, whole, parts, 2);
  }
}

function slopeOf(losses: Float64Array, linear: Float64Array, spread: f64): f64 {
  if (spread == 0) return 0;
  let both: f64 = 0;
  for (let i = 0; i < losses.length; i++) both += losses[i] * linear[i];
  return both / (<f64>losses.length * spread * spread);
}

/** Losses whose control is beyond the border have one weight, the others another; without a border, all have the same. Sorts them in `room`. */
function sampleOf(
  losses: Float64Array,
  linear: Float64Array,
  slope: f64,
  border: f64,
  confidence: f64,
  room: Float64Array,
): Sample {
  const sample = new Sample();
  let mean: f64 = 0;
  let beyond = 0;
  for (let i = 0; i < losses.length; i++) {
    mean += losses[i] - slope * linear[i];
    beyond += <i32>(linear[i] > border);
  }
  sample.mean = mean / <f64>losses.length;
  const inner = room.subarray(0, losses.length - beyond);
  const outer = room.subarray(losses.length - beyond, losses.length);
  let toOuter = outer.dataStart;
  let toInner = inner.dataStart;
  for (let i = 0; i < losses.length; i++) {
    if (linear[i] > border) {
      store<f64>(toOuter, losses[i]);
      toOuter += 8;
    } else {
      store<f64>(toInner, losses[i]);
      toInner += 8;
    }
  }
  const tail = 1 - confidence;
  const controlled = beyond > 0 && beyond < losses.length;
  const outerWeight = controlled ? tail / <f64>beyond : 1 / <f64>losses.length;
  const innerWeight = controlled ? confidence / <f64>inner.length : outerWeight;

  // No more than these have the weight of the tail.
  sortTop(outer.dataStart, outer.dataStart + outer.byteLength, <i32>min<f64>(tail / outerWeight + 2, beyond));
  sortTop(inner.dataStart, inner.dataStart + inner.byteLength, <i32>min<f64>(tail / innerWeight + 2, inner.length));
  // From the largest loss down, until there is as much weight as the tail has.
  let weight: f64 = 0;
  let sum: f64 = 0;
  let i = inner.length - 1;
  let o = beyond - 1;
  while (weight < tail && (i >= 0 || o >= 0)) {
    const isOuter = o >= 0 && (i < 0 || outer[o] >= inner[i]);
    const loss = isOuter ? outer[o--] : inner[i--];
    const each = min(isOuter ? outerWeight : innerWeight, tail - weight);
    weight += each;
    sum += each * loss;
    sample.valueAtRisk = loss;
  }
  sample.shortfall = sum / weight;
  return sample;
}

function put(estimate: Estimate, whole: Sample, parts: Sample[], which: i32): void {
  estimate.value = pick(whole, which);
  let mean: f64 = 0;
  for (let i = 0; i < parts.length; i++) mean += pick(parts[i], which) / <f64>parts.length;
  let square: f64 = 0;
  for (let i = 0; i < parts.length; i++) square += (pick(parts[i], which) - mean) * (pick(parts[i], which) - mean);
  estimate.error = Math.sqrt(square / <f64>(parts.length * (parts.length - 1)));
}

function pick(sample: Sample, which: i32): f64 {
  return which == 0 ? sample.mean : which == 1 ? sample.valueAtRisk : sample.shortfall;
}
