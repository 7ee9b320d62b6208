/** Route netlink: which message goes where. Linux 6.18 net/core/rtnetlink.c rtnetlink_rcv_msg(). */
import { CAP_NET_ADMIN } from '../../abi/capability.ts';
import { EINVAL, ENOENT, EOPNOTSUPP, EPERM } from '../../abi/errno.ts';
import { attributeInt, attributesOf, NLMSG_HDRLEN } from './netlink-message.ts';
import type { NetlinkProtocol, NetlinkRequest } from './netlink-socket.ts';
import { changeAddress, dumpAddresses } from './rtnl-address.ts';
import { changeLink, changeLinkProperty, deleteLink, dumpLinks, getLink, type NamespaceResolver, setNamespaceResolver } from './rtnl-link.ts';
import { dumpAddressLabels, dumpMulticast, dumpNeighbourTables, dumpNsids, dumpQdiscs, getNetconf, getNsid, getStats, newNsid } from './rtnl-misc.ts';
import { changeNeighbour, dumpNeighbours } from './rtnl-neighbour.ts';
import { changeRoute, dumpRoutes, getRoute } from './rtnl-route.ts';
import { changeRule, dumpRules } from './rtnl-rule.ts';

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const RTM_SETLINK = 19;
const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;
const RTM_NEWNEIGH = 28;
const RTM_DELNEIGH = 29;
const RTM_GETNEIGH = 30;
const RTM_NEWRULE = 32;
const RTM_DELRULE = 33;
const RTM_GETRULE = 34;
const RTM_GETQDISC = 38;
const RTM_GETTCLASS = 42;
const RTM_GETTFILTER = 46;
const RTM_GETMULTICAST = 58;
const RTM_GETANYCAST = 62;
const RTM_GETNEIGHTBL = 66;
const RTM_GETADDRLABEL = 74;
const RTM_GETDCB = 78;
const RTM_GETNETCONF = 82;
const RTM_GETMDB = 86;
const RTM_NEWNSID = 88;
const RTM_GETNSID = 90;
const RTM_GETSTATS = 94;
const RTM_GETCHAIN = 102;
const RTM_GETNEXTHOP = 106;
const RTM_NEWLINKPROP = 108;
const RTM_DELLINKPROP = 109;
const RTM_GETVLAN = 114;
const RTM_MAX = 123;

class RouteNetlink implements NetlinkProtocol {
  private readonly resolver: NamespaceResolver;
  constructor(resolver: NamespaceResolver) {
    this.resolver = resolver;
    setNamespaceResolver(resolver);
  }
  handle(r: NetlinkRequest): number {
    const { type } = r;
    if (type > RTM_MAX) return EOPNOTSUPP;
    const ns = r.socket.netNs;
    // All but questions (…GET…) change something.
    if ((type & 3) !== 2 && !r.ctx.credentials.nsCapable(ns.userNs, CAP_NET_ADMIN)) return EPERM;
    if ((type & 3) === 2 && r.dump) return this.dump(r);
    switch (type) {
      case RTM_NEWLINK:
      case RTM_SETLINK:
        return changeLink(r, ns);
      case RTM_DELLINK:
        return deleteLink(r, ns);
      case RTM_GETLINK:
        return getLink(r, ns);
      case RTM_NEWADDR:
      case RTM_DELADDR:
        return changeAddress(r, ns, type === RTM_DELADDR);
      case RTM_NEWROUTE:
      case RTM_DELROUTE:
        return changeRoute(r, ns, type === RTM_DELROUTE);
      case RTM_GETROUTE:
        return getRoute(r, ns);
      case RTM_NEWNEIGH:
        return changeNeighbour(r, ns, 'new');
      case RTM_DELNEIGH:
        return changeNeighbour(r, ns, 'del');
      case RTM_GETNEIGH:
        return changeNeighbour(r, ns, 'get');
      case RTM_NEWRULE:
      case RTM_DELRULE:
        return changeRule(r, ns, type === RTM_DELRULE);
      case RTM_GETNETCONF:
        return getNetconf(r, ns);
      case RTM_NEWNSID:
        return newNsid(r, ns, this.resolver);
      case RTM_GETNSID:
        return getNsid(r, ns, this.resolver);
      case RTM_GETSTATS:
        return getStats(r, ns);
      case RTM_NEWLINKPROP:
      case RTM_DELLINKPROP:
        return changeLinkProperty(r, ns, type === RTM_DELLINKPROP);
      case RTM_GETNEXTHOP:
        return ENOENT;
    }
    return EOPNOTSUPP;
  }
  private dump(r: NetlinkRequest): number {
    const ns = r.socket.netNs;
    switch (r.type) {
      case RTM_GETLINK:
        return dumpLinks(r, ns);
      case RTM_GETADDR: {
        const id = r.bytes.length >= NLMSG_HDRLEN + 8 ? attributesOf(r.bytes, NLMSG_HDRLEN + 8).get(10) : undefined;
        if (id === undefined) return dumpAddresses(r, ns, -1);
        const target = ns.byId(attributeInt(id));
        if (target === null) return r.ext.fail(EINVAL, 'Invalid target network namespace id');
        return r.ctx.credentials.nsCapable(target.userNs, CAP_NET_ADMIN) ? dumpAddresses(r, target, attributeInt(id)) : EPERM;
      }
      case RTM_GETROUTE:
        return dumpRoutes(r, ns);
      case RTM_GETNEIGH:
        return dumpNeighbours(r, ns);
      case RTM_GETRULE:
        return dumpRules(r, ns);
      case RTM_GETQDISC:
        return dumpQdiscs(r, ns);
      case RTM_GETNETCONF:
        return getNetconf(r, ns);
      case RTM_GETNSID:
        return dumpNsids(r, ns);
      case RTM_GETNEIGHTBL:
        return dumpNeighbourTables(r, ns);
      case RTM_GETADDRLABEL:
        return dumpAddressLabels(r);
      case RTM_GETMULTICAST:
      case RTM_GETANYCAST:
        return dumpMulticast(r, ns, r.type - 2);
      case RTM_GETSTATS:
        return getStats(r, ns);
      case RTM_GETMDB:
      case RTM_GETNEXTHOP:
      case RTM_GETTCLASS:
      case RTM_GETTFILTER:
      case RTM_GETCHAIN:
      case RTM_GETVLAN:
      case RTM_GETDCB:
        r.ext.dumped = true;
        return 0;
    }
    return EOPNOTSUPP;
  }
}
/** The kernel's end of NETLINK_ROUTE. `resolver` finds namespaces by descriptor and process. */
export function routeNetlink(resolver: NamespaceResolver): NetlinkProtocol {
  return new RouteNetlink(resolver);
}
