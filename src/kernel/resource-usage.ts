/** Counters of getrusage: times in ns. */
export class ResourceUsage {
  utime = 0;
  stime = 0;
  minflt = 0;
  majflt = 0;
  nvcsw = 0;
  nivcsw = 0;
  inblock = 0;
  oublock = 0;
  /** Bytes through read and write calls, and those calls (/proc/PID/io). */
  readChars = 0;
  writtenChars = 0;
  readCalls = 0;
  writeCalls = 0;
  /** Largest resident set, KiB. */
  maxrss = 0;
  add(o: ResourceUsage): void {
    this.utime += o.utime;
    this.stime += o.stime;
    this.minflt += o.minflt;
    this.majflt += o.majflt;
    this.nvcsw += o.nvcsw;
    this.nivcsw += o.nivcsw;
    this.inblock += o.inblock;
    this.oublock += o.oublock;
    this.readChars += o.readChars;
    this.writtenChars += o.writtenChars;
    this.readCalls += o.readCalls;
    this.writeCalls += o.writeCalls;
    if (o.maxrss > this.maxrss) this.maxrss = o.maxrss;
  }
}
