/**
 * Shape of a region's control-flow graph, as structured control flow needs it: reverse postorder, dominator tree, loop headers and merge
 * nodes (N. Ramsey, "Beyond Relooper", ICFP 2022). What is not reducible, and indirect jumps, go through one dispatch node that becomes
 * the root.
 */
import type { RegionCode } from './region-code.ts';

/** Blocks that are copied to make loops reducible: how many, instructions of one, of all. */
const MAX_COPIES = 32, MAX_COPIED_BLOCK = 24, MAX_COPIED_INSNS = 160;

export class ControlFlow {
  /** Nodes are blocks; node `dispatch` (behind all of them) exists if `dispatch >= 0`. */
  dispatch = -1;
  nodeCount = 0;
  root = 0;
  /** Blocks the dispatch node goes to, in br_table order; entry first. */
  readonly dispatchTargets: number[] = [];
  /** Edges that go to the dispatch node instead of to the block: of node n, bit 0 = taken, bit 1 = fall. */
  viaDispatch: Uint8Array = new Uint8Array(512);
  /** Reverse postorder number of a node, -1 if unreachable; and the nodes in that order. */
  rpo: Int32Array = new Int32Array(512);
  order: Int32Array = new Int32Array(512);
  orderCount = 0;
  idom: Int32Array = new Int32Array(512);
  isLoop: Uint8Array = new Uint8Array(512);
  isMerge: Uint8Array = new Uint8Array(512);
  /** Children in the dominator tree that are merge nodes, by decreasing reverse postorder number: list heads and links. */
  mergeChild: Int32Array = new Int32Array(512);
  mergeNext: Int32Array = new Int32Array(512);
  hasLoops = false;
  private stack: Int32Array = new Int32Array(1024);
  private state: Int32Array = new Int32Array(512);
  /** Predecessors as linked lists of edges. */
  private predHead: Int32Array = new Int32Array(512);
  private predNext: Int32Array = new Int32Array(2048);
  private predNode: Int32Array = new Int32Array(2048);
  private predCount = 0;
  private inDispatch: Uint8Array = new Uint8Array(512);

  private size(n: number): void {
    if (n <= this.rpo.length) return;
    const m = n * 2;
    this.viaDispatch = new Uint8Array(m);
    this.rpo = new Int32Array(m);
    this.order = new Int32Array(m);
    this.idom = new Int32Array(m);
    this.isLoop = new Uint8Array(m);
    this.isMerge = new Uint8Array(m);
    this.mergeChild = new Int32Array(m);
    this.mergeNext = new Int32Array(m);
    this.stack = new Int32Array(m * 2);
    this.state = new Int32Array(m);
    this.predHead = new Int32Array(m);
    this.inDispatch = new Uint8Array(m);
  }

  analyse(code: RegionCode): void {
    // Room for copies of blocks in front of the dispatch node.
    const n = code.blockCount + MAX_COPIES;
    this.size(n + 1);
    this.viaDispatch.fill(0, 0, n + 1);
    this.inDispatch.fill(0, 0, n + 1);
    this.dispatchTargets.length = 0;
    this.dispatch = -1;
    this.nodeCount = n;
    this.root = 0;
    if (code.indirectTargets.length > 0) {
      this.addDispatch(n);
      for (const t of code.indirectTargets) this.addTarget(t);
    }
    let insns = MAX_COPIED_INSNS;
    for (let copies = 0; ; copies++) {
      this.number(code);
      this.dominators(code);
      const copied = copies < MAX_COPIES ? this.splitIrreducible(code, insns) : 0;
      if (copied === 0) break;
      insns -= copied;
    }
    while (this.redirectIrreducible(code, n)) {
      this.number(code);
      this.dominators(code);
    }
    this.shape(code);
  }

  private addDispatch(blocks: number): void {
    this.dispatch = blocks;
    this.nodeCount = blocks + 1;
    this.root = this.dispatch;
    this.addTarget(0);
  }

  private addTarget(b: number): void {
    if (this.inDispatch[b] !== 0) return;
    this.inDispatch[b] = 1;
    this.dispatchTargets.push(b);
  }

  /** Position of block `b` in the dispatch table. */
  dispatchIndex(b: number): number {
    return this.dispatchTargets.indexOf(b);
  }

  /** Successor k of a node with redirections applied; -1 if there is none. */
  private successor(code: RegionCode, node: number, k: number): number {
    if (node === this.dispatch) return k < this.dispatchTargets.length ? this.dispatchTargets[k]! : -1;
    if (k === 0) {
      const t = code.taken[node]!;
      return t >= 0 && this.viaDispatch[node]! & 1 ? this.dispatch : t;
    }
    if (k === 1) {
      const t = code.fall[node]!;
      return t >= 0 && this.viaDispatch[node]! & 2 ? this.dispatch : t;
    }
    return -1;
  }

