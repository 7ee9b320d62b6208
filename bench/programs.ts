/** The programs whose whole-process time is compared: each half a second or longer natively, so that start-up does not decide. */
export interface BenchProgram {
  readonly name: string;
  readonly packages: readonly string[];
  /** KERNELS, TEXT, BIG_C and VIRTUAL stand for files that the run prepares. */
  readonly argv: readonly string[];
}

const python = (code: string): string[] => ['/usr/bin/python3', '-c', code];
const bash = (code: string): string[] => ['/bin/bash', '-c', code];

export const PROGRAMS: readonly BenchProgram[] = [
  ...['sieve', 'calls', 'chase', 'matmul', 'strings', 'switch', 'x87', 'malloc'].map((k) => ({ name: k, packages: ['gcc'], argv: ['KERNELS', k] })),
  { name: 'python-loop', packages: ['python3'], argv: python('s=0\nfor i in range(6000000): s+=i%7\nprint(s)') },
  { name: 'python-dict', packages: ['python3'], argv: python('d={}\nfor i in range(1200000): d[i*7919%100003]=d.get(i%100003,0)+i\nprint(sum(d.values()))') },
  { name: 'python-float', packages: ['python3'], argv: python('x=0.5\nfor i in range(4000000): x=x*3.7*(1.0-x)\nprint(x)') },
  { name: 'python-regex', packages: ['python3'], argv: python('import re\nt=open("TEXT").read()[:6000000]\nprint(len(re.findall(r"(\\d)\\1[^\\n]*?([a-j])\\2{3}",t)))') },
  { name: 'gzip', packages: ['gzip'], argv: ['/bin/gzip', '-6', '-c', 'TEXT'] },
  { name: 'xz', packages: ['xz-utils'], argv: ['/usr/bin/xz', '-1', '-T1', '-c', 'TEXT'] },
  { name: 'sha256sum', packages: ['coreutils'], argv: ['/usr/bin/sha256sum', 'TEXT', 'TEXT', 'TEXT', 'TEXT', 'TEXT', 'TEXT'] },
  { name: 'sort', packages: ['coreutils'], argv: ['/usr/bin/sort', '--parallel=1', '-k2n', 'TEXT'] },
  { name: 'gawk', packages: ['gawk'], argv: ['/usr/bin/gawk', '{n[$2%1000]+=$1; l+=length($3)} END {for (k in n) s+=n[k]; print s, l}', 'TEXT'] },
  { name: 'perl', packages: ['perl'], argv: ['/usr/bin/perl', '-ne', '$n{$1}++ if /(\\d+) ([a-j]+)$/; END {print scalar(keys %n)}', 'TEXT'] },
  { name: 'sqlite3', packages: ['sqlite3'], argv: ['/usr/bin/sqlite3', ':memory:', 'create table t(a integer primary key,b text);with recursive n(i) as (select 1 union all select i+1 from n where i<400000) insert into t select i,printf("%x",i*7919) from n;create index x on t(b);select count(*),max(b) from t where b like "%7%";select sum(a) from t join (select b from t where a%10=0) using(b);'] },
  { name: 'gcc', packages: ['gcc'], argv: ['/usr/bin/gcc', '-O2', '-w', '-c', 'BIG_C', '-o', '/dev/null'] },
  { name: 'bash-arithmetic', packages: ['bash'], argv: bash('for ((i=0;i<250000;i++)); do x=${i#1}; ((s+=i)); done; echo $s') },
  { name: 'bash-forks', packages: ['bash'], argv: bash('for ((i=0;i<600;i++)); do x=$(echo $i | cat); done; echo $x') },
  { name: 'c++-virtual', packages: ['g++'], argv: ['VIRTUAL'] },
  { name: 'lua', packages: ['lua5.4'], argv: ['/usr/bin/lua5.4', '-e', 'local function f(n) if n<2 then return n end return f(n-1)+f(n-2) end print(f(33))'] },
];

/** Start-up: programs that end at once, timed beyond an empty Node. */
export const START: readonly BenchProgram[] = [
  { name: 'true', packages: ['coreutils'], argv: ['/bin/true'] },
  { name: 'bash', packages: ['bash'], argv: ['/bin/bash', '-c', 'true'] },
  { name: 'python3', packages: ['python3'], argv: ['/usr/bin/python3', '-c', 'pass'] },
  { name: 'perl', packages: ['perl'], argv: ['/usr/bin/perl', '-e', '1'] },
  { name: 'git', packages: ['git'], argv: ['/usr/bin/git', '--version'] },
  { name: 'gcc', packages: ['gcc'], argv: ['/usr/bin/gcc', '--version'] },
];
