/** UTS namespaces: host and domain name. */
import type { UserNamespace } from '../auth/user-namespace.ts';

export class UtsNamespace {
  /** Byte strings, up to 64 bytes. */
  nodename: string;
  domainname: string;
  readonly userNs: UserNamespace;
  readonly inum: number;
  constructor(nodename: string, domainname: string, userNs: UserNamespace, inum: number) {
    this.nodename = nodename;
    this.domainname = domainname;
    this.userNs = userNs;
    this.inum = inum;
  }
}
