/** What the kinds of namespace have in common: an owner, a number, a count of holders. Linux struct ns_common. */
import type { UserCounts } from './user-counts.ts';
import type { UserNamespace } from './user-namespace.ts';

/** Holders are tasks' sets of namespaces, open files and bind mounts of it, and what exists inside it. The last one ends the namespace. */
export abstract class Namespace {
  /** The user namespace that owns it. */
  readonly userNs: UserNamespace;
  /** Inode number of /proc/PID/ns/KIND; 0: it is in no list (a detached tree of mounts). */
  readonly inum: number;
  /** Never reused number among all namespaces (ns_id). */
  readonly id: number;
  /** Who is charged for it, and as what; null for the initial namespaces. */
  private charged: UserCounts | null = null;
  private chargedKind = 0;
  users = 1;
  constructor(userNs: UserNamespace, inum: number) {
    this.userNs = userNs;
    this.inum = inum;
    this.id = inum === 0 ? 0 : userNs.registry.add(this);
  }
  /** Gives the charge back when the namespace ends. */
  chargeTo(counts: UserCounts, kind: number): void {
    this.charged = counts;
    this.chargedKind = kind;
    this.userNs.get();
  }
  get(): void {
    this.users++;
  }
  put(): void {
    if (--this.users > 0) return;
    this.userNs.registry.remove(this.id);
    this.end();
    if (this.charged === null) return;
    this.charged.uncharge(this.chargedKind);
    this.charged = null;
    this.userNs.put();
  }
  /** Nobody holds it any more. */
  protected end(): void {}
}
