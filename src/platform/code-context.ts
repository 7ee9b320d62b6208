/**
 * Which code a space sees: a number that validity words of regions hold. Spaces that map the same objects executable at the same places, one
 * after the other in the same order, get the same number, so that what one of them has validated the others (the next run of the same
 * program, first of all) enter without a look. Whatever an object's pages do not tell (a private copy of a page, anonymous memory, a
 * mapping that went away) takes a space out of this tree, to a number of its own.
 */
import type { AddressSpace } from '../memory/address-space.ts';
import type { MemoryObject } from '../memory/memory-object.ts';
import { VM_EXEC } from '../memory/vma.ts';

/** Nodes of the tree at most; then it is begun anew, and what lives goes on with the numbers it has. */
const MAX_NODES = 8192;

export class CodeContext {
  /** What validity words of regions hold. */
  id: number;
  /** In the tree: any number of spaces may have it, also later. */
  readonly shared: boolean;
  /** Spaces that have it now: one, or those that fork has made from it and that have not changed since. */
  users = 1;
  /** By what is mapped next. */
  next: Map<string, CodeContext> | null = null;
  constructor(id: number, shared: boolean) {
    this.id = id;
    this.shared = shared;
  }
}

export class CodeContexts {
  private nextId = 1;
  private nodes = 0;
  private root: CodeContext = new CodeContext(this.number(), true);

  /** A number that no region has been validated for. */
  number(): number {
    return this.nextId++;
  }
  /** A context for one space (and its forks). */
  own(): CodeContext {
    return new CodeContext(this.number(), false);
  }

  /** The context of a space as it is mapped now. */
  of(space: AddressSpace): CodeContext {
    if (space.codeDiffers) return this.own();
    let at = this.root;
    for (let v = space.vmas.first; v !== null; v = v.next) {
      if (!(v.flags & VM_EXEC)) continue;
      if (v.object === null) return this.own();
      at = this.after(at, v.start, v.end, v.object, v.pageOffset);
    }
    at.users++;
    return at;
  }

  /** The context that `from`, one of the tree, becomes when [start, end) maps `object` executable from page `page` on. */
  after(from: CodeContext, start: number, end: number, object: MemoryObject, page: number): CodeContext {
    const key = `${object.id}:${start}:${end}:${page}`;
    const known = from.next?.get(key);
    if (known !== undefined) return known;
    if (++this.nodes > MAX_NODES) {
      this.nodes = 0;
      this.root = new CodeContext(this.number(), true);
    }
    const made = new CodeContext(this.number(), true);
    (from.next ??= new Map()).set(key, made);
    return made;
  }
}
