/** Whose child is who, and which of them can be reaped: Linux task_struct's children and sibling lists. */
import { EXIT_ZOMBIE, type Task } from './task.ts';

/** `child` goes behind the other children of `parent`. */
export function addChild(parent: Task, child: Task): void {
  parent.children.add(child);
  child.siblingOrder = parent.kernel.nextSibling++;
  if (child.exitState === EXIT_ZOMBIE) parent.threadGroup.zombies.add(child);
}

export function removeChild(parent: Task, child: Task): void {
  parent.children.delete(child);
  parent.threadGroup.zombies.delete(child);
}

/** The thread `by` is from now on the child that `old` was: it has become the leader. */
export function replaceChild(parent: Task, old: Task, by: Task): void {
  removeChild(parent, old);
  parent.children.add(by);
  by.siblingOrder = old.siblingOrder;
}

/** `child` has died and may be waited for. */
export function childDied(child: Task): void {
  if (child.isLeader) child.realParent?.threadGroup.zombies.add(child);
}
