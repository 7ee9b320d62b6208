# needs: python3 util-linux iproute2 iputils-ping
# ICMP echo without privilege (SOCK_DGRAM, IPPROTO_ICMP): who may have such a socket (net.ipv4.ping_group_range), identifiers, what can be sent; ping itself.
cat > ping.py <<'E'
import socket,os,struct,select,errno
def cs(b):
    if len(b)%2: b+=b'\0'
    s=sum(struct.unpack('!%dH'%(len(b)//2),b)); s=(s>>16)+(s&0xffff); s+=s>>16
    return ~s&0xffff
def t(f):
    try: return f()
    except TimeoutError: return 'timeout'
    except OSError as e: return errno.errorcode[e.errno]
def rng(v): 
    try:
        f=os.open('/proc/sys/net/ipv4/ping_group_range',os.O_WRONLY); r=os.write(f,v.encode()); os.close(f); return r
    except OSError as e: return errno.errorcode[e.errno]
def cur(): return open('/proc/sys/net/ipv4/ping_group_range').read().strip()
print(cur())
mk=lambda fam=2,p=1: t(lambda: socket.socket(fam,2,p))
s=mk(); print(s if isinstance(s,str) else 'made')
for v in ['0 10','5 3','0','x','0 0 0','-1 5','0 4294967295','0 4294967294','1 0','100 200',' 7\t9 ','5','4294967294 4294967294']:
    print(repr(v),rng(v),cur())
rng('1 0'); print('none',mk(),mk(10,58))
rng('0 0'); 
s=mk(); print(type(s).__name__)
s6=mk(10,58); print(type(s6).__name__)
print(mk(2,58),mk(10,1),mk(2,255))
s.settimeout(1)
print('name',t(s.getsockname)); print(t(lambda:s.bind(('127.0.0.1',0))), s.getsockname()[0], s.getsockname()[1]>0)
a=socket.socket(2,2,1); print('bind same',t(lambda:a.bind(('0.0.0.0',s.getsockname()[1]))),t(lambda:a.bind(('127.0.0.1',0)))); a.close(); a=socket.socket(2,2,1);  print(t(lambda:a.bind(('127.0.0.1',77))),a.getsockname()); print('bind bad',t(lambda:socket.socket(2,2,1).bind(('10.9.9.9',0))))
b=socket.socket(2,2,1); print('bind taken',t(lambda:b.bind(('127.0.0.1',77)))); b.setsockopt(1,2,0); print(b.getsockopt(1,2),t(lambda:b.bind(('127.0.0.1',78)))); b.close(); b=socket.socket(2,2,1); b.setsockopt(1,2,0); print(t(lambda:b.bind(('127.0.0.1',77)))); a.setsockopt(1,2,0);print(t(lambda:b.bind(('127.0.0.1',77)))); b.close()
def echo(ty=8,code=0,id=0x1234,seq=1,d=b'hello'):
    h=struct.pack('!BBHHH',ty,code,0,id,seq)+d; return h
print('send',t(lambda:s.sendto(echo(),('127.0.0.1',0))))
r=t(lambda:s.recvfrom(999)); print(r if isinstance(r,str) else (r[0][:2],struct.unpack('!H',r[0][4:6])[0]==s.getsockname()[1],r[0][6:],r[1][0],r[1][1]))
for ty,code in [(0,0),(13,0),(8,1),(3,0),(17,0)]: print('type',ty,code,t(lambda:s.sendto(echo(ty,code),('127.0.0.1',0))))
print('short',t(lambda:s.sendto(b'\x08\0\0\0',('127.0.0.1',0))),t(lambda:s.sendto(b'',('127.0.0.1',0))))
print('nodest',t(lambda:s.send(echo())),t(lambda:a.connect(('127.0.0.1',0))),t(lambda:a.send(echo(seq=5))))
r=t(lambda:(a.settimeout(1),a.recv(99))[1]); print(r if isinstance(r,str) else (struct.unpack('!H',r[4:6])[0],r[6:]))
print('peer',t(a.getpeername)); print('opts',[t(lambda:s.getsockopt(1,o)) for o in (3,38,39)], t(lambda:s.setsockopt(0,2,64)),t(lambda:s.setsockopt(0,12,1)),t(lambda:s.setsockopt(0,8,1)))
s.sendto(echo(seq=9),('127.0.0.1',0)); r=t(lambda:s.recvmsg(99,999)); print(r if isinstance(r,str) else (r[0][6:],[(l,ty,len(d)) for l,ty,d in r[1]]))
print('toobig',t(lambda:s.sendto(b'\x08'+b'\0'*70000,('127.0.0.1',0)))); print('listen',t(lambda:s.listen(1))); print('shutdown',t(lambda:s.shutdown(0)))
print('unreach',t(lambda:s.sendto(echo(),('10.77.0.1',0))))
if not isinstance(s6,str):
    s6.settimeout(1)
    print('6name',s6.getsockname(),t(lambda:s6.bind(('::1',0))),s6.getsockname()[0])
    print(t(lambda:s6.sendto(echo(128),('::1',0)))); r=t(lambda:s6.recvfrom(99)); print(r if isinstance(r,str) else (r[0][:2],struct.unpack('!H',r[0][4:6])[0]==s6.getsockname()[1],r[0][6:],r[1][0]))
    for ty in (8,129,135): print('6type',ty,t(lambda:s6.sendto(echo(ty),('::1',0))))
    print('v4 on 6',t(lambda:s6.sendto(echo(8),('::ffff:127.0.0.1',0))))
rng('100 200')
pid=os.fork()
if pid==0:
    os.setgroups([150]); os.setgid(50); os.setuid(1000); s=mk(); print('suppl',type(s).__name__); os._exit(0)
os.wait()
pid=os.fork()
if pid==0:
    os.setgroups([99]); os.setgid(100); os.setuid(1000); s=mk(); print('egid',type(s).__name__, rng('0 0')); os._exit(0)
os.wait()
pid=os.fork()
if pid==0:
    os.setgroups([]); os.setgid(50); os.setuid(1000); s=mk(); print('none',s); os._exit(0)
os.wait()

import sys
sys.stdout.flush()
E
unshare -n sh -c 'ip link set lo up; python3 ping.py'
unshare -n sh -c 'ip link set lo up; echo 0 2000 > /proc/sys/net/ipv4/ping_group_range
  setpriv --reuid 1000 --regid 1000 --clear-groups --no-new-privs ping -c2 -i0.01 -s 100 127.0.0.1 | grep -o "2 received"
  setpriv --reuid 1000 --regid 1000 --clear-groups --no-new-privs ping -6 -c1 ::1 | grep -o "1 received"'
# Numbers are those of the user namespace that writes or reads.
unshare -n sh -c 'setpriv --reuid 1000 --regid 1000 --clear-groups unshare -Urn sh -c "cat /proc/sys/net/ipv4/ping_group_range; echo 0 0 > /proc/sys/net/ipv4/ping_group_range; cat /proc/sys/net/ipv4/ping_group_range; echo 0 1 > /proc/sys/net/ipv4/ping_group_range; echo \$?; cat /proc/sys/net/ipv4/ping_group_range; ip link set lo up; ping -c1 127.0.0.1 | grep -o \"1 received\""' 2>&1
