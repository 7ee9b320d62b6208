/** Root, working directory and umask of a task: Linux's fs_struct. Shared by CLONE_FS, copied otherwise. */
import type { Path } from './mount.ts';

export class FsContext {
  root: Path;
  pwd: Path;
  umask: number;
  /** Tasks that share it: unshare(CLONE_FS) and execve look. */
  users = 1;

  constructor(root: Path, pwd: Path, umask: number) {
    this.root = root;
    this.pwd = pwd;
    this.umask = umask;
    root.get();
    pwd.get();
  }

  /** A private copy, for fork and unshare(CLONE_FS). */
  clone(): FsContext {
    return new FsContext(this.root, this.pwd, this.umask);
  }

  setRoot(path: Path): void {
    path.get();
    this.root.put();
    this.root = path;
  }

  setPwd(path: Path): void {
    path.get();
    this.pwd.put();
    this.pwd = path;
  }

  /** Gives one user's share back; the last one lets go of the paths. */
  release(): void {
    if (--this.users > 0) return;
    this.root.put();
    this.pwd.put();
  }
}
