// The heads of a table's columns. In the console and in the volunteer's tab.
import type { JSX } from 'preact';

/** A column by its name; one of numbers stands to the right. */
export type Column = string | { readonly number: string };

export function Heads({ columns }: { readonly columns: readonly Column[] }): JSX.Element {
  return (
    <thead>
      <tr>
        {columns.map((column) =>
          typeof column === 'string' ? (
            <th key={column} scope="col">
              {column}
            </th>
          ) : (
            <th key={column.number} scope="col" class="num">
              {column.number}
            </th>
          ),
        )}
      </tr>
    </thead>
  );
}
