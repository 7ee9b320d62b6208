/** Seccomp filters: a chain of classic BPF programs, the newest first. Interpreter and rules in bpf.ts. */
export class SeccompFilter {
  readonly previous: SeccompFilter | null;
  /** Instructions as quadruples code, jt | jf << 8, k. */
  readonly program: Int32Array;
  readonly log: boolean;
  constructor(previous: SeccompFilter | null, program: Int32Array, log: boolean) {
    this.previous = previous;
    this.program = program;
    this.log = log;
  }
}
