/** UTS namespaces: host and domain name. */
import { Namespace } from '../auth/namespace.ts';
import type { UserNamespace } from '../auth/user-namespace.ts';

export class UtsNamespace extends Namespace {
  readonly kind = 'uts';
  /** Byte strings, up to 64 bytes. */
  nodename: string;
  domainname: string;
  constructor(nodename: string, domainname: string, userNs: UserNamespace, inum: number) {
    super(userNs, inum);
    this.nodename = nodename;
    this.domainname = domainname;
  }
}
