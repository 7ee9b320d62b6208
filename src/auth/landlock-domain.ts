/** What Landlock denies a task and its descendants: layers of rules, each stricter than those before. Linux 6.18 security/landlock/ruleset.h, domain.c. */

/** One restriction: rights that are denied where no rule grants them. Never changed once a task is under it. */
export class LandlockLayer {
  /** Rights on files that it denies (ACCESS_FS_), on TCP ports (ACCESS_NET_), and what it keeps inside the domain (SCOPE_). */
  readonly handledFs: number;
  readonly handledNet: number;
  readonly scoped: number;
  /** Rights granted below an inode (the vfs's object), and on a port. */
  readonly paths: Map<object, number>;
  readonly ports: Map<number, number>;
  constructor(handledFs: number, handledNet: number, scoped: number, paths: Map<object, number>, ports: Map<number, number>) {
    this.handledFs = handledFs;
    this.handledNet = handledNet;
    this.scoped = scoped;
    this.paths = paths;
    this.ports = ports;
  }
}

/** The layers a task is under, the oldest first. */
export class LandlockDomain {
  readonly layers: readonly LandlockLayer[];
  constructor(layers: readonly LandlockLayer[]) {
    this.layers = layers;
  }

  /** True if a layer denies `access` on TCP port `port`. */
  deniesPort(port: number, access: number): boolean {
    return this.layers.some((l) => (l.handledNet & access) !== 0 && ((l.ports.get(port) ?? 0) & access) === 0);
  }
  /** True if `scope` keeps a task of this domain from reaching one of `other` (null: under no restriction). Linux domain_is_scoped(). */
  isScoped(other: LandlockDomain | null, scope: number): boolean {
    return this.layers.some((l, i) => (l.scoped & scope) !== 0 && other?.layers[i] !== l);
  }
  /** True if `other` is this domain or below it: it may be traced from here (Linux domain_scope_le). */
  covers(other: LandlockDomain | null): boolean {
    return this.layers.every((l, i) => other?.layers[i] === l);
  }
}