  /** Depth-first search: reverse postorder. */
  private number(code: RegionCode): void {
    const { rpo, order, stack, state } = this;
    const n = this.nodeCount;
    rpo.fill(-1, 0, n);
    state.fill(0, 0, n);
    let sp = 0;
    let post = n;
    stack[sp++] = this.root;
    rpo[this.root] = 0;
    while (sp > 0) {
      const node = stack[sp - 1]!;
      const k = state[node]!++;
      const s = this.successor(code, node, k);
      if (s < 0 && (k > 0 || node === this.dispatch || code.taken[node]! < 0)) {
        sp--;
        order[--post] = node;
        continue;
      }
      if (s >= 0 && rpo[s] === -1) {
        rpo[s] = 0;
        stack[sp++] = s;
      }
    }
    // order[post..n-1] holds the reachable nodes.
    const count = n - post;
    for (let i = 0; i < count; i++) {
      const node = order[post + i]!;
      order[i] = node;
      rpo[node] = i;
    }
    this.orderCount = count;
  }

  private addPred(to: number, from: number): void {
    const e = this.predCount++;
    if (e === this.predNext.length) {
      const wider = (old: Int32Array): Int32Array => {
        const w = new Int32Array(old.length * 2);
        w.set(old);
        return w;
      };
      this.predNext = wider(this.predNext);
      this.predNode = wider(this.predNode);
    }
    this.predNode[e] = from;
    this.predNext[e] = this.predHead[to]!;
    this.predHead[to] = e;
  }

  /** K. Cooper, T. Harvey, K. Kennedy, "A Simple, Fast Dominance Algorithm". */
  private dominators(code: RegionCode): void {
    const { rpo, order, idom, predHead, predNext, predNode } = this;
    const count = this.orderCount;
    predHead.fill(-1, 0, this.nodeCount);
    this.predCount = 0;
    for (let i = 0; i < count; i++) {
      const node = order[i]!;
      const many = node === this.dispatch ? this.dispatchTargets.length : 2;
      for (let k = 0; k < many; k++) {
        const s = this.successor(code, node, k);
        if (s >= 0) this.addPred(s, node);
      }
    }
    idom.fill(-1, 0, this.nodeCount);
    idom[this.root] = this.root;
    const next = this.predNext === predNext ? predNext : this.predNext;
    const from = this.predNode === predNode ? predNode : this.predNode;
    for (let changed = true; changed; ) {
      changed = false;
      for (let i = 1; i < count; i++) {
        const node = order[i]!;
        let best = -1;
        for (let e = predHead[node]!; e >= 0; e = next[e]!) {
          let p = from[e]!;
          if (idom[p] === -1) continue;
          if (best < 0) best = p;
          else {
            let q = best;
            while (p !== q) {
              while (rpo[p]! > rpo[q]!) p = idom[p]!;
              while (rpo[q]! > rpo[p]!) q = idom[q]!;
            }
            best = p;
          }
        }
        if (idom[node] !== best) {
          idom[node] = best;
          changed = true;
        }
      }
    }
  }

  private dominates(a: number, b: number): boolean {
    const { rpo, idom } = this;
    while (rpo[b]! > rpo[a]!) b = idom[b]!;
    return a === b;
  }

  /** Successor k of `node` if the edge goes backward to a node that does not dominate it, else -1. */
  private irreducible(code: RegionCode, node: number, k: number): number {
    if (node === this.dispatch) return -1;
    const s = this.successor(code, node, k);
    return s < 0 || s === this.dispatch || this.rpo[s]! > this.rpo[node]! || this.dominates(s, node) ? -1 : s;
  }

  /**
   * A loop with two ways in: copies a small block so that one of them is left. Number of instructions copied, at most `limit`; 0 = there is no such
   * loop, or no block that is small enough.
   */
  private splitIrreducible(code: RegionCode, limit: number): number {
    for (let i = 0; i < this.orderCount; i++) {
      const node = this.order[i]!;
      for (let k = 0; k < 2; k++) {
        const s = this.irreducible(code, node, k);
        if (s < 0) continue;
        // The source, for those ways to it that come from within the loop; else the target, for this way.
        const size = code.end[node]! - code.first[node]!;
        if (size <= limit && size <= MAX_COPIED_BLOCK && this.copyWithin(code, node, s)) return Math.max(size, 1);
        const targetSize = code.end[s]! - code.first[s]!;
        if (targetSize > limit || targetSize > MAX_COPIED_BLOCK) continue;
        const copy = code.copyBlock(s);
        if (k === 0) code.taken[node] = copy;
        else code.fall[node] = copy;
        return Math.max(targetSize, 1);
      }
    }
    return 0;
  }

