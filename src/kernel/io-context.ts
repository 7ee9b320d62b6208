/** What tasks that share their I/O have together: Linux struct io_context. Made when somebody sets a priority; CLONE_IO shares it. */
export class IoContext {
  /** ioprio_set(2): class << 13 | level. */
  priority: number;
  constructor(priority: number) {
    this.priority = priority;
  }
}
