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
  // By addresses, since places would be checked. Losses with a control beyond the border go to the end, the others to the front.
  const front = room.dataStart;
  const end = front + losses.byteLength;
  let inner = front;
  let outer = end;
  let mean: f64 = 0;
  let control = linear.dataStart;
  for (let at = losses.dataStart; inner < outer; at += 8) {
    const loss = load<f64>(at);
    const value = load<f64>(control);
    mean += loss - slope * value;
    if (value > border) {
      outer -= 8;
      store<f64>(outer, loss);
    } else {
      store<f64>(inner, loss);
      inner += 8;
    }
    control += 8;
  }
  sample.mean = mean / <f64>losses.length;
  const within = <i32>((inner - front) >> 3);
  const beyond = losses.length - within;
  const tail = 1 - confidence;
  const controlled = beyond > 0 && beyond < losses.length;
  const outerWeight = controlled ? tail / <f64>beyond : 1 / <f64>losses.length;
  const innerWeight = controlled ? confidence / <f64>within : outerWeight;

  // No more than these have the weight of the tail.
  sortTop(outer, end, <i32>min<f64>(tail / outerWeight + 2, beyond));
  sortTop(front, inner, <i32>min<f64>(tail / innerWeight + 2, within));
  // From the largest loss down, until there is as much weight as the tail has.
  let weight: f64 = 0;
  let sum: f64 = 0;
  let i = inner;
  let o = end;
  while (weight < tail && (i > front || o > outer)) {
    const isOuter = o > outer && (i == front || load<f64>(o - 8) >= load<f64>(i - 8));
    if (isOuter) o -= 8;
    else i -= 8;
    const loss = load<f64>(isOuter ? o : i);
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
