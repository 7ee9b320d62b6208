/** NETLINK_GENERIC: the controller, which says what families there are. Facts: Linux 6.18 net/netlink/genetlink.c. */
import { EINVAL, ENOENT, EOPNOTSUPP } from '../../abi/errno.ts';
import { attributesOf, attributeText, NLM_F_MULTI, NLMSG_HDRLEN } from './netlink-message.ts';
import type { NetlinkProtocol, NetlinkRequest } from './netlink-socket.ts';

const GENL_ID_CTRL = 16;
const CTRL_CMD_NEWFAMILY = 1;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_CMD_GETPOLICY = 10;
const GENL_HDRLEN = 4;

class Generic implements NetlinkProtocol {
  handle(r: NetlinkRequest): number {
    if (r.type !== GENL_ID_CTRL) return ENOENT;
    if (r.bytes.length < NLMSG_HDRLEN + GENL_HDRLEN) return EINVAL;
    const command = r.bytes[NLMSG_HDRLEN]!; // checked
    if (command === CTRL_CMD_GETPOLICY) return r.dump ? ENOENT : EOPNOTSUPP;
    if (command !== CTRL_CMD_GETFAMILY) return EOPNOTSUPP;
    if (r.dump) {
      write(r, NLM_F_MULTI);
      r.ext.dumped = true;
      return 0;
    }
    const attrs = attributesOf(r.bytes, NLMSG_HDRLEN + GENL_HDRLEN);
    const id = attrs.get(1);
    const name = attrs.get(2);
    if (id === undefined && name === undefined) return EINVAL;
    if (name !== undefined && attributeText(name) !== 'nlctrl') return ENOENT;
    if (name === undefined && id !== undefined && (id[0]! | (id[1]! << 8)) !== GENL_ID_CTRL) return ENOENT; // two bytes
    write(r, 0);
    return 0;
  }
}
/** The controller as a family. */
function write(r: NetlinkRequest, flags: number): void {
  const w = r.writer;
  w.begin(GENL_ID_CTRL, flags, r.seq, r.socket.pid);
  w.u8(CTRL_CMD_NEWFAMILY);
  w.u8(2);
  w.u16(0);
  w.attributeString(2, 'nlctrl');
  w.attribute16(1, GENL_ID_CTRL);
  w.attribute32(3, 2);
  w.attribute32(4, 0);
  w.attribute32(5, 10);
  const ops = w.nest(6);
  for (const [i, command, what] of [[1, CTRL_CMD_GETFAMILY, 0x0e], [2, CTRL_CMD_GETPOLICY, 0x0c]] as const) {
    const op = w.nest(i);
    w.attribute32(1, command);
    w.attribute32(2, what);
    w.endNest(op);
  }
  w.endNest(ops);
  const groups = w.nest(7);
  const group = w.nest(1);
  w.attribute32(2, 16);
  w.attributeString(1, 'notify');
  w.endNest(group);
  w.endNest(groups);
  w.end();
}
export const genericNetlink: NetlinkProtocol = new Generic();
