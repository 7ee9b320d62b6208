/** What sendmsg and recvmsg carry besides the bytes. One object is reused by all calls. */
import type { KGid, KUid } from '../abi/ids.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import type { PeerPid } from './socket-caller.ts';

export class Message {
  /** Destination of a send (null: none was given); source of a receive (null: unnamed), sockaddr form. */
  name: Uint8Array | null = null;
  /** A receive has a name to report (even an empty one). */
  hasName = false;
  /** MSG_ flags given. */
  flags = 0;
  /** Receive: MSG_TRUNC, MSG_CTRUNC, MSG_EOR, MSG_OOB for the caller. */
  resultFlags = 0;
  /** Descriptors sent or received. */
  files: FileDescription[] | null = null;
  /** Explicit or received credentials. */
  pid: PeerPid | null = null;
  uid = -1 as KUid;
  gid = -1 as KGid;
  /** Credentials are there: given by the sender, or to be reported to the receiver. */
  hasCredentials = false;
  /** Receive: report SCM_PIDFD. */
  wantsPidfd = false;
  /** Receive: the caller did not ask to see descriptors (read(2), recv without control): they are dropped. */
  noControl = true;
  /** Family's further control data: (level, type, bytes). */
  readonly control: ControlItem[] = [];

  reset(flags: number): this {
    this.name = null;
    this.hasName = false;
    this.flags = flags;
    this.resultFlags = 0;
    this.files = null;
    this.pid = null;
    this.hasCredentials = false;
    this.wantsPidfd = false;
    this.noControl = true;
    if (this.control.length > 0) this.control.length = 0;
    return this;
  }
}

export interface ControlItem {
  readonly level: number;
  readonly type: number;
  readonly data: Uint8Array;
}
