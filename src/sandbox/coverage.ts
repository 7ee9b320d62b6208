/** The coverage of system calls, from the one table. */
import { SYSCALL_NAMES } from '../abi/syscall-numbers.ts';
import { SYSCALL_ROWS } from '../syscalls/table.ts';

export interface CoverageRow {
  readonly number: number;
  readonly name: string;
  readonly support: 'full' | 'partial' | 'none';
  /** Type words of the arguments. */
  readonly args: string;
}

export function syscallCoverage(): CoverageRow[] {
  const rows: CoverageRow[] = [];
  SYSCALL_NAMES.forEach((name, number) => {
    if (name === undefined || name === null || name === '') return;
    const row = SYSCALL_ROWS[number] ?? null;
    rows.push({ number, name, support: row === null ? 'none' : row[3], args: row === null ? '' : row[2].split('=')[0] ?? '' });
  });
  return rows;
}