  /** Gives those ways to `node` that `head` dominates a copy of it; false if there are none, or only such. */
  private copyWithin(code: RegionCode, node: number, head: number): boolean {
    let within = 0;
    let others = 0;
    for (let e = this.predHead[node]!; e >= 0; e = this.predNext[e]!) {
      if (this.predNode[e] !== this.dispatch && this.dominates(head, this.predNode[e]!)) within++;
      else others++;
    }
    if (within === 0 || others === 0) return false;
    const copy = code.copyBlock(node);
    for (let e = this.predHead[node]!; e >= 0; e = this.predNext[e]!) {
      const p = this.predNode[e]!;
      if (p === this.dispatch || !this.dominates(head, p)) continue;
      if (code.taken[p] === node) code.taken[p] = copy;
      if (code.fall[p] === node) code.fall[p] = copy;
    }
    return true;
  }

  /** Sends backward edges to nodes that do not dominate their source through the dispatch node. True if there were any. */
  private redirectIrreducible(code: RegionCode, blocks: number): boolean {
    let any = false;
    for (let i = 0; i < this.orderCount; i++) {
      const node = this.order[i]!;
      for (let k = 0; k < 2; k++) {
        const s = this.irreducible(code, node, k);
        if (s < 0) continue;
        any = true;
        if (this.dispatch < 0) this.addDispatch(blocks);
        this.addTarget(s);
        this.viaDispatch[node]! |= 1 << k;
      }
    }
    return any;
  }

  /** True if the edge goes into the loop of which `to` is the header, from outside and not through the dispatch node. */
  entersLoop(from: number, to: number): boolean {
    return this.isLoop[to] !== 0 && this.rpo[to]! > this.rpo[from]! && this.inDispatch[to] === 0;
  }

  /** For each loop header: the union of what the loop's nodes have in `of`, and in `ofXmm`. */
  overLoops(of: Int32Array, ofXmm: Int32Array, union: Int32Array, unionXmm: Int32Array): void {
    const { rpo, order, predHead, predNext, predNode, stack, state } = this;
    for (let i = 0; i < this.orderCount; i++) {
      const head = order[i]!;
      if (this.isLoop[head] === 0 || head === this.dispatch) continue;
      // Backwards from the ends of the loop to its header.
      let all = of[head]!;
      let allXmm = ofXmm[head]!;
      let sp = 0;
      state.fill(0, 0, this.nodeCount);
      state[head] = 1;
      let node = head;
      for (;;) {
        for (let e = predHead[node]!; e >= 0; e = predNext[e]!) {
          const p = predNode[e]!;
          if (state[p] !== 0 || (node === head && rpo[p]! < i)) continue;
          state[p] = 1;
          stack[sp++] = p;
        }
        if (sp === 0) break;
        node = stack[--sp]!;
        all |= of[node]!;
        allXmm |= ofXmm[node]!;
      }
      union[head] = all;
      unionXmm[head] = allXmm;
    }
  }

  private shape(code: RegionCode): void {
    const { rpo, order, idom, isLoop, isMerge, mergeChild, mergeNext } = this;
    const n = this.nodeCount;
    isLoop.fill(0, 0, n);
    isMerge.fill(0, 0, n);
    mergeChild.fill(-1, 0, n);
    this.hasLoops = this.dispatch >= 0;
    if (this.dispatch >= 0) isLoop[this.dispatch] = 1;
    const forward = this.state;
    forward.fill(0, 0, n);
    for (let i = 0; i < this.orderCount; i++) {
      const node = order[i]!;
      const many = node === this.dispatch ? this.dispatchTargets.length : 2;
      for (let k = 0; k < many; k++) {
        const s = this.successor(code, node, k);
        if (s < 0) continue;
        if (rpo[s]! <= i) {
          isLoop[s] = 1;
          this.hasLoops = true;
        } else if (++forward[s]! > 1 || node === this.dispatch) isMerge[s] = 1;
      }
    }
    // By increasing number, each put in front: the lists come out by decreasing number.
    for (let i = 1; i < this.orderCount; i++) {
      const node = order[i]!;
      if (isMerge[node] === 0) continue;
      const parent = idom[node]!;
      mergeNext[node] = mergeChild[parent]!;
      mergeChild[parent] = node;
    }
  }
}
