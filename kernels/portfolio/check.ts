// Refuses books that mean nothing, with the path of what is wrong.
import { fail } from 'lodger/kernel';
import { Book } from './book';

const ASSETS_MAX = 256;
const POSITIONS_MAX = 65536;
const PATHS_MAX = 8388608;

/** Batches of paths by which errors are told; each batch has whole pairs of paths. */
export const BATCHES = 20;

export function check(book: Book): void {
  const assets = book.spots.length;
  if (assets < 1 || assets > ASSETS_MAX) fail('"spots" must be from 1 to ' + ASSETS_MAX.toString());
  if (book.volatilities.length != assets) fail('"volatilities" must be as many as "spots"');
  if (book.correlation.length != assets * assets)
    fail('"correlation" must have a row and a column for each of "spots"');
  for (let i = 0; i < assets; i++) {
    within('spots[' + i.toString() + ']', book.spots[i], 1e-9, 1e12);
    within('volatilities[' + i.toString() + ']', book.volatilities[i], 1e-6, 10);
    if (book.correlation[i * assets + i] != 1) fail('"correlation" must have ones on its diagonal');
    for (let j = 0; j < i; j++) {
      if (book.correlation[i * assets + j] != book.correlation[j * assets + i]) fail('"correlation" must be symmetric');
    }
  }
  within('rate', book.rate, -1, 1);
  within('horizon', book.horizon, 1e-6, 100);
  within('confidence', book.confidence, 0.5, 0.9999);
  within('first', book.first, 0, 1e15);
  if (book.first != Math.floor(book.first)) fail('"first" must be a whole number');
  if (book.paths < 1000 || book.paths > PATHS_MAX || book.paths % (2 * BATCHES) != 0) {
    fail('"paths" must be from 1000 to ' + PATHS_MAX.toString() + ', and a multiple of ' + (2 * BATCHES).toString());
  }
  if (book.positions.length > POSITIONS_MAX) fail('"positions" must be at most ' + POSITIONS_MAX.toString());
  for (let i = 0; i < book.positions.length; i++) {
    const position = book.positions[i];
    const name = 'positions[' + i.toString() + '].';
    if (position.asset < 0 || position.asset >= assets) fail('"' + name + 'asset" must be a place in "spots"');
    if (position.kind != 'call' && position.kind != 'put') fail('"' + name + 'kind" must be call or put');
    within(name + 'strike', position.strike, 1e-9, 1e12);
    within(name + 'years', position.years, book.horizon, 100);
    within(name + 'quantity', position.quantity, -1e12, 1e12);
  }
}

function within(name: string, value: f64, least: f64, most: f64): void {
  if (!(value >= least && value <= most))
    fail('"' + name + '" must be from ' + least.toString() + ' to ' + most.toString());
}
