/** Routing rules through netlink. Linux 6.18 net/core/fib_rules.c. */
import { EAFNOSUPPORT, EEXIST, EINVAL, ENOENT, EPERM } from '../../abi/errno.ts';
import { FR_ACT_GOTO, FR_ACT_TO_TBL, RT_TABLE_MAIN, type RouteTables, Rule, sameBytes } from '../ip/route-table.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { attributeInt, attributesOf, attributeText, NLM_F_MULTI, NLMSG_HDRLEN } from './netlink-message.ts';
import type { NetlinkRequest } from './netlink-socket.ts';
import * as notify from './route-notify.ts';
import { writeRule } from './rtnl-route-dump.ts';

const HEADER = 12;
const NLM_F_EXCL = 0x200;
const RTM_NEWRULE = 32;
const RTM_DELRULE = 33;

function tablesOf(ns: NetworkNamespace, family: number): RouteTables | null {
  return family === 2 ? ns.routes4 : family === 10 ? ns.routes6 : null;
}
export function dumpRules(r: NetlinkRequest, ns: NetworkNamespace): number {
  const family = r.bytes.length > NLMSG_HDRLEN ? r.bytes[NLMSG_HDRLEN]! : 0; // checked
  for (const tables of [ns.routes4, ns.routes6]) {
    if (family !== 0 && family !== tables.family) continue;
    for (const rule of tables.rules) writeRule(r.writer, tables.family, rule, RTM_NEWRULE, NLM_F_MULTI, r.seq, r.socket.pid);
  }
  if (family !== 0 && family !== 2 && family !== 10) return EAFNOSUPPORT;
  r.ext.dumped = true;
  return 0;
}

function parse(r: NetlinkRequest, tables: RouteTables): { rule: Rule; hasPriority: boolean; hasTable: boolean } | number {
  const b = r.bytes;
  if (b.length < NLMSG_HDRLEN + HEADER) return EINVAL;
  const attrs = attributesOf(b, NLMSG_HDRLEN + HEADER);
  const int = (n: number): number => (attrs.has(n) ? attributeInt(attrs.get(n)!) : 0); // it is there
  const rule = new Rule();
  rule.dstPrefix = b[NLMSG_HDRLEN + 1]!; // checked length, as below
  rule.srcPrefix = b[NLMSG_HDRLEN + 2]!;
  rule.tos = b[NLMSG_HDRLEN + 3]!;
  const table = attrs.has(15) ? int(15) >>> 0 : b[NLMSG_HDRLEN + 4]!;
  rule.action = b[NLMSG_HDRLEN + 7]!;
  rule.flags = new DataView(b.buffer, b.byteOffset).getUint32(NLMSG_HDRLEN + 8, true);
  rule.table = table;
  const dst = attrs.get(1);
  const src = attrs.get(2);
  if (rule.dstPrefix > 0) {
    if (dst === undefined || dst.length !== tables.length || rule.dstPrefix > tables.length * 8) return r.ext.fail(EINVAL, 'Invalid dst address');
    rule.dst = dst.slice();
  }
  if (rule.srcPrefix > 0) {
    if (src === undefined || src.length !== tables.length || rule.srcPrefix > tables.length * 8) return r.ext.fail(EINVAL, 'Invalid src address');
    rule.src = src.slice();
  }
  rule.iifName = attributeText(attrs.get(3));
  rule.oifName = attributeText(attrs.get(17));
  if (attrs.has(10)) {
    rule.mark = int(10) >>> 0;
    rule.markMask = 0xffffffff;
  }
  if (attrs.has(16)) rule.markMask = int(16) >>> 0;
  rule.priority = int(6) >>> 0;
  rule.target = int(4) >>> 0;
  rule.suppressPrefix = attrs.has(14) ? int(14) : -1;
  rule.suppressGroup = attrs.has(13) ? int(13) : -1;
  rule.protocol = attrs.get(21)?.[0] ?? 0;
  rule.ipProtocol = attrs.get(22)?.[0] ?? 0;
  const uids = attrs.get(20);
  if (uids !== undefined && uids.length >= 8) {
    const v = new DataView(uids.buffer, uids.byteOffset);
    rule.uidFirst = v.getUint32(0, true);
    rule.uidLast = v.getUint32(4, true);
    if (rule.uidFirst > rule.uidLast) return r.ext.fail(EINVAL, 'Invalid uid range');
  }
  const ports = (data: Uint8Array | undefined): readonly [number, number] | null =>
    data === undefined || data.length < 4 ? null : [data[0]! | (data[1]! << 8), data[2]! | (data[3]! << 8)]; // four bytes
  rule.sport = ports(attrs.get(23));
  rule.dport = ports(attrs.get(24));
  return { rule, hasPriority: attrs.has(6), hasTable: table !== 0 };
}
function same(a: Rule, b: Rule): boolean {
  const bytes = (x: Uint8Array | null, y: Uint8Array | null): boolean => (x === null ? y === null : y !== null && sameBytes(x, y));
  const pair = (x: readonly [number, number] | null, y: readonly [number, number] | null): boolean => (x === null ? y === null : y !== null && x[0] === y[0] && x[1] === y[1]);
  return (
    a.action === b.action && a.table === b.table && a.priority === b.priority && a.iifName === b.iifName && a.oifName === b.oifName && a.mark === b.mark && a.markMask === b.markMask &&
    a.uidFirst === b.uidFirst && a.uidLast === b.uidLast && a.tos === b.tos && a.dstPrefix === b.dstPrefix && a.srcPrefix === b.srcPrefix && bytes(a.dst, b.dst) && bytes(a.src, b.src) &&
    a.ipProtocol === b.ipProtocol && pair(a.sport, b.sport) && pair(a.dport, b.dport) && a.flags === b.flags
  );
}

