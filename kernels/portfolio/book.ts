// What a task takes and gives. Money is in one currency, time in years, volatilities and rates by year.

/** A number of European options of one kind. */
export class Position {
  /** Place of the asset in `spots`. */
  asset: i32;
  /** `call` or `put`. */
  kind: string;
  strike: f64;
  /** Until it ends, from today. */
  years: f64;
  /** Below 0 if it was sold. */
  quantity: f64;
}

export class Book {
  spots: Float64Array;
  volatilities: Float64Array;
  /** Of the logarithms of prices: a symmetric matrix, row after row, with ones on its diagonal. */
  correlation: Float64Array;
  rate: f64;
  positions: Position[];
  /** How far ahead the loss is looked at. */
  horizon: f64;
  /** Losses are below the value at risk with this probability. */
  confidence: f64 = 0.99;
  paths: i32;
  /** Names a stream of random numbers, and the first pair of paths in it: tasks of one job take different ones. */
  seed: u32 = 1;
  first: f64 = 0;
}

/** An estimate, and its standard error. */
export class Estimate {
  value: f64 = 0;
  error: f64 = 0;
}

export class Risk {
  /** Of the book today, by Black and Scholes. */
  value: f64 = 0;
  expectedLoss: Estimate = new Estimate();
  valueAtRisk: Estimate = new Estimate();
  expectedShortfall: Estimate = new Estimate();
  /** The same estimates from the same paths without control variates: what those are worth. */
  plainExpectedLoss: Estimate = new Estimate();
  plainValueAtRisk: Estimate = new Estimate();
  plainExpectedShortfall: Estimate = new Estimate();
  paths: i32 = 0;
}
