/** What is counted a user: Linux struct user_struct and ucounts. */
import type { KUid } from '../abi/ids.ts';

export class UserStruct {
  readonly uid: KUid;
  /** Tasks (RLIMIT_NPROC), queued signals (RLIMIT_SIGPENDING). */
  processes = 0;
  sigpending = 0;
  constructor(uid: KUid) {
    this.uid = uid;
  }
}

export class UserTable {
  private readonly users: Map<number, UserStruct> = new Map();
  get(uid: KUid): UserStruct {
    let u = this.users.get(uid);
    if (!u) {
      u = new UserStruct(uid);
      this.users.set(uid, u);
    }
    return u;
  }
}
