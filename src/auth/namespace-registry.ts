/** The namespaces that exist, by the number that is never used again. Linux kernel/nstree.c. */
import type { Namespace } from './namespace.ts';
import type { UserNamespace } from './user-namespace.ts';

export class NamespaceRegistry {
  private lastId = 0;
  /** In the order they were made, which is that of their numbers. */
  private readonly byId: Map<number, Namespace | UserNamespace> = new Map();

  /** The root of all user namespaces. */
  initialUserNs!: UserNamespace;

  /** Gives `ns` the next number. */
  add(ns: Namespace | UserNamespace): number {
    this.byId.set(++this.lastId, ns);
    return this.lastId;
  }
  remove(id: number): void {
    this.byId.delete(id);
  }
  find(id: number): Namespace | UserNamespace | undefined {
    return this.byId.get(id);
  }
  /** Oldest first. */
  all(): IterableIterator<Namespace | UserNamespace> {
    return this.byId.values();
  }
}
