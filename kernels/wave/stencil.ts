// The second derivative from nine points in a line, of eighth order: Fornberg, Mathematics of Computation 51 (1988), 699, table 1.

/** Weight of the point itself and of those 1 to 4 away, on both sides. */
export const WEIGHT_0 = -205.0 / 72.0;
export const WEIGHT_1 = 8.0 / 5.0;
export const WEIGHT_2 = -1.0 / 5.0;
export const WEIGHT_3 = 8.0 / 315.0;
export const WEIGHT_4 = -1.0 / 560.0;

/** Points on each side. */
export const REACH = 4;

/** Largest eigenvalue in two dimensions, that of a field which changes sign from point to point: there all weights add up. */
export const EIGENVALUE_MAX = 2 * (-WEIGHT_0 + 2 * (WEIGHT_1 - WEIGHT_2 + WEIGHT_3 - WEIGHT_4));