export function changeRule(r: NetlinkRequest, ns: NetworkNamespace, remove: boolean): number {
  const family = r.bytes.length > NLMSG_HDRLEN ? r.bytes[NLMSG_HDRLEN]! : 0; // checked
  const tables = tablesOf(ns, family);
  if (tables === null) return EAFNOSUPPORT;
  const parsed = parse(r, tables);
  if (typeof parsed === 'number') return parsed;
  const { rule, hasPriority, hasTable } = parsed;
  if (remove) {
    const old = tables.rules.find(
      (o) =>
        (rule.action === 0 || o.action === rule.action) && (!hasTable || o.table === rule.table) && (!hasPriority || o.priority === rule.priority) && (rule.iifName === '' || o.iifName === rule.iifName) &&
        (rule.oifName === '' || o.oifName === rule.oifName) && (rule.mark === 0 || o.mark === rule.mark) && (rule.tos === 0 || o.tos === rule.tos) &&
        (rule.dst === null || (o.dst !== null && o.dstPrefix === rule.dstPrefix && sameBytes(o.dst, rule.dst))) && (rule.src === null || (o.src !== null && o.srcPrefix === rule.srcPrefix && sameBytes(o.src, rule.src))) &&
        (rule.ipProtocol === 0 || o.ipProtocol === rule.ipProtocol) && (rule.uidLast === 0xffffffff || (o.uidFirst === rule.uidFirst && o.uidLast === rule.uidLast)),
    );
    if (old === undefined) return ENOENT;
    if (old.flags & 1) return EPERM;
    tables.rules.splice(tables.rules.indexOf(old), 1);
    notify.rule(ns, family, old, RTM_DELRULE);
    ns.routesChanged();
    return 0;
  }
  if (rule.action === FR_ACT_GOTO) {
    if (rule.target === 0) return r.ext.fail(EINVAL, 'Invalid goto target');
    if (hasPriority && rule.target <= rule.priority) return r.ext.fail(EINVAL, 'Backward goto not supported');
  } else if (rule.action === FR_ACT_TO_TBL && rule.table === 0) {
    rule.table = RT_TABLE_MAIN;
  }
  if (!hasPriority) {
    // One less than the second rule's.
    const second = tables.rules[1];
    rule.priority = second !== undefined && second.priority > 0 ? second.priority - 1 : 0;
  }
  if (r.flags & NLM_F_EXCL && tables.rules.some((o) => same(o, rule))) return EEXIST;
  let at = tables.rules.findIndex((o) => o.priority > rule.priority);
  if (at < 0) at = tables.rules.length;
  tables.rules.splice(at, 0, rule);
  notify.rule(ns, family, rule, RTM_NEWRULE);
  ns.routesChanged();
  return 0;
}
