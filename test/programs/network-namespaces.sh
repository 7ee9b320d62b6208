# needs: iproute2 iputils-ping netcat-openbsd
# timeout: 400
cat > names <<'E'
ip netns add nta; ip netns add ntb; ip netns add ntr
ip link add va netns nta type veth peer name ra netns ntr; ip link add vb netns ntb type veth peer name rb netns ntr
ip -n nta addr add 10.1.0.2/24 dev va; ip -n ntb addr add 10.2.0.2/24 dev vb; ip -n ntr addr add 10.1.0.1/24 dev ra; ip -n ntr addr add 10.2.0.1/24 dev rb
for n in nta ntb ntr; do ip -n $n link set lo up; done; ip -n nta link set va up; ip -n ntb link set vb up; ip -n ntr link set ra up; ip -n ntr link set rb up
ip -n nta route add default via 10.1.0.1; ip -n ntb route add default via 10.2.0.1; ip -n nta -br addr | sed 's/ fe80.*//'; ip -n nta route; ip -n nta link show va | grep -o 'link-netns.*'
p() { ip netns exec nta ping -c1 "$@" 2>&1 | grep -E 'rom|received|rror' | sed 's/, time.*//; s/time=.*//'; }
p -W1 10.2.0.2; ip netns exec ntr sysctl -w net.ipv4.ip_forward=1; p -W2 10.2.0.2; p -W1 -t1 10.2.0.2; p -W1 10.9.9.9; p -W4 10.1.0.77; p -W2 -s 3000 10.2.0.2; p -W1 -M do -s 3000 10.2.0.2
ip -n ntr link set rb mtu 1000; p -W1 -M do -s 1200 10.2.0.2; ip netns exec nta ip route get 10.2.0.2 | head -1; ip -n nta neigh | sed -E 's/lladdr [0-9a-f:]+/MAC/; s/(STALE|DELAY|REACHABLE|PROBE)/ok/' | sort
ip netns exec ntb bash -c 'nc -l 10.2.0.2 99 > got & sleep 1; ip netns exec nta bash -c "echo over | nc -N 10.2.0.2 99"; wait; cat got'
ip netns exec nta bash -c 'echo x | nc -w1 10.2.0.2 98; echo $?'; ip -n nta link del va; ip -n ntr -br link | awk '{print $1}'; ip netns exec ntb bash -c 'ls /sys/class/net'; ip netns del nta; ip netns | sed 's/ .*//' | sort; ip netns del ntb; ip netns del ntr
E
unshare -n bash names
